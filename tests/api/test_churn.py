"""GET /api/mcp/customer/{id}/churn-risk, /churn/aggregate, and what is predicted in the profile and of archetypes."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from customers.models import Customer
from predictions import runs, tallies
from predictions.archetype_risk import count_archetypes
from predictions.models import Prediction, RiskTally, ScoringRun
from quimbi.demo import shop
from tests.api.conftest import COUNTED
from tests.factories import NOW, make_customer, make_order, make_prediction, make_shop, make_ticket
from tests.published import publish

AGGREGATE = "/api/mcp/churn/aggregate"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop_and_clock():
    make_shop()
    with time_machine.travel(NOW, tick=False):
        yield


def scored(customer: Customer, **fields: object) -> Prediction:
    """The customer's prediction, in a shop where everybody was scored."""
    prediction = make_prediction(customer, **fields)
    ScoringRun.objects.create(as_of=NOW, model=prediction.model, customers=1, buyers=300, history_days=400)
    return prediction


def risk_of(api, customer: Customer) -> dict:
    answer = api.get(f"/api/mcp/customer/{customer.customer_id}/churn-risk")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_churn_risk_has_every_field_of_the_reference(api):
    vera = make_customer("Vera Vance", orders=5, customer_id="vera")
    scored(
        vera,
        churn_risk_score=0.91,
        lapse_risk_score=0.78,
        trend=Prediction.Trend.DECLINING,
        tier=Prediction.Tier.VIP,
        overdue_ratio=1 / 3,
    )
    body = risk_of(api, vera)
    assert (body["customer_id"], body["risk_level"], body["churn_risk_score"]) == ("vera", "critical", 0.91)
    assert body["factors"] == {
        "recency_days": 10,
        "order_frequency": "monthly",
        "value_tier": "vip",
        "engagement_trend": "declining",
    }
    assert body["recommendation"].endswith(".")


def test_the_days_since_the_last_order_are_one_number_by_today_and_the_shops_calendar(api):
    make_shop(time_zone="America/New_York")
    vera = make_customer("Vera Vance", customer_id="vera")
    make_order(vera, placed_at=datetime(2026, 10, 2, 3, 30, tzinfo=UTC))  # 1 October, 23:30 there
    scored(vera, lapse_risk_score=0.9, usual_gap_days=20.0, overdue_ratio=1.0, as_of=NOW - timedelta(days=3))
    risk, profile = risk_of(api, vera), api.get("/api/mcp/customer/vera").json()
    days = 49  # 1 October to 19 November
    assert profile["business_metrics"]["days_since_last_purchase"] == days
    assert risk["factors"]["recency_days"] == profile["churn_risk"]["factors"]["recency_days"] == days
    assert risk["lapse_risk"]["overdue_ratio"] == round(days / 20, 2)
    assert api.get("/api/mcp/customer/vera/card").json()["days_since_last_purchase"] == days
    for told in (risk, profile["churn_risk"]):
        assert "49 days since the only order" in told["recommendation"]


@pytest.mark.parametrize("orders", [1, 2, 5])
def test_nobody_is_stable_who_has_been_silent_for_several_gaps_of_his_own(api, orders):
    vera = make_customer("Vera Vance", orders=orders)  # the last ten days ago
    for gap, trend, word in (
        (4.9, Prediction.Trend.STABLE, "declining"),
        (4.9, Prediction.Trend.INCREASING, "declining"),
        (5.0, Prediction.Trend.STABLE, "stable"),
        (5.0, Prediction.Trend.INCREASING, "increasing"),
        (30.0, Prediction.Trend.DECLINING, "declining"),
    ):
        Prediction.objects.all().delete()
        scored(vera, usual_gap_days=gap, trend=trend)
        risk = risk_of(api, vera)
        assert risk["factors"]["engagement_trend"] == word, (gap, trend)
        assert (risk["lapse_risk"]["overdue_ratio"] > 2) == (gap < 5)
        profile = api.get(f"/api/mcp/customer/{vera.customer_id}").json()
        assert profile["churn_risk"]["factors"] == risk["factors"]


def test_the_trend_follows_the_days_that_pass_after_the_scoring(api):
    vera = make_customer("Vera Vance", orders=5)
    scored(vera, usual_gap_days=30.0)
    assert risk_of(api, vera)["factors"]["engagement_trend"] == "stable"
    with time_machine.travel(NOW + timedelta(days=51), tick=False):
        assert risk_of(api, vera)["factors"]["engagement_trend"] == "declining"


def test_silence_alone_does_not_say_that_orders_came_less_often(api):
    """The advice about orders that come less often is of those that came."""
    vera = make_customer("Vera Vance", orders=5)
    scored(vera, usual_gap_days=4.0, lapse_risk_score=0.2)
    risk = risk_of(api, vera)
    assert risk["factors"]["engagement_trend"] == "declining"
    assert "less often" not in json.dumps(risk)


