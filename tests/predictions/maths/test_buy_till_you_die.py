"""Against the published figures, against the individual customer integrated over gamma and beta, against invented ones.

`lifetimes` is the oracle; its data sets are read as files, for its own loader wants a `pkg_resources` that is no more.
"""

import json
import warnings
from dataclasses import replace
from functools import partial
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import roots_genlaguerre, roots_jacobi

from predictions.maths import buy_till_you_die
from predictions.maths.buy_till_you_die import (
    HEAVY_TAIL_Q,
    Dropout,
    Spend,
    expected_orders,
    expected_value,
    fit_dropout,
    fit_spend,
    log_likelihood,
    probability_alive,
    probability_of_none,
)

# The fits to CDNOW that Fader, Hardie, Lee 2005 (in weeks) and Fader, Hardie 2013 print.
CDNOW = Dropout(0.243, 4.414, 0.793, 2.426, first_may_drop=False, converged=True, log_likelihood=-9582.4)
CDNOW_SPEND = Spend(6.25, 3.74, 15.44, 6.25 * 15.44 / 2.74, converged=True)
# Somebody regular, somebody who fell silent, a one-time buyer, somebody of today who came back today.
SOME = np.array([5.0, 3.0, 0.0, 1.0]), np.array([55.0, 12.0, 0.0, 0.0]), np.array([60.0, 60.0, 45.0, 0.0])
both_variants = pytest.mark.parametrize("first_may_drop", [False, True], ids=["BG", "MBG"])


def make_dropout(*, r=1.3, alpha=20.0, a=1.4, b=2.1, first_may_drop=True):
    return Dropout(r, alpha, a, b, first_may_drop, converged=True, log_likelihood=0.0)


def invented_customers(model, n, *, seed, days_after=0.0):
    """Repeats, last and age of `n` customers who live by the model, and their orders in the `days_after` then."""
    rng = np.random.default_rng(seed)
    rate, chance, age = rng.gamma(model.r, 1 / model.alpha, n), rng.beta(model.a, model.b, n), rng.uniform(30.0, 720.0, n)
    repeats, last, after, now = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    alive = rng.random(n) >= chance if model.first_may_drop else np.ones(n, dtype=bool)
    while alive.any():
        now += rng.exponential(1 / rate)
        seen = alive & (now <= age)
        repeats, last = repeats + seen, np.where(seen, now, last)
        after += alive & (now > age) & (now <= age + days_after)
        alive &= (now <= age + days_after) & (rng.random(n) >= chance)
    return (repeats, last, age), after


def integrated(model, x, t, age, days):
    """Likelihood, P(alive), P(no order) and expected orders of one customer, from the story alone: rate and chance are known,
    then averaged over their gamma and beta, by Gauss's rule in 80 times 40 points."""
    points, weights = roots_genlaguerre(80, model.r - 1)
    rate, rate_weights = points[:, None] / model.alpha, weights[:, None] / weights.sum()
    points, chance_weights = roots_jacobi(40, model.b - 1, model.a - 1)
    chance = (1 + points) / 2
    weights = rate_weights * (chance_weights / chance_weights.sum())
    chances = int(x) + model.first_may_drop
    alive = weights * rate**x * np.exp(-rate * age) * (1 - chance) ** chances
    gone = weights * rate**x * np.exp(-rate * t) * chance * (1 - chance) ** (chances - 1) if chances else np.zeros(1)
    likelihood = alive.sum() + gone.sum()
    none = (alive * np.exp(-rate * days)).sum() + gone.sum()
    orders = (alive * -np.expm1(-rate * chance * days) / chance).sum()
    return np.array([likelihood, alive.sum() / likelihood, none / likelihood, orders / likelihood])


@pytest.fixture(scope="module")
def lifetimes():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("lifetimes")


@pytest.fixture(scope="module")
def cdnow(lifetimes):
    table = pd.read_csv(str(files("lifetimes") / "datasets" / "cdnow_customers_summary.csv"))
    return tuple(table[name].to_numpy(np.float64) for name in ("frequency", "recency", "T"))


@pytest.fixture(scope="module")
def cdnow_spend(lifetimes):
    table = pd.read_csv(str(files("lifetimes") / "datasets" / "cdnow_customers_summary_with_transactions.csv"))
    return tuple(table[name].to_numpy(np.float64) for name in ("x", "zbar"))


