"""Expected orders and what they bring: MBG/NBD for how many, Gamma-Gamma for how much, corrected where the past says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, log_expit, nbdtrik

from predictions.maths.buy_till_you_die import (
    Spend,
    expected_orders,
    expected_value,
    fit_spend,
    probability_alive,
)
from predictions.maths.churn import TEST_WINDOWS, Choice, look_back
from predictions.maths.churn_features import YEAR, Rhythm
from predictions.maths.windows import MOST_FITTED, Past, Window, log_odds

Correction = Literal["none", "latest", "season", "year"]
CORRECTIONS: tuple[Correction, ...] = ("none", "latest", "season", "year")
HORIZONS = (30, 90, 180, 365)
JUDGED_DAYS = 90
LOW, HIGH = 0.1, 0.9
# A correction is taken over in part only: the windows overlap and are hardly more than one sample. And it has to bring the sums
# so much closer, in log terms.
_TRUST, WORTH = 1 / 3, 0.01
_FURTHEST = (0.5, 2.0)
_FEW_ORDERS = 32
KEPT_PRIOR = 2.0
# How far the chosen model of churn may move what the model of ordering expects of a customer.
_RELATIVE = (0.05, 20.0)


@dataclass(frozen=True, eq=False)
class Forecast:
    """What customers will order in the next days, by horizon in days; each array of shape (n,).

    `orders` is an expectation; `value` what those orders bring, `low` and `high` a range that four of five customers end in.
    """

    orders: dict[int, NDArray[np.float64]]
    value: dict[int, NDArray[np.float64]]
    low: dict[int, NDArray[np.float64]]
    high: dict[int, NDArray[np.float64]]


@dataclass(frozen=True)
class Level:
    """The correction of expected orders, by which they are multiplied, and its evidence.

    `errors` are ``came / expected - 1`` of 90-day value with the correction as it would have been, the newest first.
    """

    shift: Correction
    factor: float
    errors: tuple[float, ...]


def spend_model(known: Rhythm, seed: int) -> Spend | None:
    """The model of what an order is worth; None if nobody came twice with money."""
    again = np.flatnonzero((known.repeats > 0) & (known.mean_value > 0))
    if not len(again):
        return None
    if len(again) > MOST_FITTED:
        again = np.sort(np.random.default_rng([seed, known.day]).choice(again, MOST_FITTED, replace=False))
    return fit_spend(known.repeats[again] + 1, known.mean_value[again])


def own_kept_share(
    spent: NDArray[np.float64], refunded: NDArray[np.float64], shop_share: float, usual_order: float
) -> NDArray[np.float64]:
    """The share of what each customer pays that is not refunded, drawn towards the shop's by `KEPT_PRIOR` usual orders; (n,).

    Who sent back one huge order would else be worth as much as if it had been kept.
    """
    prior = KEPT_PRIOR * usual_order
    kept = (spent - refunded + prior * shop_share) / np.maximum(spent + prior, 1e-9)
    share: NDArray[np.float64] = np.clip(kept, 0.0, 1.0)
    return share


def value_of_an_order(spend: Spend | None, known: Rhythm) -> NDArray[np.float64]:
    """What the next order of each customer is worth; the own mean where no model could be fitted."""
    if spend is None:
        return known.mean_value
    return expected_value(spend, known.repeats + 1, known.mean_value)


def forecast(
    window: Window,
    spend: Spend | None,
    churn_log_odds: Mapping[int, NDArray[np.float64]],
    *,
    factor: float,
    kept_share: float | NDArray[np.float64],
) -> Forecast:
    """The forecast for the customers of a window.

    Parameters
    ----------
    churn_log_odds : mapping
        Days to log odds of no purchase, shape (n,), by the chosen model: where it differs from the model of ordering, expected
        orders follow it. Beyond its longest horizon its factor stays.
    factor : float
        The level that the past asks for.
    kept_share : float or array of shape (n,)
        The share of revenue that is not refunded.
    """
    worth = value_of_an_order(spend, window.known) * kept_share
    orders = _expected(window, churn_log_odds, HORIZONS)
    value: dict[int, NDArray[np.float64]] = {}
    low, high = dict(value), dict(value)
    for days in HORIZONS:
        orders[days] = orders[days] * factor
        fewest, most = _range_of_orders(window, orders[days])
        value[days] = orders[days] * worth
        # Nine of ten who rarely order at all order nothing: a range holds what is expected all the same.
        low[days], high[days] = np.minimum(fewest * worth, value[days]), np.maximum(most * worth, value[days])
    return Forecast(orders, value, low, high)


def _expected(
    window: Window, churn_log_odds: Mapping[int, NDArray[np.float64]], horizons: Sequence[int]
) -> dict[int, NDArray[np.float64]]:
    """Expected orders by days ahead, ascending, as they would be if the past asked for no correction of their level."""
    known, dropout = window.known, window.dropout
    orders: dict[int, NDArray[np.float64]] = {}
    relative = np.ones(len(known))
    for days in horizons:
        if days in churn_log_odds:
            # By rates and not by chances: who will surely come may still come twice as often, and brings most of the revenue.
            plain = np.minimum(log_expit(window.log_odds_of_none(days)), -1e-9)
            relative = np.clip(log_expit(churn_log_odds[days]) / plain, *_RELATIVE)
        expected = expected_orders(dropout, known.repeats, known.last, known.age, float(days)) * relative
        if orders:  # more days cannot bring fewer orders, though each horizon has a model of its own
            expected = np.maximum(expected, next(reversed(orders.values())))
        orders[days] = expected
    return orders


def level(past: Past, choices: Mapping[int, Choice]) -> Level:
    """Whether expected orders were too many or too few on the last windows, and how far off they end up in sum.

    For each of the last windows the models are fitted on what was known by then, with the shift that the choice of churn would
    have given them: what is corrected here is what that leaves. Four corrections are tried: none, and a third (in log terms) of
    what the window before was off by, of that with last year's change between the same two windows, and of what the same window
    a year ago was off by. The one is kept whose sums came closest, if it came closer than none by `WORTH`.
    """
    choice = choices.get(JUDGED_DAYS)
    off: dict[int, float | None] = {}

    def off_by(day: int) -> float | None:
        if day not in off:
            window = past.window(day)
            off[day] = _came_over_expected(past, window, choice) if window is not None else None
        return off[day]

    def factor(correction: Correction, day: int) -> float | None:
        if correction == "none":
            return 1.0
        latest = 1.0 if correction == "year" else off_by(day - JUDGED_DAYS)
        then = 1.0 if correction == "latest" else off_by(day - YEAR)
        then_before = off_by(day - YEAR - JUDGED_DAYS) if correction == "season" else 1.0
        return _believed(latest * then / then_before) if latest and then and then_before else None

    days = [window.day for window in past.before(past.today, JUDGED_DAYS, TEST_WINDOWS)]
    came = {day: ratio for day in days if (ratio := off_by(day)) is not None}
    if not came:
        return Level("none", 1.0, ())
    errors: dict[Correction, list[float]] = {}
    for correction in CORRECTIONS:
        factors = [factor(correction, day) for day in came]
        if factor(correction, past.today) is not None and None not in factors:
            errors[correction] = [ratio / (by or 1.0) - 1.0 for ratio, by in zip(came.values(), factors, strict=True)]
    distance = {correction: float(np.mean(np.abs(np.log1p(off)))) for correction, off in errors.items()}
    best = min(distance, key=lambda correction: distance[correction] + (WORTH if correction != "none" else 0.0))
    return Level(best, factor(best, past.today) or 1.0, tuple(errors[best]))


def _came_over_expected(past: Past, window: Window, choice: Choice | None) -> float | None:
    """The value that came in the 90 days after a window over what would have been expected then."""
    odds: dict[int, NDArray[np.float64]] = {}
    if choice is not None and (choice.answerer.kind != "ordering" or choice.shift != "none"):
        look = look_back(past, window, JUDGED_DAYS, choice.kinds)
        pair = choice.answerer.kind, choice.shift
        if look is not None and choice.answerer.kind in look.answers:
            odds = {JUDGED_DAYS: look.log_odds(*pair) if pair in look.shifts else look.answers[choice.answerer.kind]}
    known = window.known
    orders = _expected(window, odds, [days for days in HORIZONS if days <= JUDGED_DAYS])[JUDGED_DAYS]
    expected = float((orders * value_of_an_order(spend_model(known, past.seed), known)).sum())
    after, before = (past.occasions.spent(past.occasions.counts(day)) for day in (window.day + JUDGED_DAYS, window.day))
    came = float((after - before)[known.place].sum())
    return came / expected if came > 0 and expected > 0 else None


def _believed(ratio: float) -> float:
    return _within(ratio**_TRUST)


def _within(factor: float) -> float:
    return float(np.clip(factor, *_FURTHEST))


def _range_of_orders(window: Window, expected: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The tenth and ninetieth percentile of how many orders come: none if gone, else negative binomial around the rate."""
    known, dropout = window.known, window.dropout
    alive = np.clip(probability_alive(dropout, known.repeats, known.last, known.age), 1e-6, 1.0)
    shape = dropout.r + known.repeats
    mean = np.maximum(expected / alive, 1e-12)
    chance = shape / (shape + mean)

    def quantile(share: float) -> NDArray[np.float64]:
        return _number_at((share - (1 - alive)) / alive, shape, chance)

    return quantile(LOW), quantile(HIGH)


