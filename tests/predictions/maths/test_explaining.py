"""Parts of a score: they add up to it, and a part is there only for what makes a difference."""

import json
from dataclasses import replace

import numpy as np
import pytest

from predictions.maths.background import background
from predictions.maths.churn import KINDS, Choice
from predictions.maths.churn import fit as fit_kind
from predictions.maths.churn_features import NAMES, RAW, features, raw, rhythm
from predictions.maths.explaining import GROUPS, explain, shapley_weights
from predictions.maths.occasions import Occasions
from predictions.maths.scoring import FittedPredictions, fit, score
from predictions.maths.windows import Past, Window
from tests.predictions.maths.invented_buyers import TODAY, invented

MIXED = "mixed"


@pytest.fixture(scope="module")
def shop():
    return invented(1_200)


@pytest.fixture(scope="module")
def fitted(shop):
    return fit(shop, TODAY)


@pytest.fixture(scope="module")
def models(shop, fitted):
    """The same version with each kind of model at every horizon, and with another kind at each."""
    past = Past(shop, TODAY)
    answerers = {
        days: {each.kind: replace(each, shift=0.1) for each in fit_kind(past.before(TODAY, days, 6), days, KINDS, 0)}
        for days in (30, 90, 180)
    }
    kinds = {kind: [kind] * 3 for kind in KINDS} | {MIXED: ["blend", "ordering", "rhythm"]}
    return {
        name: replace(
            fitted,
            choices={days: Choice(answerers[days][kind], "none", "") for days, kind in zip((30, 90, 180), each, strict=True)},
        )
        for name, each in kinds.items()
    }


@pytest.fixture(params=[*KINDS, MIXED])
def model(request, models):
    return models[request.param]


def one(shop, place):
    return shop.of(np.array([place]))


def steady(waiting, gap=30, orders=10):
    """Somebody with a purchase every `gap` days, the last `waiting` days ago."""
    days = TODAY - waiting - gap * np.arange(orders)
    return Occasions.of_orders(np.full(orders, 7), days, np.full(orders, 30.0))


def parts(model, customer):
    return dict(explain(model, customer, TODAY).parts)


def test_the_parts_add_up_to_the_score_that_everybody_gets(shop, model):
    scores = score(model, shop, TODAY)
    for place in range(0, len(shop), 61):
        explanation = explain(model, one(shop, place), TODAY)
        at = int(np.flatnonzero(scores.customer_ids == shop.customer_ids[place])[0])
        assert explanation.score == pytest.approx(scores.lapse_score[at], abs=1e-9)
        assert explanation.horizon_days == scores.lapse_horizon_days[at]
        assert explanation.base + sum(share for _, share in explanation.parts) == pytest.approx(explanation.score, abs=1e-9)


def test_every_input_belongs_to_one_group():
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(RAW)


def test_the_base_is_the_mean_score_of_the_background_at_the_same_horizon(shop, models):
    model = models["blend"]
    table = model.background.rows[30]
    window = Window.of_told(model.background.rows, model.dropout)
    probabilities = [model.choices[days].answerer.probability(window) for days in (30, 90)]
    explanation = explain(model, steady(5), TODAY)
    assert explanation.horizon_days == 90
    assert len(table) == 64
    assert explanation.base == pytest.approx(np.minimum(*probabilities).mean(), abs=1e-12)


def test_a_group_with_the_inputs_of_the_whole_background_has_no_part(model):
    customer = steady(61)
    now, then = (rhythm(customer, day, model.usual_gap_days) for day in (TODAY, TODAY - 61))
    for group, names in GROUPS.items():
        columns = [RAW.index(name) for name in names]
        rows = {}
        for days, table in model.background.rows.items():
            rows[days] = table.copy()
            rows[days][:, columns] = raw(customer, now if group == "season" else then, days)[:, columns]
        alike = replace(model, background=replace(model.background, rows=rows))
        assert parts(alike, customer)[group] == pytest.approx(0.0, abs=1e-12)