def test_the_next_order_is_expected_in_days_from_today(api):
    vera = make_customer("Vera Vance", orders=3)
    scored(vera, lapse_risk_score=0.1, as_of=NOW - timedelta(days=3), next_order_in_days=8, next_order_in_days_at_most=40)
    risk = risk_of(api, vera)
    assert risk["lapse_risk"]["expected_next_order"] == {"earliest": "2026-11-24", "latest": "2026-12-26"}
    assert "expected in 5 to 37 days" in risk["recommendation"]


def test_lapse_risk_stands_beside_it_with_its_own_horizon_and_a_range_for_the_next_order(api):
    vera = make_customer("Vera Vance", orders=5)
    scored(vera, lapse_risk_score=0.55, lapse_horizon_days=90, usual_gap_days=29.6, overdue_ratio=0.338)
    lapse = risk_of(api, vera)["lapse_risk"]
    assert lapse == {
        "risk_level": "high",
        "lapse_risk_score": 0.55,
        "horizon_days": 90,
        "usual_gap_days": 30,
        "overdue_ratio": 0.34,
        "expected_next_order": {"earliest": "2026-11-24", "latest": "2026-12-29"},
    }


def test_after_a_wait_as_long_as_none_no_date_is_made_up(api):
    vera = make_customer("Vera Vance", orders=5)
    scored(vera, next_order_in_days=-1, next_order_in_days_at_most=-1)
    lapse = risk_of(api, vera)["lapse_risk"]
    assert lapse["expected_next_order"] is None
    assert "so long a wait" in lapse["expected_next_order_reason"]


@pytest.mark.parametrize(
    ("score", "level"),
    [(1.0, "critical"), (0.7, "critical"), (0.6999, "high"), (0.5, "high"), (0.4999, "medium"), (0.3, "medium"), (0.29, "low")],
)
def test_the_lower_edge_belongs_to_a_level(api, score, level):
    vera = make_customer("Vera Vance", orders=2)
    scored(vera, churn_risk_score=score, lapse_risk_score=score)
    body = risk_of(api, vera)
    assert (body["risk_level"], body["lapse_risk"]["risk_level"]) == (level, level)


def test_the_profile_has_the_same_churn_risk_and_what_is_expected(api):
    vera = make_customer("Vera Vance", orders=2)
    scored(vera, value_365d=Decimal("640.00"), value_365d_low=Decimal("0.00"), value_365d_high=Decimal("1500.00"))
    body = api.get(f"/api/mcp/customer/{vera.customer_id}").json()
    alone = risk_of(api, vera)
    assert body["churn_risk"] == {name: value for name, value in alone.items() if name in body["churn_risk"]}
    assert body["predicted_value"]["365"] == {"expected": 640.0, "low": 0.0, "high": 1500.0}
    assert set(body["predicted_orders"]) == {"30", "90", "180", "365"}
    assert body["lifetime_value_with_forecast"]["365"] == 740.0  # two orders of 50.00 and what is to come


def test_an_open_ticket_is_the_first_thing_recommended(api):
    vera = make_customer("Vera Vance", orders=3)
    scored(vera, lapse_risk_score=0.8)
    ticket = make_ticket(vera, subject="Where is my parcel?", closed_at=None, status="open")
    assert ticket.ticket_id.lstrip("#") in risk_of(api, vera)["recommendation"]
    ticket.status = "solved"
    ticket.save()
    assert "ticket" not in risk_of(api, vera)["recommendation"]


def test_without_a_score_every_figure_is_null_beside_its_reason(api):
    noah = make_customer("Noah Lind")
    ann = make_customer("Ann Lee", orders=1)
    for customer, reason in ((noah, "Awaiting first purchase"), (ann, "Nothing has been predicted yet")):
        body = risk_of(api, customer)
        assert body["risk_level"] is None
        assert body["risk_level_reason"].startswith(reason)
        assert {name for name, value in body.items() if value is None} == {
            name.removesuffix("_reason") for name in body if name.endswith("_reason")
        }


def test_who_has_a_score_and_who_has_none_get_the_same_fields(api):
    vera, noah = make_customer("Vera Vance", orders=3), make_customer("Noah Lind")
    scored(vera)
    told, untold = risk_of(api, vera), risk_of(api, noah)
    assert {name for name in told if not name.endswith("_reason")} == {name for name in untold if not name.endswith("_reason")}


def test_the_recommendation_is_the_first_of_the_actions(api):
    vera = make_customer("Vera Vance", orders=3)
    scored(vera, lapse_risk_score=0.8)
    for number in ("1", "2"):
        make_ticket(vera, subject=f"Refund {number} to ann@x.example", closed_at=None, status="open", ticket_id=number)
    body = risk_of(api, vera)
    assert body["recommendation"].startswith(body["actions"][0]["title"])


def test_the_words_of_a_ticket_need_the_scope_for_messages(key_client):
    vera = make_customer("Vera Vance", orders=3)
    scored(vera)
    make_ticket(vera, subject="Refund to ann@x.example, 12 High Street", closed_at=None, status="open")
    assert "High Street" not in json.dumps(risk_of(key_client("read"), vera))
    assert "High Street" in json.dumps(risk_of(key_client("read:pii"), vera))