def _number_at(share: NDArray[np.float64], shape: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smallest number of which a negative binomial distribution holds at least `share` up to it; 0 for a share below 0.

    Most customers are few orders from nothing: these are added up one by one, the others by scipy's special functions, which
    are slow (and its `stats`, which has the same in one call, takes two seconds to import).
    """
    number = np.zeros(len(share))
    which = np.flatnonzero(share > 0)
    share, shape, chance = np.minimum(share[which], 1 - 1e-9), shape[which], chance[which]
    here = chance**shape
    so_far = here.copy()
    for count in range(_FEW_ORDERS):
        beyond = so_far < share
        which, share, shape, chance = which[beyond], share[beyond], shape[beyond], chance[beyond]
        if not len(which):
            return number
        here = here[beyond] * (shape + count) / (count + 1) * (1 - chance)
        so_far = so_far[beyond] + here
        number[which] = count + 1
    rest = so_far < share
    which, share, shape, chance = which[rest], share[rest], shape[rest], chance[rest]
    upper = np.ceil(nbdtrik(share, shape, chance))
    is_one_less = (upper > 0) & (betainc(shape, upper, chance) >= share)  # the inverse may end just above a whole number
    number[which] = upper - is_one_less
    return number


__all__ = ["HORIZONS", "Forecast", "Level", "forecast", "level", "log_odds", "spend_model", "value_of_an_order"]
