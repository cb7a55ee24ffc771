"""Customer 360 with predictions: the badges, the alert, what to do, what the score is made of, and the order to come."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from predictions import runs
from predictions.models import Prediction, ScoringRun
from quimbi.demo import shop as demo
from tests.factories import NOW, make_customer, make_order, make_prediction, make_ticket
from tests.pages.test_customer_360 import HTMX, words


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(NOW, tick=False):
        yield


def late_vip(**fields: object) -> Prediction:
    """Vera, who usually buys every 24 days and has not for 61."""
    vera = make_customer("Vera Vance", customer_id="vera")
    for back in (61, 85, 109, 133):
        make_order(vera, placed_at=NOW - timedelta(days=back))
    values = {
        "churn_risk_score": 0.9,
        "lapse_risk_score": 0.78,
        "usual_gap_days": 24.4,
        "overdue_ratio": 61 / 24.4,
        "tier": Prediction.Tier.VIP,
        "value_at_risk": Decimal("499.20"),
    }
    prediction = make_prediction(vera, **(values | fields))
    ScoringRun.objects.create(as_of=NOW, model=prediction.model, customers=1, buyers=300, history_days=400)
    return prediction


def test_tier_and_lapse_risk_lead_and_both_measures_have_their_full_names(visitor: Client, shop):
    late_vip()
    page = words(visitor, "/customers/vera/")
    assert "q-tier-vip" in page
    assert "Critical</span> 78%" in page
    assert "Lapse risk" in page
    assert "No order in 30 days" in page
    assert "No order within 90 days, this customer’s own horizon" in page
    assert "$499" in page


def test_the_alert_gives_a_reason_that_fits_its_own_numbers(visitor: Client, shop):
    late_vip()
    page = words(visitor, "/customers/vera/")
    assert "Retention alert: Vera Vance may not come back" in page
    assert "Usually buys every 24 days, last purchase 61 days ago. That is 2.5 times the usual gap." in page
    assert page.count('role="alert"') == 2  # the toast is the other


def test_the_alert_of_a_customer_who_is_not_late_names_the_other_factor(visitor: Client, shop):
    late_vip(usual_gap_days=60.0, overdue_ratio=61 / 60, trend=Prediction.Trend.DECLINING)
    page = words(visitor, "/customers/vera/")
    assert "Not late yet (last purchase 61 days ago, usually every 60 days), but buys less often than before." in page
    assert "times the usual gap" not in page


@pytest.mark.parametrize("fields", [{"lapse_risk_score": 0.69}, {"lapse_horizon_days": 30}])
def test_there_is_no_alert_below_critical_or_for_who_has_long_been_gone(visitor: Client, shop, fields):
    late_vip(**fields)
    assert "Retention alert" not in words(visitor, "/customers/vera/")


def test_there_is_no_alert_after_a_single_order(visitor: Client, shop):
    ann = make_customer("Ann Lee", orders=1, customer_id="ann")
    make_prediction(ann, lapse_risk_score=0.95)
    ScoringRun.objects.create(as_of=NOW, buyers=300, history_days=400)
    page = words(visitor, "/customers/ann/")
    assert "Retention alert" not in page
    assert "95%" in page


def test_an_open_ticket_is_told_in_the_alert_and_is_the_first_thing_to_do(visitor: Client, shop):
    prediction = late_vip()
    make_ticket(prediction.customer, subject="Where is my parcel?", closed_at=None, status="open")
    page = words(visitor, "/customers/vera/")
    assert "There is also an open ticket, “Where is my parcel?”." in page
    assert page.index("Have a person reply to ticket") < page.index("Have a person call or write")


def test_no_discount_comes_first_and_the_page_says_why_there_is_none(visitor: Client, shop):
    late_vip()
    assert "No discount suggested: codes were used on none of 4 orders." in words(visitor, "/customers/vera/")


def test_what_the_next_year_should_bring_stands_with_its_range_and_beside_the_last(visitor: Client, shop):
    vera = late_vip(value_365d=Decimal("640"), value_365d_low=Decimal("0"), value_365d_high=Decimal("1500")).customer
    vera.created_at = NOW - timedelta(days=900)
    vera.save()
    page = words(visitor, "/customers/vera/")
    assert "$640" in page
    assert "$0 to $1,500" in page
    assert "+$440" in page  # four orders of 50 brought 200


def test_the_timeline_starts_with_the_wait_and_when_the_next_order_is_expected(visitor: Client, shop):
    late_vip()
    page = words(visitor, "/customers/vera/")
    assert "61 days without an order" in page
    assert "Next order expected 24 Nov to 29 Dec" in page
    Prediction.objects.update(next_order_in_days=-1, next_order_in_days_at_most=-1)
    assert "Nobody here has come back after so long a wait" in words(visitor, "/customers/vera/")


def test_without_a_score_the_page_says_what_is_missing_and_how_much(visitor: Client, shop):
    make_customer("Ann Lee", orders=2, customer_id="ann")
    ScoringRun.objects.create(as_of=NOW, buyers=50, history_days=400, missing="Predictions need 150 more customers.")
    page = words(visitor, "/customers/ann/")
    assert "No score yet" in page
    assert "Predictions need 150 more customers." in page
    assert "q-tier" not in page
    assert "Recommended actions" not in page


def test_what_a_score_is_made_of_adds_up_on_a_card_and_on_a_page_of_its_own(visitor: Client, shop):
    demo.seed(600, 5, NOW)
    runs.predict_everyone(NOW)
    prediction = Prediction.objects.filter(customer__order_count__gt=5).order_by("-value_at_risk").first()
    address = f"/customers/{prediction.customer.customer_id}/why/"
    card, page = words(visitor, address, **HTMX), words(visitor, address)
    assert "<html" not in card
    assert "What the lapse risk is made of" in page
    for found in (card, page):
        assert "Customers of this shop on average" in found
        points = [text.split("</span>")[0] for text in found.split('<span class="q-sm q-strong q-r q-num">')[1:]]
        total = sum(int(text.replace("−", "-").replace("+", "")) for text in points)
        assert abs(total - 100 * prediction.lapse_risk_score) <= 1


def test_a_score_is_not_explained_where_there_is_none(visitor: Client, shop):
    make_customer("Noah Lind", customer_id="noah")
    assert "Awaiting first purchase" in words(visitor, "/customers/noah/why/")
    assert visitor.get("/customers/nobody/why/").status_code == 404


@pytest.mark.parametrize("orders", [1, 40])
def test_customer_360_with_predictions_costs_a_fixed_number_of_queries(
    visitor: Client, shop, orders: int, django_assert_max_num_queries
):
    sarah = make_customer("Sarah Whitcombe", orders=orders)
    make_prediction(sarah)
    ScoringRun.objects.create(as_of=NOW, buyers=300, history_days=400)
    words(visitor, f"/customers/{sarah.customer_id}/")
    with django_assert_max_num_queries(22):
        words(visitor, f"/customers/{sarah.customer_id}/")