def test_the_words_of_a_ticket_are_not_to_be_kept(key_client):
    vera = make_customer("Vera Vance", orders=3, customer_id="vera")
    scored(vera)
    kept = {}
    for subject in ("", "Refund to ann@x.example"):
        if subject:
            make_ticket(vera, subject=subject, closed_at=None, status="open")
        for scope in ("read", "read:pii"):
            kept[scope, bool(subject)] = key_client(scope).get("/api/mcp/customer/vera/churn-risk")["Cache-Control"]
    assert kept.pop(("read:pii", True)) == "private, no-store"
    assert set(kept.values()) == {"private, no-cache"}


def test_below_the_gate_the_reason_says_what_is_missing_and_how_much(api):
    ann = make_customer("Ann Lee", orders=1)
    missing = "Predictions need 150 more customers with an order (50 of 200)."
    ScoringRun.objects.create(as_of=NOW, buyers=50, history_days=400, missing=missing)
    assert risk_of(api, ann)["risk_level_reason"] == missing
    assert api.get(AGGREGATE).json()["churn_risk_distribution_reason"] == missing


def test_a_buyer_who_came_after_the_last_scoring_is_told_so(api):
    scored(make_customer("Vera Vance", orders=2))
    ann = make_customer("Ann Lee", orders=1)
    assert "about to be scored" in risk_of(api, ann)["risk_level_reason"]


def test_an_unknown_customer_is_404(api):
    assert api.get("/api/mcp/customer/nobody/churn-risk").status_code == 404


def test_a_score_explains_itself_on_request_in_parts_that_add_up(api):
    shop.seed(600, 5, NOW)
    runs.predict_everyone(NOW)
    prediction = Prediction.objects.filter(customer__order_count__gt=5).order_by("-value_at_risk").first()
    address = f"/api/mcp/customer/{prediction.customer.customer_id}/churn-risk"
    assert "explanation" not in api.get(address).json()
    body = api.get(address, {"explain": "true"}).json()
    explanation = body["explanation"]
    parts = sum(part["contribution"] for part in explanation["parts"])
    assert explanation["score"] == body["lapse_risk"]["lapse_risk_score"]
    assert explanation["base"] + parts == pytest.approx(explanation["score"], abs=1e-9)
    assert any("since the last order" in part["words"] or "today" in part["words"] for part in explanation["parts"])
    assert body["actions"]


# --- Everybody together ------------------------------------------------------------------------------------------------


def test_the_aggregate_has_every_field_of_the_reference_and_counts_everybody(api):
    shop.seed(600, 5, NOW)
    scored_customers = runs.predict_everyone(NOW)
    body = api.get(AGGREGATE).json()
    assert body["total_customers"] == body["sample_size"] == scored_customers
    for name in ("churn_risk_distribution", "lapse_risk_distribution"):
        levels = body[name]
        assert list(levels) == ["critical", "high", "medium", "low"]
        assert sum(level["count"] for level in levels.values()) == scored_customers
        assert sum(level["percentage"] for level in levels.values()) == pytest.approx(100, abs=0.05)
        assert all(level["estimated_total"] == level["count"] for level in levels.values())
    assert 0 <= body["estimated_churn_30_days"] <= body["estimated_churn_90_days"] <= body["active_customers"]
    assert "nothing is sampled" in body["note"]


def test_the_aggregate_follows_a_single_score_at_once(api):
    shop.seed(600, 5, NOW)
    runs.predict_everyone(NOW)
    before = api.get(AGGREGATE).json()["total_customers"]
    new = make_customer("Nora New")
    make_order(new)
    runs.predict_customer(new.pk, NOW)
    assert api.get(AGGREGATE).json()["total_customers"] == before + 1


def test_the_aggregate_takes_two_queries_whatever_the_size(api, django_assert_num_queries):
    scored(make_customer("Vera Vance", orders=2))
    for measure in tallies.SCORES:
        for level in ("critical", "high", "medium", "low"):
            RiskTally.objects.create(measure=measure, level=level)
    api.get(AGGREGATE)
    with django_assert_num_queries(3 + COUNTED):  # and the key
        api.get(AGGREGATE)


# --- Archetypes --------------------------------------------------------------------------------------------------------


def test_an_archetype_tells_the_mean_risk_of_its_members(api):
    published = publish()
    for score, name in ((0.9, "Vera Vance"), (0.5, "Ann Lee")):
        customer = make_customer(name, orders=2)
        published.join(customer)
        make_prediction(customer, churn_risk_score=score, lapse_risk_score=score / 2, value_at_risk=Decimal("30.00"))
    count_archetypes()
    body = api.get(f"/api/mcp/archetypes/{published.archetype.archetype_id}").json()["metrics"]
    assert body["churn_rate"] == pytest.approx(0.7)
    assert body["lapse_rate"] == pytest.approx(0.35)
    assert body["value_at_risk"] == 60.0
    listed = api.get("/api/mcp/archetypes/top").json()["archetypes"][0]
    assert listed["churn_rate"] == pytest.approx(0.7)
