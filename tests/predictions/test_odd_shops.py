"""Shops that a prediction could be made up for: each gets a named state or finite numbers, never a guess dressed as one."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from customers.models import Order
from predictions import runs
from predictions.maths import scoring, value
from predictions.maths.occasions import Occasions
from predictions.models import Prediction
from quimbi.demo import shop
from tests.factories import NOW, make_customer, make_order, make_refund
from tests.predictions.maths.invented_buyers import TODAY, invented
from tests.standing import standing_rows

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def scored_shop(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Six hundred invented customers, scored, for all tests of this file."""
    with standing_rows(django_db_blocker, lambda: (shop.seed(600, 5, NOW), runs.predict_everyone(NOW))):
        yield


def test_orders_in_the_future_change_no_score():
    before = list(Prediction.objects.order_by("pk").values_list("pk", "lapse_risk_score", "value_365d", "usual_gap_days"))
    for customer in [prediction.customer for prediction in Prediction.objects.select_related("customer")[:40]]:
        make_order(customer, placed_at=NOW + timedelta(days=3), total=Decimal("9999.00"), refresh_metrics=False)
    runs.predict_everyone(NOW)
    after = list(Prediction.objects.order_by("pk").values_list("pk", "lapse_risk_score", "value_365d", "usual_gap_days"))
    assert after == before


def test_more_refunded_than_paid_leaves_values_finite_and_never_below_zero():
    for order in Order.objects.valid().filter(customer__isnull=False)[:200]:
        make_refund(order, amount=order.total * 3)
    runs.predict_everyone(NOW, refit=True)
    for prediction in Prediction.objects.all():
        assert 0 <= prediction.value_90d_low <= prediction.value_90d_high
        assert 0 <= prediction.value_365d < Decimal(10**7)
        assert prediction.value_at_risk >= 0


def test_a_huge_order_that_went_back_is_not_worth_rescuing():
    largest = Prediction.objects.order_by("-value_at_risk").first().value_at_risk
    ann = make_customer("Ann Lee")
    make_order(ann, placed_at=NOW - timedelta(days=200), total=Decimal("30.00"))
    huge = make_order(ann, placed_at=NOW - timedelta(days=90), total=Decimal("77183.60"))
    make_refund(huge, amount=huge.total, created_at=NOW - timedelta(days=90))
    assert runs.predict_customer(ann.pk, NOW).value_at_risk < largest
    alone = Prediction.objects.get(customer=ann).value_365d
    runs.predict_everyone(NOW)
    assert Prediction.objects.get(customer=ann).value_365d == alone


def scored(occasions: Occasions) -> scoring.Scores:
    scores = scoring.score(scoring.fit(occasions, TODAY), occasions, TODAY)
    for array in (scores.lapse_score, *scores.none_within.values(), *scores.forecast.value.values(), *scores.lapsing.values()):
        assert np.isfinite(array).all()
    return scores


def test_one_order_each_is_scored_by_the_time_since_it():
    customers = np.arange(1, 401)
    occasions = Occasions.of_orders(customers, TODAY - customers, np.full(400, 20.0))
    assert np.ptp(scored(occasions).lapse_score) < 0.5  # hardly anything is known, so nobody stands out


def test_all_orders_on_one_day_are_scored_without_a_made_up_rhythm():
    occasions = Occasions.of_orders(np.arange(1, 401), np.full(400, TODAY - 400), np.full(400, 20.0))
    scores = scored(occasions)
    assert np.unique(scores.lapse_score).size == 1
    assert np.isnan(scores.earliest).all()


def test_a_gap_of_two_years_and_a_shop_that_sells_once_a_year_are_scored():
    early = invented(600)
    gap = Occasions.of_orders(
        np.repeat(early.customer_ids, np.diff(early.starts)), np.where(early.day > 700, early.day, early.day - 730), early.value
    )
    scored(gap)
    yearly = Occasions.of_orders(
        np.repeat(np.arange(1, 401), 4), np.tile(TODAY - np.array([10, 375, 740, 1105]), 400), np.full(1_600, 30.0)
    )
    assert set(scored(yearly).lapse_horizon_days.tolist()) == {180}


def test_a_fit_that_does_not_come_to_rest_falls_back_to_the_simpler_model_and_says_so(monkeypatch):
    from dataclasses import replace

    real = value.spend_model
    monkeypatch.setattr(value, "spend_model", lambda known, seed: replace(real(known, seed), converged=False))
    monkeypatch.setattr("predictions.maths.churn._linear", lambda rows, happened: None)
    model = scoring.fit(invented(), TODAY)
    assert model.spend is None
    assert any("each customer's own average is used instead" in note for note in model.notes)
    assert {choice.answerer.kind for choice in model.choices.values()} == {"ordering"}
    assert all("did not come to rest" in choice.reason for choice in model.choices.values())
