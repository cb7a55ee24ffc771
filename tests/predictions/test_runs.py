"""Predictions of a small invented shop: stored, exported, and nothing but a sentence where there is too little."""

import csv
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Shop
from customers.models import Customer, Order
from predictions import runs, standings
from predictions.exporting import COLUMNS
from predictions.maths.gate import TooLittleData
from predictions.maths.judging import Outcome
from predictions.models import (
    ArchetypeRisk,
    CustomerMonth,
    Prediction,
    PredictionModel,
    RiskTally,
    ScoreSnapshot,
    ScoringRun,
)
from quimbi.demo import shop
from segmentation.runs import segment_everyone
from tests.factories import NOW, make_customer, make_order
from tests.predictions.tallied import assert_tallies_are_exact
from tests.standing import standing_rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("learned_once")]


@pytest.fixture(scope="module", autouse=True)
def invented(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Six hundred invented customers, about 460 of them with orders, for all tests of this file."""
    with standing_rows(django_db_blocker, lambda: shop.seed(600, 5, NOW)):
        yield


def test_everybody_with_an_order_is_scored_and_nobody_else():
    scored = runs.predict_everyone(NOW)
    buyers = Customer.objects.filter(order_count__gt=0, first_order_at__lte=NOW)
    assert scored == Prediction.objects.count() == buyers.count()
    prediction = Prediction.objects.select_related("model").order_by("-value_at_risk").first()
    assert prediction.as_of == NOW
    assert prediction.model == PredictionModel.objects.get()
    assert 0 <= prediction.lapse_risk_score <= 1
    assert prediction.value_180d_low <= prediction.value_180d_high
    assert set(Prediction.objects.values_list("tier", flat=True)) == {0, 1, 2, 3}
    assert standings.refresh() == 0, "everybody's standing is in step already"


def test_a_new_order_rescores_its_customer_with_the_model_of_the_others():
    runs.predict_everyone(NOW)
    customer = Customer.objects.filter(order_count__gt=3).order_by("last_order_at").first()
    before = Prediction.objects.get(customer=customer)
    assert runs.predict_customer(customer.pk, NOW).lapse_risk_score == pytest.approx(before.lapse_risk_score, abs=1e-9)
    make_order(customer, placed_at=NOW - timedelta(hours=3))
    after = runs.predict_customer(customer.pk, NOW)
    assert after.model == before.model
    assert after.overdue_ratio == 0
    assert after.lapse_risk_score < before.lapse_risk_score
    assert standings.refresh() == 0


def test_orders_after_the_moment_change_no_score():
    then = NOW - timedelta(days=60)
    runs.predict_everyone(then)
    before = list(Prediction.objects.order_by("pk").values())
    PredictionModel.objects.all().delete()
    Order.objects.filter(placed_at__gt=then).delete()
    runs.predict_everyone(then)
    after = list(Prediction.objects.order_by("pk").values())
    assert [row | {"model_id": 0} for row in before] == [row | {"model_id": 0} for row in after]


def test_below_the_gate_nobody_keeps_a_score_and_the_command_says_what_is_missing():
    runs.predict_everyone(NOW)
    Customer.objects.exclude(pk__in=Customer.objects.filter(order_count__gt=0)[:10]).delete()
    with pytest.raises(CommandError, match=r"190 more customers with an order \(10 of 200\)"):
        call_command("predict")
    assert not Prediction.objects.exists()
    assert not RiskTally.objects.exists()
    state = ScoringRun.objects.first()
    assert (state.model, state.buyers, state.customers) == (None, 10, 0)
    assert state.missing.startswith("Predictions need 190 more customers")


def test_scores_are_exported_by_the_shops_own_ids(tmp_path, capsys):
    path = tmp_path / "scores.csv"
    call_command("export_scores", path, "--as-of", f"{NOW - timedelta(days=30):%Y-%m-%d}")
    rows = list(csv.DictReader(path.open()))
    assert tuple(rows[0]) == COLUMNS
    assert f"{len(rows)} customers written" in capsys.readouterr().out
    assert {row["customer_id"] for row in rows} <= set(Customer.objects.values_list("customer_id", flat=True))
    assert all(0 <= float(row["churn_risk_score"]) <= 1 for row in rows)
    assert {row["tier"] for row in rows} == {"vip", "high", "standard", "low"}
    assert not Prediction.objects.exists()  # what pages show is not touched


def test_the_honesty_report_compares_with_what_happened(capsys):
    call_command("backtest", "--cutoffs", "1")
    out = capsys.readouterr().out
    assert "no order in 30 days" in out
    assert "did not order in their own horizon" in out
    assert "nan" not in out


def test_tallies_are_the_sums_of_all_scores_and_stay_so_when_one_changes():
    runs.predict_everyone(NOW)
    assert RiskTally.objects.count() == 8
    assert_tallies_are_exact()
    back = Customer.objects.filter(order_count__gt=3).order_by("last_order_at").first()
    make_order(back, placed_at=NOW - timedelta(hours=3))
    runs.predict_customer(back.pk, NOW)
    new = make_customer("Nora New")
    make_order(new, placed_at=NOW - timedelta(days=1))
    runs.predict_customer(new.pk, NOW)
    gone = Prediction.objects.exclude(customer__in=[back, new]).first().customer
    Order.objects.filter(customer=gone).delete()
    runs.predict_customer(gone.pk, NOW)
    assert not Prediction.objects.filter(customer=gone).exists()
    assert_tallies_are_exact()


def test_the_first_scores_of_a_month_are_kept_and_told_against_what_happened():
    then = NOW - timedelta(days=40)
    runs.predict_everyone(then)
    kept = ScoreSnapshot.objects.get()
    assert (kept.customers, kept.outcomes) == (Prediction.objects.count(), {})
    runs.predict_everyone(then + timedelta(days=1))
    assert ScoreSnapshot.objects.get().as_of == then  # the first of its month stands
    runs.predict_everyone(NOW)
    kept.refresh_from_db()
    assert set(kept.outcomes) == {"churn", "lapse-30"}  # 90 and 180 days have not passed
    told = Outcome.from_json(kept.outcomes["churn"])
    bought = Order.objects.valid().filter(placed_at__gt=then, placed_at__lte=then + timedelta(days=30))
    came_back = bought.filter(customer__first_order_at__lte=then).values("customer").distinct().count()
    assert told.customers == kept.customers
    assert told.customers - sum(told.happened) == pytest.approx(came_back, abs=3)  # days of the shop's calendar, not hours
    assert ScoreSnapshot.objects.count() == 2


def test_another_churn_horizon_is_learned_with_the_next_scoring():
    runs.predict_everyone(NOW)
    before = dict(Prediction.objects.values_list("customer_id", "churn_risk_score"))
    Shop.objects.update(churn_days=60)
    runs.predict_everyone(NOW)
    assert ScoringRun.objects.first().churn_days == 60
    assert PredictionModel.objects.count() == 2
    after = dict(Prediction.objects.values_list("customer_id", "churn_risk_score"))
    assert sum(after[pk] <= before[pk] + 1e-9 for pk in before) == len(before)  # more days, more chances to come back
    customer = Customer.objects.filter(prediction__isnull=False).first()
    assert runs.predict_customer(customer.pk, NOW).churn_risk_score == pytest.approx(after[customer.pk], abs=1e-9)


def test_every_scoring_tells_how_far_the_inputs_have_moved_since_the_fit():
    then = NOW - timedelta(days=300)
    runs.predict_everyone(then)
    assert max(ScoringRun.objects.first().drift.values()) < 0.01
    Order.objects.filter(placed_at__gt=then).delete()
    runs.predict_everyone(NOW)
    assert ScoringRun.objects.first().drift["recency_days"] > 0.25


def test_a_look_into_the_past_leaves_the_version_in_force(tmp_path):
    runs.predict_everyone(NOW)
    (in_force,) = PredictionModel.objects.all()
    call_command("export_scores", tmp_path / "then.csv", "--as-of", f"{NOW - timedelta(days=60):%Y-%m-%d}")
    assert PredictionModel.objects.count() == 2
    runs.predict_everyone(NOW)
    assert set(Prediction.objects.values_list("model", flat=True)) == {in_force.pk}


def test_a_command_as_of_the_past_is_not_for_the_record():
    call_command("predict", "--as-of", f"{NOW - timedelta(days=60):%Y-%m-%d}")
    assert Prediction.objects.exists()
    assert not ScoreSnapshot.objects.exists()


def test_an_expectation_lies_within_its_range():
    runs.predict_everyone(NOW)
    for prediction in Prediction.objects.all():
        for days in (90, 180, 365):
            low, value, high = (getattr(prediction, f"value_{days}d{end}") for end in ("_low", "", "_high"))
            assert low <= value <= high


def test_below_the_gate_archetypes_lose_their_risk_too():
    segment_everyone(NOW)
    runs.predict_everyone(NOW)
    assert ArchetypeRisk.objects.exists()
    Customer.objects.exclude(pk__in=Customer.objects.filter(order_count__gt=0)[:10]).delete()
    with pytest.raises(TooLittleData):
        runs.predict_everyone(NOW)
    assert not ArchetypeRisk.objects.exists()


def test_the_demo_leaves_no_prediction_behind():
    segment_everyone(NOW)
    runs.predict_everyone(NOW)
    shop.remove()
    for model in (PredictionModel, ScoringRun, RiskTally, ScoreSnapshot, ArchetypeRisk, CustomerMonth):
        assert not model.objects.exists(), model
