"""GET /api/mcp/customer/{id} and /random: the reference's CustomerProfile, field by field."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

import customers.api_views
from accounts.models import ApiKey
from customers.models import Customer
from insights.profiles import customer_profile
from segmentation.axes import AXES
from segmentation.models import ActiveRun
from tests.api.conftest import COUNTED
from tests.factories import NOW, make_customer, make_order, make_shop
from tests.published import DEFINING_AXES, publish

AWAITING = "Awaiting first purchase to analyze behavior"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop_and_clock():
    make_shop()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def sarah():
    """Two orders of 50.00, ten and forty days ago; a profile of 400 days."""
    return make_customer("Sarah Johnson", orders=2, customer_id="7827249201407")


def profile(client, customer_id):
    answer = client.get(f"/api/mcp/customer/{customer_id}")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/json"
    return answer.json()


def test_a_segmented_customer_has_every_field_of_the_reference(api, sarah):
    published = publish()
    published.join(sarah)
    body = profile(api, sarah.customer_id)
    assert body["customer_id"] == "7827249201407"
    archetype = body["archetype"]
    assert archetype["archetype_id"] == published.archetype.archetype_id
    assert archetype["dominant_segments"] == {axis: names[0] for axis, names in published.model.segments.items()}
    assert archetype["member_count"] == 287
    assert archetype["population_percentage"] == 1.05  # 287 of 27,333
    assert list(body["fuzzy_memberships"]) == [axis.name for axis in AXES]
    value = body["fuzzy_memberships"]["purchase_value"]
    assert list(value.values())[:3] == [0.73, 0.22, 0.05]
    assert body["business_metrics"] == {
        "lifetime_value": 100.0,
        "total_orders": 2,
        "avg_order_value": 50.0,
        "days_since_last_purchase": 10,
        "customer_tenure_days": 400,
    }


def test_memberships_of_an_axis_add_up_to_one(api, sarah):
    publish().join(sarah)
    for shares in profile(api, sarah.customer_id)["fuzzy_memberships"].values():
        assert sum(shares.values()) == pytest.approx(1, abs=1e-6)


def test_additions_name_the_archetype_the_match_and_the_run(api, sarah):
    published = publish()
    published.join(sarah)
    body = profile(api, sarah.customer_id)
    assert body["archetype"]["segment_name"] == "Premium Weekly Deal Hunter"
    assert body["archetype"]["match"] == {"agrees_on": 2, "defining_axes": DEFINING_AXES}
    assert body["archetype"]["run_id"] == published.run.pk
    assert body["archetype"]["key_traits"]
    assert body["as_of"] == "2026-11-19T12:00:00Z"


def test_a_customer_of_a_file_of_old_orders_is_judged_as_of_its_last_day(api):
    customer = make_customer("Ida Berg", created_at=None)
    make_order(customer, placed_at=datetime(2011, 11, 29, 12, tzinfo=UTC))
    make_order(make_customer(), placed_at=datetime(2011, 12, 9, 12, 50, tzinfo=UTC))
    body = profile(api, customer.customer_id)
    assert body["as_of"] == "2011-12-09T23:59:59Z"
    assert body["business_metrics"]["days_since_last_purchase"] == 10
    assert body["business_metrics"]["customer_tenure_days"] == 10


def test_a_customer_without_orders_has_a_profile_but_no_archetype(api):
    publish()
    noah = make_customer("Noah Lind")
    body = profile(api, noah.customer_id)
    assert body["archetype"] is None
    assert body["archetype_reason"] == AWAITING
    assert body["fuzzy_memberships"] is None
    assert body["fuzzy_memberships_reason"] == AWAITING
    assert body["business_metrics"] == {
        "lifetime_value": 0.0,
        "total_orders": 0,
        "avg_order_value": 0.0,
        "days_since_last_purchase": None,
        "days_since_last_purchase_reason": AWAITING,
        "customer_tenure_days": 400,
    }


def test_before_the_first_run_a_buyer_is_told_why_there_is_no_archetype(api, sarah):
    body = profile(api, sarah.customer_id)
    assert body["archetype"] is None
    assert "No segmentation has been published yet" in body["archetype_reason"]
    assert body["business_metrics"]["total_orders"] == 2


def test_a_buyer_whom_the_run_does_not_hold_yet_is_about_to_be_segmented(api, sarah):
    publish()
    assert "about to be segmented" in profile(api, sarah.customer_id)["archetype_reason"]


def test_only_orders_that_count_make_a_buyer(api):
    publish()
    customer = make_customer("Ida Berg")
    make_order(customer, left_out="cancelled")
    body = profile(api, customer.customer_id)
    assert body["archetype_reason"] == AWAITING
    assert body["business_metrics"]["total_orders"] == 0


def test_nulls_have_reasons_and_reasons_have_nulls(api, sarah):
    published = publish()
    published.join(sarah)

    def check(value):
        if isinstance(value, dict):
            for name, inner in value.items():
                if inner is None:
                    assert value[f"{name}_reason"]
                if name.endswith("_reason"):
                    assert value[name.removesuffix("_reason")] is None
                check(inner)

    for customer in (sarah, make_customer("Noah Lind")):
        check(profile(api, customer.customer_id))


def test_a_profile_holds_no_contact_data(key_client):
    customer = make_customer("Vera Quist", orders=1, email="vera@example.com", phone="+4712345678")
    publish().join(customer)
    for scopes in (["read"], ["read", "read:pii"]):
        text = key_client(*scopes).get(f"/api/mcp/customer/{customer.customer_id}").content.decode()
        for secret in ("Vera", "Quist", "vera@example.com", "12345678"):
            assert secret not in text


def test_a_profile_takes_three_queries_whatever_the_customer_has(api, sarah):
    publish().join(sarah)
    profile(api, sarah.customer_id)  # the model is parsed once a process, the key's use noted once a minute
    with CaptureQueriesContext(
        connection,
    ) as few:
        profile(api, sarah.customer_id)
    for _ in range(5):
        make_order(sarah)
    with CaptureQueriesContext(connection) as more:
        profile(api, sarah.customer_id)
    assert len(few) == len(more) == 3 + COUNTED  # the key, the shop's newest order, and everything else


def test_a_later_model_is_not_taken_for_the_one_that_a_process_has_read(api, sarah):
    publish().join(sarah)
    profile(api, sarah.customer_id)
    later = publish()
    later.model.defining_axes[:] = ["return_behavior"]
    later.run.model.parameters = later.model.to_json()
    later.run.model.save()
    later.join(sarah)
    assert profile(api, sarah.customer_id)["archetype"]["match"]["defining_axes"] == ["return_behavior"]


def test_a_profile_never_mixes_two_runs(api, sarah):
    first = publish()
    first.join(sarah)
    second = publish(segmented=1000)
    second.join(sarah)
    ActiveRun.objects.filter(pk=1).update(run=first.run)
    body = profile(api, sarah.customer_id)
    assert body["archetype"]["archetype_id"] == first.archetype.archetype_id
    assert body["archetype"]["population_percentage"] == 1.05


def test_an_unknown_customer_is_404_in_the_same_words_whatever_the_id(api):
    bodies = set()
    for unknown in ("0", "7827249201407", "nobody", "%00", "a" * 500, "..", "%27%20OR%201=1", "%F0%9F%90%99", "%ff%fe"):
        answer = api.get(f"/api/mcp/customer/{unknown}")
        assert answer.status_code == 404, unknown
        error = answer.json()["error"]
        assert error.pop("request_id") == answer["X-Request-Id"]
        bodies.add(str(error))
    assert bodies == {"{'code': 'not_found', 'message': 'There is no customer with this id.'}"}


@pytest.mark.parametrize(
    ("customer_id", "written"), [("a/b", "a/b"), ("a/b", "a%2Fb"), ("a/b", "a%2fb"), ("a\nb", "a%0Ab"), ("a/", "a%2F")]
)
def test_an_id_may_hold_any_character(api, customer_id, written):
    make_customer("Sarah Johnson", orders=2, customer_id=customer_id)
    for what in ("", "/orders", "/churn-risk", "/card"):
        assert profile(api, f"{written}{what}")["customer_id"] == customer_id, what
    assert api.get("/api/mcp/customer/a").status_code == 404


def test_what_an_address_ends_in_comes_before_an_id_that_ends_like_it(api):
    make_customer("Sarah Johnson", customer_id="a")
    make_customer("Noah Lind", customer_id="a/orders")
    make_customer("Ida Berg", customer_id="random")
    assert "orders" in profile(api, "a/orders")
    assert profile(api, "a/orders/orders")["customer_id"] == "a/orders"
    assert api.get("/api/mcp/customer/random/card").json()["customer_id"] == "random"


def test_a_key_reads_an_id_with_a_slash_as_one_customer(key_client):
    client = key_client("read")
    ApiKey.objects.update(customers_a_day=1)
    for name in ("a/b", "a/c"):
        make_customer("Sarah Johnson", customer_id=name)
    assert [client.get(f"/api/mcp/customer/a/b{what}").status_code for what in ("", "/orders", "/card")] == [200, 200, 200]
    assert client.get("/api/mcp/customer/a/c").status_code == 429


def test_random_gives_another_for_one_who_is_erased_just_then(api, monkeypatch):
    make_customer("Sarah Johnson", customer_id="gone")
    make_customer("Noah Lind", customer_id="here")

    def erased(customer_id, as_of):
        Customer.objects.filter(customer_id="gone").delete()
        return customer_profile(customer_id, as_of)

    monkeypatch.setattr(customers.api_views, "customer_profile", erased)
    monkeypatch.setattr(customers.api_views, "random_customer", lambda: Customer.objects.order_by("pk").first())
    assert profile(api, "random")["customer_id"] == "here"
    Customer.objects.filter(customer_id="here").update(customer_id="gone")
    assert api.get("/api/mcp/customer/random").status_code == 404


def test_random_gives_one_of_the_customers_as_a_profile(api):
    make_customer("Sarah Johnson", orders=1, customer_id="a")
    make_customer("Noah Lind", customer_id="b")
    seen = {api.get("/api/mcp/customer/random").json()["customer_id"] for _ in range(60)}
    assert seen == {"a", "b"}


def test_random_is_found_by_key_and_not_by_sorting_the_table(api):
    make_customer("Sarah Johnson")
    with CaptureQueriesContext(connection) as queries:
        api.get("/api/mcp/customer/random")
    assert not [query["sql"] for query in queries if "RAND" in query["sql"].upper()]
    ours = [query for query in queries if "accounts_" not in query["sql"] and "SAVEPOINT" not in query["sql"]]
    assert len(ours) <= 6  # beside the key and what it has read


def test_random_over_gaps_in_the_keys_still_finds_somebody(api):
    made = [make_customer("Gap Person") for _ in range(6)]
    Customer.objects.filter(pk__in=[customer.pk for customer in made[:5]]).delete()
    for _ in range(20):
        assert api.get("/api/mcp/customer/random").json()["customer_id"] == made[5].customer_id


def test_random_without_customers_is_404_and_says_what_to_do(api):
    answer = api.get("/api/mcp/customer/random")
    assert answer.status_code == 404
    assert "import some first" in answer.json()["error"]["message"]


def test_an_answer_is_kept_out_of_shared_caches_and_asked_for_again_by_ones_own(api, sarah):
    assert api.get(f"/api/mcp/customer/{sarah.customer_id}")["Cache-Control"] == "private, no-cache"


def test_lifetime_value_of_many_places_is_told_in_cents(api):
    customer = make_customer("Ida Berg")
    make_order(customer, total=Decimal("10.005"))
    make_order(customer, total=Decimal("0.0049"))
    metrics = profile(api, customer.customer_id)["business_metrics"]
    assert metrics["lifetime_value"] == 10.01
    assert metrics["avg_order_value"] == 5.0
