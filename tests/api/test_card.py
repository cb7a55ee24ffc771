"""GET /api/mcp/customer/{id}/card: one level of names and values for help-desk widgets."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from predictions.models import Prediction
from tests.api.reasons import odd_nulls
from tests.api.scored import make_scored, score_the_shop
from tests.factories import NOW, make_customer, make_order, make_shop, make_ticket
from tests.published import publish

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop_and_clock():
    make_shop()
    with time_machine.travel(NOW, tick=False):
        yield


def card(client, customer_id):
    answer = client.get(f"/api/mcp/customer/{customer_id}/card")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert odd_nulls(body) == []
    assert not [name for name, value in body.items() if isinstance(value, list | dict)]
    return body


def test_a_card_has_all_figures_in_one_level(api):
    vera = make_scored(
        "vera",
        "Vera Quist",
        lapse_risk_score=0.784,
        churn_risk_score=0.6,
        value_at_risk=Decimal("120.50"),
        tier=Prediction.Tier.VIP,
    )
    score_the_shop()
    publish().join(vera)
    make_ticket(vera, ticket_id="T-7", status="open", closed_at=None, created_at=NOW - timedelta(days=2))
    make_ticket(vera, ticket_id="T-8", status="open", closed_at=None, created_at=NOW - timedelta(days=1))
    body = card(api, "vera")
    recommendation = body.pop("recommendation")
    assert recommendation.endswith(".")
    assert body == {
        "customer_id": "vera",
        "tier": "vip",
        "archetype_name": "Premium Weekly Deal Hunter",
        "lifetime_value": 50.0,
        "total_orders": 1,
        "avg_order_value": 50.0,
        "last_order_at": "2026-11-09T12:00:00Z",
        "days_since_last_purchase": 10,
        "lapse_risk_level": "critical",
        "lapse_risk_percentage": 78.4,
        "churn_risk_level": "high",
        "expected_next_order_earliest": "2026-11-24",
        "expected_next_order_latest": "2026-12-29",
        "value_at_risk": 120.5,
        "open_ticket": "T-7",
        "customer_url": "http://testserver/customers/vera/",
    }


def test_the_link_leads_to_the_customers_page(api, person_client):
    make_customer("Sarah Johnson", orders=1, customer_id="sarah")
    assert person_client("agent").get(card(api, "sarah")["customer_url"]).status_code == 200


def test_the_name_is_told_only_to_who_may_read_it(api, key_client):
    make_customer("Vera Quist", orders=1, customer_id="vera")
    assert "name" not in card(api, "vera")
    assert "Vera" not in str(card(api, "vera"))
    assert card(key_client("read:pii"), "vera")["name"] == "Vera Quist"
    kept = {scope: key_client(scope).get("/api/mcp/customer/vera/card")["Cache-Control"] for scope in ("read", "read:pii")}
    assert kept == {"read": "private, no-cache", "read:pii": "private, no-store"}


def test_who_has_not_ordered_has_a_card_of_nulls_with_reasons(api):
    make_customer("Noah Lind", customer_id="noah")
    body = card(api, "noah")
    assert (body["lifetime_value"], body["total_orders"], body["tier"]) == (0.0, 0, None)
    assert body["last_order_at_reason"] == "Awaiting first purchase to analyze behavior"
    assert body["open_ticket_reason"] == "No ticket is open."


def test_a_wait_as_long_as_none_has_no_expected_day(api):
    make_scored("late", next_order_in_days=-1, next_order_in_days_at_most=-1)
    score_the_shop()
    body = card(api, "late")
    assert body["expected_next_order_earliest"] is None
    assert "so long a wait" in body["expected_next_order_earliest_reason"]


def test_money_is_told_in_cents(api):
    make_scored("vera", value_at_risk=Decimal("171.842"))
    score_the_shop()
    assert card(api, "vera")["value_at_risk"] == 171.84


def test_an_id_that_no_page_can_be_found_by_has_a_card_without_a_link(api):
    make_customer(customer_id="two\nlines")
    body = card(api, "two%0Alines")
    assert (body["customer_id"], body["customer_url"]) == ("two\nlines", None)
    assert "line break" in body["customer_url_reason"]


def test_an_unknown_customer_is_404(api):
    answer = api.get("/api/mcp/customer/nobody/card")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "There is no customer with this id.")


def test_it_takes_no_parameter(api):
    make_customer(customer_id="noah")
    assert api.get("/api/mcp/customer/noah/card", {"full": 1}).json()["error"]["field"] == "full"


def test_the_number_of_queries_is_the_same_whatever_the_customer_has(api):
    sarah = make_customer("Sarah Johnson", orders=1, customer_id="sarah")
    publish().join(sarah)
    card(api, "sarah")
    with CaptureQueriesContext(connection) as few:
        card(api, "sarah")
    for _ in range(5):
        make_order(sarah)
        make_ticket(sarah, status="open", closed_at=None)
    with CaptureQueriesContext(connection) as many:
        card(api, "sarah")
    assert len(few) == len(many)
