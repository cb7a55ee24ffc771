"""GET /api/mcp/customers: everybody with scores, page after page."""

from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from insights.directory import pages as directory_pages
from insights.directory.sorting import SORTS
from predictions.models import Prediction
from segmentation.axes import AXES
from segmentation.models import Archetype
from tests.api.reasons import odd_nulls
from tests.api.scored import make_many, make_scored, score_the_shop
from tests.api.test_schema import _check
from tests.factories import NOW, make_customer, make_order, make_shop
from tests.published import SHARES, publish

LIST = "/api/mcp/customers"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    make_shop()


def page(client, address=LIST, **asked):
    answer = client.get(address, asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(client, **asked):
    return [row["customer_id"] for row in page(client, **asked)["customers"]]


def walk(client, address=LIST, **asked):
    """The ids of every page, and how many pages there were."""
    found, pages, cursor = [], 0, None
    while True:
        body = page(client, address, **asked, **({"cursor": cursor} if cursor else {}))
        found += [row["customer_id"] for row in body["customers"]]
        pages, cursor = pages + 1, body["next_cursor"]
        if cursor is None:
            return found, pages


def refused(client, field, **asked):
    answer = client.get(LIST, asked)
    assert answer.status_code == 400, answer.content
    error = answer.json()["error"]
    assert error["field"] == field
    assert error["message"].endswith(".")
    return error["message"]


def shares_with(model, axis, *shares):
    """A stored row of shares in which `axis` has these."""
    values = []
    for name, names in model.segments.items():
        own = shares if name == axis else SHARES
        values += [*own, 0.0][: len(names)]
    return np.array(values, dtype="<f4").tobytes()


def test_a_row_has_scores_and_figures_and_no_contact_data(api):
    published = publish()
    score_the_shop()
    sarah = make_scored(
        "sarah",
        churn_risk_score=0.91,
        lapse_risk_score=0.78,
        value_at_risk=Decimal("120.50"),
        value_180d=Decimal("154.49"),
        tier=Prediction.Tier.VIP,
    )
    published.join(sarah)
    body = page(api)
    assert body["customers"] == [
        {
            "customer_id": "sarah",
            "lifetime_value": 50.0,
            "total_orders": 1,
            "archetype_id": published.archetype.archetype_id,
            "last_order_at": "2026-11-09T12:00:00Z",
            "tier": "vip",
            "churn_risk_score": 0.91,
            "lapse_risk_score": 0.78,
            "lapse_horizon_days": 90,
            "value_at_risk": 120.5,
            "predicted_value_180": 154.49,
            "is_active": True,
        }
    ]
    assert (body["sort"], body["limit"], body["next_cursor"]) == ("value_at_risk", 50, None)
    assert (body["run_id"], body["as_of"]) == (published.run.pk, "2026-11-19T12:00:00Z")
    assert odd_nulls(body) == []


def test_most_value_at_risk_comes_first_and_every_sort_has_its_order(api):
    score_the_shop()
    make_scored("a", worth="900", value_at_risk=5, lapse_risk_score=0.9, churn_risk_score=0.2)
    b = make_scored("b", worth="100", value_at_risk=50, lapse_risk_score=0.1, churn_risk_score=0.6)
    make_scored("c", worth="500", value_at_risk=20, lapse_risk_score=0.5, churn_risk_score=0.9)
    make_customer("Noah Lind", customer_id="d")
    make_order(b, placed_at=NOW)
    Customer.objects.filter(pk=b.pk).update(lifetime_value="100")
    assert ids(api) == ["b", "c", "a"]
    assert ids(api, sort="lapse_risk") == ["a", "c", "b"]
    assert ids(api, sort="churn_risk") == ["c", "b", "a"]
    assert ids(api, sort="lifetime_value") == ["a", "c", "b", "d"]
    assert ids(api, sort="last_order") == ["b", "a", "c"]
    assert ids(api, sort="customer_id") == ["a", "b", "c", "d"]


@pytest.mark.parametrize("sort", SORTS)
def test_pages_neither_skip_nor_repeat_where_everybody_has_the_same_score(api, sort):
    score_the_shop()
    make_many(23)
    found, pages = walk(api, sort=sort, limit=5)
    assert pages == 5
    assert found == [f"m{n:05d}" for n in range(23)]


@pytest.mark.parametrize("sort", SORTS)
def test_pages_go_on_from_one_score_to_the_next(api, sort):
    score_the_shop()
    for level in (9, 5, 1):
        made = make_many(4, value_at_risk=level, lapse_risk_score=level / 10, churn_risk_score=level / 10)
        Customer.objects.filter(pk__in=[each.pk for each in made]).update(lifetime_value=level)
    found, _ = walk(api, sort=sort, limit=3)
    assert found == [f"m{n:05d}" for n in range(12)]
    assert walk(api, sort=sort, limit=4)[1] == 3, "a last page that is full is known to be the last"


def test_filters_leave_whom_they_say_and_are_joined(api):
    score_the_shop()
    make_scored("vip", tier=Prediction.Tier.VIP, value_at_risk=100, lapse_risk_score=0.8, churn_risk_score=0.9)
    make_scored("low", tier=Prediction.Tier.LOW, value_at_risk=1, lapse_risk_score=0.2, churn_risk_score=0.5, is_active=False)
    make_customer("Noah Lind", customer_id="noah")
    everybody = {"sort": "customer_id"}
    assert ids(api, **everybody) == ["low", "noah", "vip"]
    assert ids(api, tier="vip", **everybody) == ["vip"]
    assert ids(api, value_at_risk_min="100", **everybody) == ["vip"]
    assert ids(api, value_at_risk_min="100.01", **everybody) == []
    assert ids(api, lapse_risk_min="0.2", lapse_risk_max="0.2", **everybody) == ["low"]
    assert ids(api, churn_risk_min="0.5", **everybody) == ["low", "vip"]
    assert ids(api, churn_risk_max="0.6", sort="churn_risk") == ["low"]
    assert ids(api, lapse_risk_min="0.5", sort="lapse_risk") == ["vip"]
    assert ids(api, active="false", **everybody) == ["low"]
    assert ids(api, active="true", **everybody) == ["vip"]
    assert ids(api, active="false", tier="vip", **everybody) == []


def test_members_of_an_archetype(api):
    published = publish()
    score_the_shop()
    other = published.add_archetype("Other", member_count=1, total_ltv="10")
    published.join(make_scored("a"))
    published.join(make_scored("b"), other)
    make_scored("c")
    assert ids(api, archetype_id=published.archetype.archetype_id) == ["a"]
    assert ids(api, archetype_id=other.archetype_id, sort="customer_id") == ["b"]


def test_membership_is_compared_as_the_profile_shows_it(api):
    published = publish()
    score_the_shop()
    axis = "purchase_value"
    number = [each.name for each in AXES].index(axis)
    first, second, _ = published.model.segments[axis][:3]
    for name, shares, dominant in (
        ("mostly", (0.73, 0.22, 0.05), 0),
        ("even", (0.5, 0.5, 0.0), 0),
        ("hardly", (0.3, 0.65, 0.05), 1),
    ):
        digits = "0" * number + str(dominant) + "0" * (len(AXES) - number - 1)
        published.join(make_scored(name), shares=shares_with(published.model, axis, *shares), segments=digits)
    everybody = {"sort": "customer_id", "axis": axis}
    assert ids(api, segment=first, **everybody) == ["even", "mostly"]  # one half unless told
    assert ids(api, segment=first, membership_min="0.73", **everybody) == ["mostly"]
    assert ids(api, segment=first, membership_min="0.730001", **everybody) == []
    assert ids(api, segment=first, membership_min="0.3", **everybody) == ["even", "hardly", "mostly"]
    assert ids(api, segment=second, membership_min="0.5", **everybody) == ["even", "hardly"]
    assert ids(api, segment=second, membership_min="0.2", **everybody) == ["even", "hardly", "mostly"]


def test_a_rare_membership_is_looked_for_in_steps_that_a_cursor_joins(api, monkeypatch):
    monkeypatch.setattr(directory_pages, "AT_ONCE", 10)
    published = publish()
    score_the_shop()
    first, second, *_ = published.model.segments["purchase_value"]
    rare = shares_with(published.model, "purchase_value", 0.6, 0.4, 0.0)
    for n, customer in enumerate(make_many(45)):
        published.join(customer, **({"shares": rare} if n in {3, 31, 44} else {}))
    asked = {"axis": "purchase_value", "segment": second, "membership_min": "0.35"}
    found, pages = walk(api, **asked)
    assert found == ["m00003", "m00031", "m00044"]
    assert pages == 5
    empty = page(api, **asked, cursor=page(api, **asked)["next_cursor"])
    assert empty["customers"] == []
    assert empty["next_cursor"]
    assert walk(api, axis="purchase_value", segment=first, membership_min="0.7", limit=4)[0] == [
        f"m{n:05d}" for n in range(45) if n not in {3, 31, 44}
    ]


@pytest.mark.parametrize("sort", SORTS)
def test_few_who_pass_a_filter_are_found_at_once_among_many(api, monkeypatch, sort):
    monkeypatch.setattr(directory_pages, "AT_ONCE", 10)
    published = publish()
    score_the_shop()
    make_many(60)
    for n, customer in enumerate(
        make_many(4, tier=Prediction.Tier.VIP, value_at_risk=3, lapse_risk_score=0.95, churn_risk_score=0.1)
    ):
        published.join(customer)
        Customer.objects.filter(pk=customer.pk).update(lifetime_value=n)
    few = {f"m{n:05d}" for n in range(60, 64)}
    for asked in (
        {"tier": "vip"},
        {"lapse_risk_min": "0.9"},
        {"churn_risk_max": "0.5"},
        {"archetype_id": published.archetype.archetype_id},
        {"archetype_id": published.archetype.archetype_id, "tier": "vip", "active": "true"},
    ):
        found, pages = walk(api, sort=sort, **asked)
        assert (set(found), len(found), pages) == (few, 4, 1), asked
        assert walk(api, sort=sort, limit=3, **asked) == (found, 2), asked


@pytest.mark.parametrize("sort", SORTS)
def test_every_page_of_those_who_pass_a_filter_is_whole_however_many_they_are_and_wherever_they_stand(api, monkeypatch, sort):
    monkeypatch.setattr(directory_pages, "AT_ONCE", 10)
    published = publish()
    score_the_shop()
    make_many(15, tier=Prediction.Tier.LOW)
    for customer in make_many(12, tier=Prediction.Tier.VIP):
        published.join(customer)
    make_many(15, tier=Prediction.Tier.LOW)
    whole = ([f"m{n:05d}" for n in range(15, 27)], 3)
    assert walk(api, sort=sort, tier="vip", limit=5) == whole
    assert walk(api, sort=sort, archetype_id=published.archetype.archetype_id, limit=5) == whole
    assert walk(api, sort=sort, archetype_id=published.archetype.archetype_id, tier="vip", active="true", limit=5) == whole


def test_who_falls_behind_while_a_page_is_made_is_on_it_once(api, monkeypatch):
    """The first step finds Anna, the second passes where she stands now."""
    published = publish()
    score_the_shop()
    anna = make_scored("anna", value_at_risk=90)
    make_many(30)
    last = make_scored("last", value_at_risk=1)
    for member in (anna, last):
        published.join(member)
    read_rows, rows = directory_pages.read_rows, []

    def fall(*args, **kwargs):
        rows.append(read_rows(*args, **kwargs))
        Prediction.objects.filter(customer=anna).update(value_at_risk=2)
        return rows[-1]

    monkeypatch.setattr(directory_pages, "read_rows", fall)
    monkeypatch.setattr(directory_pages, "AT_ONCE", 40)
    segment = published.model.segments["purchase_value"][0]
    assert ids(api, axis="purchase_value", segment=segment, limit=2) == ["anna", "last"]
    assert len(rows) == 2


def test_money_is_told_in_cents(api):
    score_the_shop()
    make_scored("sarah", value_at_risk=Decimal("171.842"), value_180d=Decimal("0.0051"))
    (row,) = page(api)["customers"]
    assert (row["value_at_risk"], row["predicted_value_180"]) == (171.84, 0.01)


def test_who_has_no_order_that_counts_any_more_is_not_shown_an_old_score(api):
    published = publish()
    score_the_shop()
    gone = make_scored("gone")
    published.join(gone)
    make_scored("here")
    Customer.objects.filter(pk=gone.pk).update(order_count=0, lifetime_value=0, last_order_at=None)
    assert ids(api) == ["here"]
    assert ids(api, archetype_id=published.archetype.archetype_id, sort="customer_id") == []
    (row, _) = page(api, sort="customer_id")["customers"]
    assert (row["tier"], row["archetype_id"]) == (None, None)
    assert row["tier_reason"] == "Awaiting first purchase to analyze behavior"


def test_before_anything_is_predicted_a_sort_by_score_says_what_to_do(api):
    make_customer("Sarah Johnson", orders=1, customer_id="sarah")
    body = page(api)
    assert body["customers"] == []
    assert "Sort by lifetime_value" in body["note"]
    assert "predicted yet" in body["as_of_reason"]
    body = page(api, sort="lifetime_value")
    assert body["customers"][0]["churn_risk_score"] is None
    assert "note" not in body
    assert odd_nulls(body) == []


def test_below_a_gate_each_null_says_what_is_missing(api):
    make_customer("Sarah Johnson", orders=1, customer_id="sarah")
    score_the_shop(model=None, missing="Predictions need 50 more customers with an order (150 of 200).")
    (row,) = page(api, sort="lifetime_value")["customers"]
    assert row["lapse_risk_score_reason"] == "Predictions need 50 more customers with an order (150 of 200)."


@pytest.mark.parametrize(
    "change", [lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"), lambda text: "x" + text, lambda text: "x"]
)
def test_a_cursor_that_was_changed_is_refused_in_a_sentence(api, change):
    score_the_shop()
    make_many(3)
    cursor = page(api, limit=1)["next_cursor"]
    assert "next_cursor as it is" in refused(api, "cursor", limit=1, cursor=change(cursor))


def test_a_cursor_is_good_for_its_own_filters_and_sort_only(api):
    score_the_shop()
    make_many(3)
    cursor = page(api, limit=1)["next_cursor"]
    assert ids(api, limit=2, cursor=cursor) == ["m00001", "m00002"]  # the limit may change
    refused(api, "cursor", cursor=cursor, sort="lapse_risk")
    refused(api, "cursor", cursor=cursor, tier="vip")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"sort": "name"}, "sort"),
        ({"tier": "gold"}, "tier"),
        ({"churn_risk_min": "1.1"}, "churn_risk_min"),
        ({"lapse_risk_max": "nan"}, "lapse_risk_max"),
        ({"value_at_risk_min": "inf"}, "value_at_risk_min"),
        ({"value_at_risk_min": "-1"}, "value_at_risk_min"),
        ({"lapse_risk_min": "0.5", "lapse_risk_max": "0.4"}, "lapse_risk_max"),
        ({"axis": "purchase_value"}, "axis"),
        ({"segment": "premium"}, "segment"),
        ({"membership_min": "0.5"}, "membership_min"),
        ({"axis": "no_axis", "segment": "x"}, "axis"),
        ({"axis": "purchase_value", "segment": "no_such"}, "segment"),
        ({"archetype_id": "arch_00000000"}, "archetype_id"),
        ({"archetype_id": "a\0b"}, "archetype_id"),
        ({"active": "perhaps"}, "active"),
        ({"page": "2"}, "page"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "x" * 601}, "cursor"),
        ({"cursor": "é:\u2028"}, "cursor"),
    ],
)
def test_a_wrong_or_unknown_parameter_is_400_and_named(api, asked, field):
    publish()
    refused(api, field, **asked)