def test_the_published_customer_orders_1226_times_in_the_next_39_weeks():
    # Fader, Hardie, Lee 2005, "Implementing the BG/NBD model for customer base analysis in Excel", customer 0001.
    assert expected_orders(CDNOW, [2], [30.43], [38.86], 39.0) == pytest.approx([1.226], abs=5e-4)


def test_the_published_customers_spend_what_the_gamma_gamma_note_says():
    # 6.25 * (15.44 + 2 * 22.35) / (6.25 * 2 + 2.74), and 6.25 * 15.44 / 2.74 for who has not come back.
    assert expected_value(CDNOW_SPEND, [2, 1, 0], [22.35, 11.77, 0.0]) == pytest.approx([24.66, 18.91, 35.22], abs=0.01)


def test_the_fit_to_cdnow_is_the_published_one(cdnow):
    fitted = fit_dropout(*cdnow, first_may_drop=False)
    assert fitted.converged
    assert [fitted.r, fitted.alpha, fitted.a, fitted.b] == pytest.approx([0.243, 4.414, 0.793, 2.426], rel=0.01)
    assert fitted.log_likelihood == pytest.approx(-9582.4, abs=0.05)


@both_variants
def test_without_ridge_the_fit_is_that_of_lifetimes_and_so_is_what_follows(lifetimes, cdnow, first_may_drop):
    oracle = lifetimes.ModifiedBetaGeoFitter() if first_may_drop else lifetimes.BetaGeoFitter()
    oracle.fit(*cdnow)
    theirs = [oracle.params_[name] for name in ("r", "alpha", "a", "b")]
    plain, ours = (fit_dropout(*cdnow, first_may_drop=first_may_drop, ridge=ridge) for ridge in (0.0, buy_till_you_die.RIDGE))
    assert [plain.r, plain.alpha, plain.a, plain.b] == pytest.approx(theirs, rel=1e-3)
    assert [ours.r, ours.alpha, ours.a, ours.b] == pytest.approx(theirs, rel=0.01)

    same = Dropout(*theirs, first_may_drop, converged=True, log_likelihood=0.0)
    assert probability_alive(same, *cdnow) == pytest.approx(np.ravel(oracle.conditional_probability_alive(*cdnow)))
    for weeks in (4.0, 26.0, 104.0):
        expected = oracle.conditional_expected_number_of_purchases_up_to_time(weeks, *cdnow)
        assert expected_orders(same, *cdnow, weeks) == pytest.approx(np.asarray(expected))


def test_the_spending_of_cdnow_is_the_published_one_and_that_of_lifetimes(lifetimes, cdnow_spend):
    fitted = fit_spend(*cdnow_spend)
    assert fitted.converged
    assert [fitted.p, fitted.q, fitted.v] == pytest.approx([6.25, 3.74, 15.44], rel=0.01)

    oracle = lifetimes.GammaGammaFitter()
    repeats, value = cdnow_spend
    oracle.fit(repeats[repeats > 0], value[repeats > 0])
    same = Spend(*oracle.params_[["p", "q", "v"]], oracle.params_["p"] * oracle.params_["v"] / (oracle.params_["q"] - 1), True)
    theirs = oracle.conditional_expected_average_profit(pd.Series(repeats), pd.Series(value)).to_numpy()
    assert expected_value(same, repeats, value) == pytest.approx(theirs)
    assert expected_value(fitted, repeats, value) == pytest.approx(theirs, rel=0.01)