def test_a_group_that_the_model_does_not_look_at_has_no_part(models):
    unseen = parts(models["ordering"], steady(61))
    assert [unseen[group] for group in ("value", "season")] == pytest.approx([0, 0], abs=1e-12)
    assert abs(unseen["rhythm"]) > 0.01
    blind = models["rhythm"]
    for days, choice in list(blind.choices.items()):
        coefficients = choice.answerer.coefficients.copy()
        coefficients[[NAMES.index(name) for name in GROUPS["value"]]] = 0.0
        answerer = replace(choice.answerer, coefficients=coefficients)
        blind = replace(blind, choices={**blind.choices, days: replace(choice, answerer=answerer)})
    assert parts(blind, steady(61))["value"] == pytest.approx(0.0, abs=1e-12)


def test_a_left_glove_is_worth_four_times_a_right_one_where_there_are_two_right_ones():
    # The glove game of the textbooks: a pair is worth 1, player 0 has the left glove, 1 and 2 a right one each.
    worth = np.array([0, 0, 0, 1, 0, 1, 0, 1.0])
    assert shapley_weights(3) @ worth == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_players_who_add_the_same_get_the_same():
    sets = np.arange(32)
    size = np.array([each.bit_count() for each in sets])
    assert shapley_weights(5) @ (size**2.0) == pytest.approx(np.full(5, 5.0))


def test_a_longer_wait_of_a_steady_buyer_adds_to_the_part_of_the_wait_and_to_no_other(models):
    model = models["ordering"]
    waits = [parts(model, steady(waiting)) for waiting in (3, 45, 120)]
    assert 0 < waits[0]["wait"] < waits[1]["wait"] < waits[2]["wait"]
    assert waits[0]["rhythm"] == waits[1]["rhythm"] == waits[2]["rhythm"] < 0


def test_who_bought_today_has_waited_for_nothing(model):
    assert parts(model, steady(0))["wait"] == pytest.approx(0.0, abs=1e-12)


def test_rhythm_value_and_season_are_those_of_the_day_of_the_last_order(models):
    model = models["blend"]
    explanation = explain(model, steady(61), TODAY)
    known = rhythm(steady(61), TODAY - 61, model.usual_gap_days)
    rows = {days: raw(steady(61), known, days) for days in (30, 90)}
    today = rhythm(steady(61), TODAY, model.usual_gap_days)
    for days, row in rows.items():
        row[:, -2:] = raw(steady(61), today, days)[:, -2:]
    window = Window.of_told(rows, model.dropout)
    then = np.minimum(*(model.choices[days].answerer.probability(window) for days in (30, 90)))[0]
    told = dict(explanation.parts)
    assert explanation.base + told["rhythm"] + told["value"] + told["season"] == pytest.approx(then, abs=1e-12)


def test_one_customer_is_explained_the_same_each_time_and_from_a_stored_model(shop, model):
    customer = one(shop, 11)
    explanation = explain(model, customer, TODAY)
    assert explain(model, customer, TODAY) == explanation
    stored = FittedPredictions.stored(json.loads(json.dumps(model.to_json())), model.trees())
    assert explain(stored, customer, TODAY) == explanation


def test_what_comes_after_the_day_explains_nothing(model):
    customer = steady(61)
    later = Occasions.of_orders(np.append(np.full(10, 7), 7), np.append(customer.day, TODAY + 3), np.full(11, 30.0))
    assert explain(model, later, TODAY) == explain(model, customer, TODAY)


