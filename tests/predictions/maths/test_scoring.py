"""The whole of it on an invented shop: no leak from later days, the same alone and in the batch, calibrated, with a gate."""

import json

import numpy as np
import pytest

from predictions.maths import gate, scoring
from predictions.maths.backtest import backtest
from predictions.maths.churn import Trial, best_of
from predictions.maths.scoring import FittedPredictions, fit, score
from tests.predictions.maths.invented_buyers import TODAY, invented


@pytest.fixture(scope="module")
def shop():
    return invented()


@pytest.fixture(scope="module")
def model(shop):
    return fit(shop, TODAY)


@pytest.fixture(scope="module")
def scores(shop, model):
    return score(model, shop, TODAY)


def test_rows_after_the_day_change_nothing():
    longer = invented(1_000, more_after=True)
    with_newcomers = longer.until(TODAY + 100)
    assert len(with_newcomers.day) > len(longer.until(TODAY).day)
    cut = longer.until(TODAY)
    again = fit(with_newcomers, TODAY)
    assert again.to_json() == fit(cut, TODAY).to_json()
    one, other = score(again, cut, TODAY), score(again, with_newcomers, TODAY)
    assert np.array_equal(one.lapse_score, other.lapse_score)
    assert np.array_equal(one.forecast.value[90], other.forecast.value[90])


def test_the_same_seed_gives_the_same_model(shop, model):
    again = fit(shop, TODAY)
    assert again.to_json() == model.to_json()
    assert again.trees() == model.trees()


def test_one_customer_alone_gets_what_the_batch_gives(shop, model, scores):
    for place in range(0, len(shop), 397):
        alone = score(model, shop.of(np.array([place])), TODAY)
        at = int(np.flatnonzero(scores.customer_ids == shop.customer_ids[place])[0])
        assert alone.lapse_score[0] == pytest.approx(scores.lapse_score[at], abs=1e-9)
        assert alone.none_within[30][0] == pytest.approx(scores.none_within[30][at], abs=1e-9)
        assert alone.forecast.value[365][0] == pytest.approx(scores.forecast.value[365][at], rel=1e-9)


def test_a_stored_model_says_what_the_fitted_one_says(shop, model, scores):
    stored = FittedPredictions.stored(json.loads(json.dumps(model.to_json())), model.trees())
    again = score(stored, shop, TODAY)
    assert np.array_equal(again.lapse_score, scores.lapse_score)
    assert np.array_equal(again.forecast.high[180], scores.forecast.high[180])
    assert np.array_equal(again.earliest, scores.earliest, equal_nan=True)


def test_every_number_is_finite_and_in_its_range(scores):
    assert len(scores) > 2_000
    for probability in scores.none_within.values():
        assert ((probability >= 0) & (probability <= 1)).all()
    assert (scores.none_within[90] <= scores.none_within[30]).all()
    assert (scores.none_within[180] <= scores.none_within[90]).all()
    forecast = scores.forecast
    for fewer, more in ((30, 90), (90, 180), (180, 365)):
        assert (forecast.orders[fewer] <= forecast.orders[more]).all()
    for days in (90, 180, 365):
        assert np.isfinite(forecast.value[days]).all()
        assert (forecast.low[days] <= forecast.high[days]).all()
        assert (forecast.low[days] >= 0).all()
    assert (scores.value_at_risk >= 0).all()
    assert (np.isnan(scores.earliest) == np.isnan(scores.latest)).all()


def test_all_four_lapse_levels_are_used(scores):
    from predictions.maths.lapse import level

    assert {level(each) for each in scores.lapse_score.tolist()} == {"critical", "high", "medium", "low"}


def test_whoever_waited_longer_with_the_same_history_is_likelier_to_be_gone(model):
    from predictions.maths.occasions import Occasions

    days = [TODAY - 400, TODAY - 370, TODAY - 340]
    shift = np.array([0, 40, 120])
    customer = np.repeat([1, 2, 3], 3)
    when = np.concatenate([np.array(days) + 300 - each for each in shift])
    three = score(model, Occasions.of_orders(customer, when, np.full(9, 20.0)), TODAY)
    assert three.lapse_score[0] < three.lapse_score[1] < three.lapse_score[2]


def test_on_a_calm_shop_predictions_come_true(shop):
    [report] = backtest(shop, TODAY, cutoffs=1)
    assert report.calibration_error < 0.03
    assert report.lapse_calibration_error < 0.05
    assert report.log_loss < 1.01 * report.ordering_log_loss
    assert abs(report.revenue_error) < 0.15
    assert sum(report.levels.values()) == report.customers


def test_below_the_gate_there_is_no_score_but_a_sentence():
    few = invented(150)
    with pytest.raises(gate.TooLittleData, match=r"50 more customers with an order \(150 of 200\)"):
        fit(few, TODAY)
    short = invented(400).until(100)
    with pytest.raises(gate.TooLittleData, match="more days of history"):
        gate.check(short, 100)


@pytest.mark.parametrize("gap", ["one order each", "one day", "a gap of two years", "once a year"])
def test_odd_shops_get_scores_or_a_sentence_and_never_nonsense(gap):
    from predictions.maths.occasions import Occasions

    rng = np.random.default_rng(3)
    n = 600
    customer = np.arange(n)
    if gap == "one order each":
        days = rng.integers(0, 800, n)
    elif gap == "one day":
        days = np.full(n, 800)
    elif gap == "a gap of two years":
        customer, days = np.tile(customer, 2), np.concatenate([rng.integers(0, 60, n), rng.integers(790, 830, n)])
    else:
        customer = np.repeat(customer, 4)
        days = np.tile(np.arange(4) * 365, n) + np.repeat(rng.integers(0, 20, n), 4)
    shop = Occasions.of_orders(customer, days, np.full(len(days), 25.0))
    today = int(days.max()) + 5
    if gap == "one day":
        with pytest.raises(gate.TooLittleData, match="history"):
            fit(shop, today)
        return
    found = score(fit(shop, today), shop, today)
    assert np.isfinite(found.lapse_score).all()
    assert all(np.isfinite(each).all() for each in found.forecast.value.values())


def test_a_larger_model_has_to_earn_its_place():
    trials = [Trial("ordering", "none", day, 0.5) for day in (1, 2, 3)]
    a_hair_better = [Trial("blend", "none", day, 0.4999) for day in (1, 2, 3)]
    assert best_of([*trials, *a_hair_better]) == ("ordering", "none")
    better = [Trial("blend", "latest", day, 0.45) for day in (1, 2, 3)]
    assert best_of([*trials, *a_hair_better, *better]) == ("blend", "latest")
    only_once = [Trial("rhythm", "season", 1, 0.1)]
    assert best_of([*trials, *only_once]) == ("ordering", "none")


def test_a_past_that_is_shared_between_days_says_of_each_what_its_own_says():
    shop = invented(1_000)
    whole = scoring.past_of(shop, TODAY)
    fit(shop, TODAY, past=whole)
    for day in (TODAY - 90, TODAY - 120):
        alone, shared = fit(shop, day), fit(shop, day, past=whole.as_of(day))
        assert [(days, each.answerer.kind, each.shift) for days, each in shared.choices.items()] == [
            (days, each.answerer.kind, each.shift) for days, each in alone.choices.items()
        ]
        ours, theirs = score(shared, shop, day), score(alone, shop, day)
        np.testing.assert_allclose(ours.lapse_score, theirs.lapse_score, atol=1e-9)
        np.testing.assert_allclose(ours.forecast.value[90], theirs.forecast.value[90], rtol=1e-9)