@both_variants
@pytest.mark.parametrize("days", [0.0, 30.0, 120.0])
def test_each_formula_is_the_individual_customer_integrated_over_everybody(first_may_drop, days):
    model = make_dropout(first_may_drop=first_may_drop)
    formulas = [
        np.exp(log_likelihood(model, *SOME)),
        probability_alive(model, *SOME),
        probability_of_none(model, *SOME, days),
        expected_orders(model, *SOME, days),
    ]
    story = np.array([integrated(model, *customer, days) for customer in zip(*SOME, strict=True)])
    assert np.transpose(formulas) == pytest.approx(story, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("a", [1.0, 1.0 + 1e-9, 1.0001, 200.0, 500.0])
def test_expected_orders_hold_where_the_formula_is_nought_by_nought_or_overflows(a):
    model = make_dropout(a=a, b=a * 1.5)
    story = [integrated(model, *customer, 90.0)[3] for customer in zip(*SOME, strict=True)]
    assert expected_orders(model, *SOME, 90.0) == pytest.approx(story, rel=1e-6)


def test_expected_orders_hold_where_the_third_parameter_of_the_formula_is_zero():
    # BG, no repeats, a + b = 1: on either side of it the formula itself.
    near, at, beyond = (make_dropout(a=0.4, b=b, first_may_drop=False) for b in (0.599, 0.6, 0.601))
    orders = [expected_orders(model, [0], [0], [45], 180.0)[0] for model in (near, at, beyond)]
    assert orders[1] == pytest.approx((orders[0] + orders[2]) / 2, rel=1e-5)


@both_variants
def test_twenty_thousand_invented_customers_give_their_parameters_back(first_may_drop):
    truth = make_dropout(r=0.8, alpha=40.0, a=0.9, b=2.5, first_may_drop=first_may_drop)
    customers, bought = invented_customers(truth, 20_000, seed=7, days_after=90.0)
    fitted = fit_dropout(*customers, first_may_drop=first_may_drop)
    assert fitted.converged
    # About three standard errors of the parameters; what they foretell is known far better.
    assert [fitted.r, fitted.alpha] == pytest.approx([truth.r, truth.alpha], rel=0.08)
    assert [fitted.a, fitted.b] == pytest.approx([truth.a, truth.b], rel=0.15)
    assert expected_orders(fitted, *customers, 90.0).mean() == pytest.approx(bought.mean(), rel=0.04)
    none = probability_of_none(fitted, *customers, 90.0)
    for tenth in np.array_split(np.argsort(none), 10):
        assert none[tenth].mean() == pytest.approx((bought[tenth] == 0).mean(), abs=0.03)


@both_variants
def test_the_fit_is_a_maximum(first_may_drop):
    customers, _ = invented_customers(make_dropout(first_may_drop=first_may_drop), 1_000, seed=3)
    fitted = fit_dropout(*customers, first_may_drop=first_may_drop, ridge=0.0)
    for name in ("r", "alpha", "a", "b"):
        for factor in (0.98, 1.02):
            other = replace(fitted, **{name: getattr(fitted, name) * factor})
            assert log_likelihood(other, *customers).sum() < fitted.log_likelihood


def test_invented_spenders_give_their_parameters_back():
    rng = np.random.default_rng(5)
    repeats = 1.0 + rng.poisson(2.0, 20_000)
    value = rng.gamma(5.0 * repeats) / repeats / rng.gamma(4.0, 1 / 30.0, 20_000)
    fitted = fit_spend(repeats, value)
    assert fitted.converged
    assert [fitted.p, fitted.q, fitted.v] == pytest.approx([5.0, 4.0, 30.0], rel=0.08)
    assert fitted.population_mean == pytest.approx(50.0, rel=0.02)  # 5 * 30 / (4 - 1)


def test_without_a_finite_mean_the_observed_one_stands_in_and_still_draws_customers_to_itself():
    rng = np.random.default_rng(6)
    repeats = 1.0 + rng.poisson(2.0, 5_000)
    value = rng.gamma(5.0 * repeats) / repeats / rng.gamma(0.8, 1 / 30.0, 5_000)
    fitted = fit_spend(repeats, value)
    assert fitted.q < 1
    assert fitted.population_mean == pytest.approx(value.mean())
    # It weighs as (1.5 - 1) / p orders: with p = 5 a tenth of one order.
    model = Spend(5.0, 0.8, 30.0, 100.0, converged=True)
    assert expected_value(model, [1, 10, 0], [210.0, 210.0, 0.0]) == pytest.approx([200.0, 208.91, 100.0], abs=0.01)


def test_the_weight_of_the_population_does_not_jump_where_the_tail_becomes_heavy():
    at, below = (Spend(5.0, q, 30.0, 100.0, converged=True) for q in (HEAVY_TAIL_Q, HEAVY_TAIL_Q - 1e-9))
    assert expected_value(at, [2], [40.0]) == pytest.approx(expected_value(below, [2], [40.0]))


def test_modified_a_one_time_buyer_fades_and_unmodified_he_lives_for_ever():
    age = np.array([0.0, 100.0, 1000.0])
    nothing = np.zeros(3)
    assert (probability_alive(make_dropout(first_may_drop=False), nothing, nothing, age) == 1.0).all()
    assert (np.diff(probability_alive(make_dropout(), nothing, nothing, age)) < 0).all()


def test_rows_in_another_order_are_the_same_shop():
    (repeats, last, age), _ = invented_customers(make_dropout(), 500, seed=1)
    shuffled = np.random.default_rng(2).permutation(500)
    assert fit_dropout(repeats, last, age) == fit_dropout(repeats[shuffled], last[shuffled], age[shuffled])
    value = 20.0 + age % 7
    assert fit_spend(repeats, value) == fit_spend(repeats[shuffled], value[shuffled])


def test_counting_customers_who_are_alike_changes_no_likelihood():
    (repeats, last, age), _ = invented_customers(make_dropout(), 2_000, seed=1)
    days = repeats, np.floor(last), np.floor(age)
    fitted = fit_dropout(*days)
    assert len(np.unique(np.column_stack(days), axis=0)) < 1_900
    assert fitted.log_likelihood == pytest.approx(log_likelihood(fitted, *days).sum())
    once, thrice = (fit_dropout(*(np.repeat(column, times) for column in days), ridge=0.0) for times in (1, 3))
    assert thrice.log_likelihood == pytest.approx(3 * once.log_likelihood)
    assert [thrice.r, thrice.alpha, thrice.a, thrice.b] == pytest.approx([once.r, once.alpha, once.a, once.b], rel=1e-4)


def test_weeks_and_days_make_the_same_model():
    (repeats, last, age), _ = invented_customers(make_dropout(), 1_000, seed=4)
    days, weeks = fit_dropout(repeats, last, age), fit_dropout(repeats, last / 7, age / 7)
    assert [weeks.r, weeks.alpha * 7, weeks.a, weeks.b] == pytest.approx([days.r, days.alpha, days.a, days.b], rel=1e-4)
    # A density in time: a week holds seven times what a day holds, once for each repeat.
    assert weeks.log_likelihood == pytest.approx(days.log_likelihood + repeats.sum() * np.log(7))


@both_variants
@pytest.mark.parametrize(
    "customers",
    [
        ([0], [0], [0]),
        ([0] * 50, [0] * 50, [0] * 50),
        ([0] * 300, [0] * 300, range(300)),
        ([1] * 40, [0] * 40, [0] * 40),
        ([4000], [4000], [4000]),
        ([10] * 99, [100] * 99, [100] * 99),
    ],
    ids=["one of today", "all of today", "nobody came back", "came back at once", "one for years", "all alike"],
)
def test_a_shop_that_says_next_to_nothing_still_gets_a_model(customers, first_may_drop):
    fitted = fit_dropout(*customers, first_may_drop=first_may_drop)
    assert fitted.converged
    assert np.isfinite(list(fitted.to_json().values())).all()
    assert np.isfinite(expected_orders(fitted, *customers, 365.0)).all()


def test_spenders_who_are_all_alike_still_get_a_model():
    fitted = fit_spend([1.0] * 30, [25.0] * 30)
    assert np.isfinite(list(fitted.to_json().values())).all()
    assert expected_value(fitted, [0, 3], [np.nan, 25.0]) == pytest.approx([25.0, 25.0], rel=0.01)


def test_a_search_that_is_cut_short_says_so(monkeypatch):
    hasty = partial(minimize, method="L-BFGS-B", jac=True)
    monkeypatch.setattr(
        "scipy.optimize.minimize",
        lambda loss, start, *, bounds, **_: hasty(loss, start, bounds=bounds, options={"maxiter": 1}),
    )
    customers, _ = invented_customers(make_dropout(), 200, seed=1)
    assert not fit_dropout(*customers).converged
    assert not fit_spend([1, 2, 3], [10.0, 20.0, 15.0]).converged


def test_a_model_survives_json():
    assert Dropout.from_json(json.loads(json.dumps(CDNOW.to_json()))) == CDNOW
    assert Spend.from_json(json.loads(json.dumps(CDNOW_SPEND.to_json()))) == CDNOW_SPEND
    customers, _ = invented_customers(make_dropout(), 200, seed=1)
    fitted = fit_dropout(*customers)
    assert Dropout.from_json(json.loads(json.dumps(fitted.to_json()))) == fitted


@pytest.mark.parametrize(
    ("repeats", "last", "age"),
    [
        ([], [], []),
        ([1, 2], [3], [4]),
        ([[1]], [[3]], [[4]]),
        ([-1], [0], [4]),
        ([1], [-3], [4]),
        ([1], [np.nan], [4]),
        ([1], [3], [np.inf]),
        ([1], [5], [4]),
        ([1.5], [3], [4]),
        ([0], [3], [4]),
    ],
)
def test_what_cannot_be_a_customer_is_refused(repeats, last, age):
    with pytest.raises(ValueError, match=r"customers|negative|beyond|whole"):
        fit_dropout(repeats, last, age)


def test_days_and_values_that_cannot_be_are_refused():
    for days in (-1.0, np.nan, [1.0, 2.0, 3.0]):
        for ask in (probability_of_none, expected_orders):
            with pytest.raises(ValueError, match=r"days|shape"):
                ask(CDNOW, *SOME, days)
    for repeats, value in ([1, 2], [3.0]), ([1], [-3.0]), ([1], [np.nan]), ([[1]], [[3.0]]):
        with pytest.raises(ValueError, match=r"shape|negative"):
            expected_value(CDNOW_SPEND, repeats, value)
    with pytest.raises(ValueError, match="nobody"):
        fit_spend([0, 2], [30.0, 0.0])


positive = st.floats(-8.0, 8.0).map(np.exp).map(float)
models = st.builds(
    make_dropout,
    r=positive,
    alpha=st.floats(-2.0, 14.0).map(np.exp).map(float),
    a=positive,
    b=positive,
    first_may_drop=st.booleans(),
)


@st.composite
def customers(draw):
    repeats = draw(st.integers(0, 10_000))
    age = draw(st.floats(0.0, 20_000.0))
    return [float(repeats)], [age * draw(st.floats(0.0, 1.0)) if repeats else 0.0], [age]


@given(models, customers(), st.lists(st.floats(0.0, 4_000.0), min_size=2, max_size=5).map(sorted))
@settings(deadline=None)
def test_probabilities_are_probabilities_and_more_days_bring_more_orders(model, customer, days):
    none = np.array([probability_of_none(model, *customer, ahead)[0] for ahead in days])
    orders = np.array([expected_orders(model, *customer, ahead)[0] for ahead in days])
    assert 0 <= probability_alive(model, *customer)[0] <= 1
    assert np.isfinite(log_likelihood(model, *customer)).all()
    assert ((none >= 0) & (none <= 1)).all()
    assert (np.diff(none) <= 1e-12).all()
    assert np.isfinite(orders).all()
    assert (orders >= 0).all()
    assert (np.diff(orders) >= -1e-6 * (1 + orders[1:])).all()
    # As many as P(at least one), at the least.
    assert (orders >= (1 - none) * (1 - 1e-6) - 1e-9).all()
    assert expected_orders(model, *customer, 0.0)[0] == 0
    assert probability_of_none(model, *customer, 0.0)[0] == 1


@given(
    models, st.integers(1, 1_000), st.floats(0.0, 5_000.0), st.lists(st.floats(0.0, 1.0), min_size=2, max_size=5).map(sorted)
)
@settings(deadline=None)
def test_who_was_here_more_recently_is_likelier_alive_and_to_come(model, repeats, age, shares):
    last = age * np.array(shares)
    same = np.full(len(last), float(repeats)), last, np.full(len(last), age)
    assert (np.diff(probability_alive(model, *same)) >= -1e-12).all()
    assert (np.diff(probability_of_none(model, *same, 30.0)) <= 1e-12).all()
    assert (np.diff(expected_orders(model, *same, 30.0)) >= -1e-9).all()


@given(models, st.lists(customers(), min_size=2, max_size=6), st.floats(0.0, 400.0))
@settings(deadline=None)
def test_a_customer_alone_gets_what_he_gets_among_others(model, several, days):
    together = tuple(np.concatenate([customer[part] for customer in several]) for part in range(3))
    for ask in (probability_of_none, expected_orders):
        alone = np.concatenate([ask(model, *customer, days) for customer in several])
        assert ask(model, *together, days) == pytest.approx(alone, rel=1e-12, abs=0)
        assert ask(model, *together, np.full(len(several), days)) == pytest.approx(alone, rel=1e-12, abs=0)


@given(
    st.builds(Spend, positive, positive, positive, st.floats(0.01, 1e5), st.booleans()),
    st.integers(0, 10_000),
    st.floats(0.0, 1e7),
)
def test_an_expected_value_lies_between_the_two_means(model, repeats, value):
    expected = expected_value(model, [repeats], [value])[0]
    if repeats == 0:
        assert expected == model.population_mean
    else:
        between = sorted([value, model.population_mean])
        assert between[0] * (1 - 1e-9) <= expected <= between[1] * (1 + 1e-9)
