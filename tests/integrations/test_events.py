"""What is told when customers are segmented and scored, one by one and all together, and that it holds no contact data."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from integrations.endpoints import add
from integrations.models import Delivery, WebhookEvent
from predictions import runs
from predictions.level_changes import CROSSED, levels_now
from predictions.maths.lapse import level
from predictions.models import Prediction
from predictions.shown import shown_score
from quimbi.demo import shop
from segmentation import publishing
from segmentation.models import ActiveRun, Archetype, Membership, SegmentationRun
from segmentation.one_customer import segment_customer
from segmentation.runs import segment_everyone
from segmentation.telling import MOVED, tell_moved
from tests.factories import NOW, make_customer, make_order, make_shop
from tests.published import publish

pytestmark = pytest.mark.django_db
PUBLISHED = "segmentation.published"


@pytest.fixture
def listener(db):
    return add("https://example.com/hooks", [PUBLISHED, MOVED, CROSSED])


@pytest.fixture
def invented(db):
    """Six hundred invented customers, about 460 of them with orders."""
    shop.seed(600, 5, NOW)


def told(kind):
    """The `data` of every event of a kind, oldest first."""
    return list(WebhookEvent.objects.filter(type=kind).order_by("created_at", "id").values_list("payload", flat=True))


def changes(kind):
    return {change["customer_id"]: change for data in told(kind) for change in data["changes"]}


def levels():
    return {
        customer_id: level(score)
        for customer_id, score in Prediction.objects.values_list("customer__customer_id", "lapse_risk_score")
    }


# --- Segmentation ---------------------------------------------------------------------------------------------------------


def another_run(published):
    """A run like the published one that is not published yet, without members."""
    return SegmentationRun.objects.create(model=published.run.model, as_of=NOW, segmented=3)


def test_a_first_publication_tells_of_itself_alone(listener):
    make_shop()
    published = publish()
    published.join(make_customer("Sarah Johnson", orders=1, customer_id="sarah"))
    ActiveRun.objects.all().delete()
    publishing.publish(published.run)
    assert told(PUBLISHED) == [
        {
            "run_id": published.run.pk,
            "previous_run_id": None,
            "as_of": "2026-11-19T03:00:00Z",
            "segmented_customers": 27_333,
            "archetypes": 1,
        }
    ]
    assert told(MOVED) == []


def test_a_new_run_tells_who_moved_who_came_and_who_went(listener):
    make_shop()
    published = publish()
    lapsed = published.add_archetype("Lapsed", member_count=10, total_ltv="100.00")
    people = {name: make_customer(name, orders=1, customer_id=name) for name in ("stays", "moves", "goes", "comes")}
    for name in ("stays", "moves", "goes"):
        published.join(people[name])
    run = another_run(published)
    published.join(people["stays"], run=run)
    published.join(people["moves"], lapsed, run=run)
    published.join(people["comes"], run=run)
    publishing.publish(run)
    home, away = published.archetype.archetype_id, lapsed.archetype_id
    assert changes(MOVED) == {
        "moves": {"customer_id": "moves", "from": home, "to": away},
        "comes": {"customer_id": "comes", "from": None, "to": home},
        "goes": {"customer_id": "goes", "from": home, "to": None},
    }
    assert told(MOVED)[0]["run_id"] == run.pk
    assert told(PUBLISHED)[0]["previous_run_id"] == published.run.pk
    assert Delivery.objects.count() == 2

    publishing.roll_back()
    assert changes(MOVED)["moves"] == {"customer_id": "moves", "from": away, "to": home}
    assert told(PUBLISHED)[-1]["run_id"] == published.run.pk


def test_a_run_that_is_not_published_tells_nothing(listener, monkeypatch):
    make_shop()
    published = publish()
    monkeypatch.setattr(publishing, "run_published", None)  # breaks off before the commit
    with pytest.raises(AttributeError):
        publishing.publish(another_run(published))
    assert not WebhookEvent.objects.exists()


def test_the_moves_of_a_run_take_the_same_few_statements_whatever_their_number(listener):
    make_shop()
    published, counts = publish(), []
    for people in (2, 20):
        run = another_run(published)
        for number in range(people):
            published.join(make_customer(f"Ada {number}"), run=run)
        with CaptureQueriesContext(connection) as queries:
            publishing.publish(run)
        counts.append(len(queries))
    assert len(changes(MOVED)) == 22
    assert counts[0] == counts[1] < 30


def test_a_customer_scored_alone_is_told_only_if_the_archetype_is_another(listener, invented):
    segment_everyone(NOW)
    WebhookEvent.objects.all().delete()
    member = Membership.objects.select_related("customer", "archetype", "run").filter(order_count__gt=2).first()
    assert segment_customer(member.customer_id, NOW)
    assert told(MOVED) == []
    other = Archetype.objects.exclude(pk=member.archetype_id).filter(snapshots__run=member.run).first()
    Membership.objects.filter(pk=member.pk).update(archetype=other)
    assert segment_customer(member.customer_id, NOW)
    assert told(MOVED) == [
        {
            "run_id": member.run_id,
            "as_of": "2026-11-19T12:00:00Z",
            "changes": [
                {
                    "customer_id": member.customer.customer_id,
                    "from": other.archetype_id,
                    "to": member.archetype.archetype_id,
                }
            ],
        }
    ]
    newcomer = make_customer("Noah Lind", customer_id="noah")
    make_order(newcomer, placed_at=NOW - timedelta(hours=1))
    assert segment_customer(newcomer.pk, NOW)
    assert changes(MOVED)["noah"]["from"] is None
    assert changes(MOVED)["noah"]["to"].startswith("arch_")


def test_a_move_costs_one_query_where_nobody_listens_and_none_where_nobody_moved(db):
    make_shop()
    published = publish()
    sarah = make_customer()
    with CaptureQueriesContext(connection) as queries:
        tell_moved(published.run, sarah.pk, NOW, before=published.archetype.pk, after=published.archetype.pk)
        assert len(queries) == 0
        tell_moved(published.run, sarah.pk, NOW, before=None, after=published.archetype.pk)
        assert len(queries) == 1


# --- Lapse risk -----------------------------------------------------------------------------------------------------------


def test_the_first_scoring_of_everybody_crosses_nothing(listener, invented):
    runs.predict_everyone(NOW)
    assert told(CROSSED) == []


def test_a_nightly_run_tells_exactly_who_crossed_a_level(listener, invented):
    runs.predict_everyone(NOW - timedelta(days=20))
    before = levels()
    WebhookEvent.objects.all().delete()
    runs.predict_everyone(NOW)
    after = levels()
    crossed = {who: (before.get(who), now) for who, now in after.items() if before.get(who) != now}
    crossed |= {who: (was, None) for who, was in before.items() if who not in after}
    assert len(crossed) > 20
    assert None in {was for was, _ in crossed.values()}  # newcomers
    found = changes(CROSSED)
    assert {who: (change["from"], change["to"]) for who, change in found.items()} == crossed
    one = next(change for change in found.values() if change["to"])
    stored = Prediction.objects.get(customer__customer_id=one["customer_id"])
    assert one["lapse_risk_score"] == shown_score(stored.lapse_risk_score)
    assert one["horizon_days"] == stored.lapse_horizon_days
    assert told(CROSSED)[0]["as_of"] == "2026-11-19T12:00:00Z"


def test_a_nightly_run_that_changes_nothing_tells_nothing(listener, invented):
    runs.predict_everyone(NOW)
    runs.predict_everyone(NOW)
    assert told(CROSSED) == []


def test_who_has_no_score_any_more_goes_to_null(listener, invented):
    runs.predict_everyone(NOW)
    gone = Customer.objects.filter(order_count__gt=0).first()
    gone.orders.all().delete()
    runs.predict_everyone(NOW)
    change = changes(CROSSED)[gone.customer_id]
    assert (change["to"], change["lapse_risk_score"], change["horizon_days"]) == (None, None, None)


def test_one_customer_whose_order_crosses_a_level_is_told_at_once(listener, invented):
    runs.predict_everyone(NOW)
    customer = Customer.objects.filter(prediction__lapse_risk_score__gte=0.7, order_count__gt=3).first()
    runs.predict_customer(customer.pk, NOW)
    assert told(CROSSED) == []
    make_order(customer, placed_at=NOW - timedelta(hours=3))
    after = runs.predict_customer(customer.pk, NOW)
    assert level(after.lapse_risk_score) != "critical"
    assert told(CROSSED) == [
        {
            "as_of": "2026-11-19T12:00:00Z",
            "changes": [
                {
                    "customer_id": customer.customer_id,
                    "from": "critical",
                    "to": level(after.lapse_risk_score),
                    "lapse_risk_score": shown_score(after.lapse_risk_score),
                    "horizon_days": after.lapse_horizon_days,
                }
            ],
        }
    ]


def test_scoring_costs_one_query_more_where_nobody_listens(invented):
    with CaptureQueriesContext(connection) as queries:
        assert levels_now() is None
    assert len(queries) == 1
    runs.predict_everyone(NOW)
    customer = Customer.objects.filter(order_count__gt=3).first()
    with CaptureQueriesContext(connection) as unchanged:
        runs.predict_customer(customer.pk, NOW)
    assert not [query for query in unchanged if "integrations_" in query["sql"]]
    assert not WebhookEvent.objects.exists()


def test_no_event_holds_contact_data(listener, invented):
    segment_everyone(NOW - timedelta(days=20), discover_first=True)
    segment_everyone(NOW)
    runs.predict_everyone(NOW - timedelta(days=20))
    runs.predict_everyone(NOW)
    assert {PUBLISHED, MOVED, CROSSED} == set(WebhookEvent.objects.values_list("type", flat=True))
    text = json.dumps(told(PUBLISHED) + told(MOVED) + told(CROSSED))
    assert "@" not in text
    allowed = {
        "run_id", "previous_run_id", "as_of", "segmented_customers", "archetypes", "changes", "customer_id", "from", "to",
        "lapse_risk_score", "horizon_days",
    }  # fmt: skip
    for data in told(PUBLISHED) + told(MOVED) + told(CROSSED):
        assert set(data) <= allowed
        for change in data.get("changes", ()):
            assert set(change) <= allowed
    people = Customer.objects.exclude(last_name="").values_list("first_name", "last_name", "email", "phone")
    for words in people:
        for word in words:
            assert not word or f'"{word}"' not in text