def test_an_archetype_before_any_run_is_unknown(api):
    Archetype.objects.create(archetype_id="arch_1", signature={}, name="Left from a run that was deleted")
    refused(api, "archetype_id", archetype_id="arch_1")


def test_a_membership_before_any_run_says_that_there_is_none(api):
    assert "No segmentation" in refused(api, "axis", axis="purchase_value", segment="premium")


def test_the_number_of_queries_does_not_grow_with_customers(person_client):
    agent = person_client("agent")  # whose customers of the day nobody counts
    published = publish()
    score_the_shop()
    segment = published.model.segments["purchase_value"][0]
    for customer in make_many(4):
        published.join(customer)
    questions = [
        {},
        {"sort": "lifetime_value"},
        {"tier": "standard", "lapse_risk_min": "0.1"},
        {"archetype_id": published.archetype.archetype_id},
        {"axis": "purchase_value", "segment": segment},
    ]

    def counts():
        told = []
        for asked in questions:
            for cursor in (None, page(agent, **asked, limit=2)["next_cursor"]):
                with CaptureQueriesContext(connection) as queries:
                    page(agent, **asked, limit=2, **({"cursor": cursor} if cursor else {}))
                told.append(len(queries))
        return told

    page(agent)
    few = counts()
    for customer in make_many(60):
        published.join(customer)
    # Where a page ends among those who share a score, the step to the next score is spared.
    assert all(many <= ceiling for many, ceiling in zip(counts(), few, strict=True))
    setting = 3 if connection.vendor == "postgresql" else 0  # "by index only", and the savepoint around it
    assert max(few) <= 11 + setting  # session, person, and nine of the list


def test_the_answer_is_what_the_schema_says(api):
    schema = api.get("/api/schema").json()
    described = schema["paths"][LIST]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    _check(page(api), described, schema, "empty")
    publish().join(make_scored("sarah"))
    score_the_shop()
    make_customer("Noah Lind", customer_id="noah")
    for asked in ({}, {"sort": "customer_id", "limit": 1}, {"sort": "customer_id"}):
        body = page(api, **asked)
        _check(body, described, schema, str(asked))
        assert odd_nulls(body) == []