def test_the_facts_are_those_of_the_customer(models):
    days = TODAY - np.array([500, 400, 340, 300, 210, 150, 100, 80, 20, 10])
    customer = Occasions.of_orders(np.full(10, 7), days, np.arange(10) + 10.0)
    explanation = explain(models["ordering"], customer, TODAY)
    assert (explanation.recency_days, explanation.repeats, explanation.active_span_days, explanation.age_days) == (
        10,
        9,
        490,
        500,
    )
    assert explanation.last_gaps_days == (20, 60, 10)
    assert explanation.average_value == 14.5
    assert explanation.shop_average_value == models["ordering"].background.average_value
    assert explanation.bought_these_days_last_year  # 340 days ago, within a horizon of 180 days after 365 days ago


def test_a_one_time_buyer_has_no_gaps(models):
    explanation = explain(models["blend"], steady(61, orders=1), TODAY)
    assert explanation.last_gaps_days == ()
    assert (explanation.repeats, explanation.recency_days) == (0, 61)
    assert not explanation.bought_these_days_last_year


def test_an_older_version_without_a_background_explains_nothing(models):
    assert explain(replace(models["ordering"], background=None), steady(61), TODAY) is None


def test_nobody_and_two_at_once_are_refused(shop, models):
    with pytest.raises(ValueError, match="one customer at a time"):
        explain(models["ordering"], shop.of(np.array([1, 2])), TODAY)
    with pytest.raises(ValueError, match="0 have bought"):
        explain(models["ordering"], steady(61), TODAY - 1_000)


def test_the_background_is_a_seeded_sample_of_everybody(shop, fitted):
    known = rhythm(shop, TODAY, fitted.usual_gap_days)
    again, other = (background(shop, known, fitted.usual_gap_days, (30, 90, 180), seed=seed) for seed in (0, 1))
    assert again.to_json() == fitted.background.to_json()
    assert other.to_json() != again.to_json()
    assert again.average_value == pytest.approx(shop.value.sum() / len(shop.day))
    for days, rows in again.rows.items():
        everybody = {tuple(row) for row in raw(shop, known, days).round(6)}
        assert rows.shape == (64, len(RAW))
        assert all(tuple(row) in everybody for row in rows.round(6))


def test_with_fewer_customers_than_that_all_are_the_background(shop, fitted):
    few = shop.of(np.arange(20))
    known = rhythm(few, TODAY, fitted.usual_gap_days)
    assert len(background(few, known, fitted.usual_gap_days, (30,), seed=0).rows[30]) == 20


def test_what_is_told_of_customers_gives_models_the_same_columns_as_their_occasions(shop, fitted):
    known = rhythm(shop, TODAY, fitted.usual_gap_days)
    window = Window(shop, known, fitted.dropout)
    told = Window.of_told({days: window.raw(days) for days in (30, 180)}, fitted.dropout)
    for days in (30, 180):
        assert np.array_equal(told.features(days), window.features(days))
        assert np.array_equal(told.log_odds_of_none(days), window.log_odds_of_none(days))
        assert np.array_equal(window.features(days)[:, : len(NAMES)], features(shop, known, days))


def test_the_raw_inputs_of_one_customer_worked_by_hand():
    days = np.array([0, 300, 400, 710, 730, 760])  # as of day 800: 365 days ago is day 435
    customer = Occasions.of_orders(np.ones(6, int), days, np.array([10.0, 20, 30, 40, 50, 60]))
    row = dict(zip(RAW, raw(customer, rhythm(customer, 800, 50.0), 300)[0].tolist(), strict=True))
    assert row == {
        "recency_days": 40,
        "repeats": 5,
        "active_span_days": 760,
        "usual_gap_days": pytest.approx((760 + 100) / 7),
        "last_gap_days": 30,
        "gap_spread": pytest.approx(np.std([300, 100, 310, 20, 30]) / 152),
        "orders_30d": 0,
        "orders_60d": 1,
        "orders_90d": 2,
        "orders_180d": 3,
        "orders_365d": 3,
        "orders_year_before": 2,
        "average_value": 35,
        "last_value": 60,
        "spend_90d": 110,
        "spend_365d": 150,
        "season_last_year": 2,
        "lull_last_year": 2,
    }
