"""Why one customer's lapse risk is what it is: parts of the score, which add up to it.

Two steps, as one would tell it. First the customer on the day of the last order, against a few customers of the shop that are
frozen in the model: from each of them to this one, inputs are exchanged group by group, and a group's part is what its exchange
changes on average, over all orders in which the groups can come (Shapley values). Then the wait since that day: what it has
added to the score, everything else worked out anew as the days went by. So a long wait of somebody who comes often reads as
what it is, though the shop's average customer has been away for longer.

All that follows from the inputs, what the model of ordering says among it, is worked out for every mixture, so that a mixture
is somebody who could be. That also makes the part of a group that a model does not look at exactly nothing.

Source: Lundberg, Lee 2017, "A unified approach to interpreting model predictions"; Janzing, Minorics, Blöbaum 2020, "Feature
relevance quantification in explainable AI: a causal problem", for exchanging inputs without conditioning.
"""

from dataclasses import dataclass
from functools import cache
from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from predictions.maths.churn_features import RAW, WINDOWS, raw, rhythm
from predictions.maths.lapse import own_horizon
from predictions.maths.occasions import Occasions
from predictions.maths.scoring import FittedPredictions, log_odds_of_none
from predictions.maths.windows import Window

GROUPS: dict[str, tuple[str, ...]] = {
    "rhythm": (
        "recency_days", "repeats", "active_span_days", "usual_gap_days", "last_gap_days", "gap_spread",
        *(f"orders_{window}d" for window in WINDOWS), "orders_year_before",
    ),
    "value": ("average_value", "last_value", "spend_90d", "spend_365d"),
    "season": ("season_last_year", "lull_last_year"),
}  # fmt: skip
"""Every column of `churn_features.RAW`, once. On the day of the last order nobody has waited: recency is of the rhythm."""
WAIT = "wait"
LAST_GAPS = 3
_SEASON = [RAW.index(name) for name in GROUPS["season"]]


@dataclass(frozen=True)
class Explanation:
    """One customer's lapse risk in parts: `base` and the contributions of `parts` (group, contribution) add up to `score`.

    `base` is the mean score of the background at this customer's horizon; `parts` are those of `GROUPS`, and last `WAIT`. The
    rest is what words are made of: `last_gaps_days` are up to three, the newest last; `active_span_days` run from the first
    purchase to the last, `age_days` to the day; `bought_these_days_last_year` is whether a purchase fell into the
    `horizon_days` after the same day a year before. Orders of one day are one purchase.
    """

    score: float
    horizon_days: int
    base: float
    parts: tuple[tuple[str, float], ...]
    recency_days: int
    usual_gap_days: float
    repeats: int
    active_span_days: int
    age_days: int
    last_gaps_days: tuple[int, ...]
    average_value: float
    shop_average_value: float
    bought_these_days_last_year: bool


def explain(model: FittedPredictions, occasions: Occasions, today: int) -> Explanation | None:
    """The lapse risk that `scoring.score` gives one customer at the end of `today`, in parts.

    Parameters
    ----------
    occasions : Occasions
        Of one customer; what is after `today` is not looked at.

    Returns
    -------
    Explanation or None
        None for a version that was fitted before backgrounds were kept. About 3 ms for each horizon with trees up to the
        customer's own.

    Raises
    ------
    ValueError
        Unless exactly one customer has bought by the end of `today`.
    """
    occasions = occasions.until(today)
    known = rhythm(occasions, today, model.usual_gap_days)
    if len(known) != 1:
        raise ValueError(f"one customer at a time is explained, and {len(known)} have bought by then")
    if model.background is None:
        return None
    horizon = int(own_horizon(known.gap_days)[0])
    window = Window(occasions, known, model.dropout)
    now = {days: window.raw(days) for days in model.choices if days <= horizon}
    score = float(_lapse(model, window, horizon)[0])
    values = _values(model, _on_the_last_day(model, occasions, now), horizon)
    contributions = shapley_weights(len(GROUPS)) @ values
    facts = dict(zip(RAW, now[horizon][0].tolist(), strict=True))
    return Explanation(
        score=score,
        horizon_days=horizon,
        base=float(values[0]),
        parts=(*zip(GROUPS, contributions.tolist(), strict=True), (WAIT, score - float(values[-1]))),
        recency_days=int(facts["recency_days"]),
        usual_gap_days=facts["usual_gap_days"],
        repeats=int(facts["repeats"]),
        active_span_days=int(facts["active_span_days"]),
        age_days=int(known.age[0]),
        last_gaps_days=tuple(np.diff(occasions.day[-LAST_GAPS - 1 :]).tolist()),
        average_value=facts["average_value"],
        shop_average_value=model.background.average_value,
        bought_these_days_last_year=facts["season_last_year"] > 0,
    )


def _on_the_last_day(
    model: FittedPredictions, occasions: Occasions, now: dict[int, NDArray[np.float64]]
) -> dict[int, NDArray[np.float64]]:
    """The rows of `now` as they were on the day of the last purchase, but for last year's season, which is that of today."""
    day = int(occasions.day[-1])
    known = rhythm(occasions, day, model.usual_gap_days)
    rows = {days: raw(occasions, known, days) for days in now}
    for days, row in rows.items():
        row[:, _SEASON] = now[days][:, _SEASON]
    return rows


def _values(model: FittedPredictions, own: dict[int, NDArray[np.float64]], horizon: int) -> NDArray[np.float64]:
    """The mean score of the background for each set of groups exchanged for the customer's own; shape (2 ** groups,).

    A set is the number whose bits are its groups.
    """
    assert model.background is not None  # noqa: S101
    sets = np.arange(2 ** len(GROUPS))[:, None]
    group_of = np.array([next(at for at, names in enumerate(GROUPS.values()) if name in names) for name in RAW])
    is_own = (sets >> group_of & 1).astype(bool)[:, None, :]
    others = {days: model.background.rows[days] for days in own}

    # Where a customer of the background has the same inputs in a group, its exchange changes nothing and is not asked about.
    alike = np.all([row == others[days] for days, row in own.items()], axis=0)
    idle = sum(alike[:, group_of == at].all(axis=1).astype(np.int64) << at for at in range(len(GROUPS)))
    smallest = sets & ~idle
    asked = smallest == sets
    told = {days: np.where(is_own, row[0], others[days])[asked] for days, row in own.items()}
    scores = np.empty(asked.shape)
    scores[asked] = _lapse(model, Window.of_told(told, model.dropout), horizon)
    values: NDArray[np.float64] = scores[smallest, np.arange(scores.shape[1])].mean(axis=1)
    return values


def _lapse(model: FittedPredictions, window: Window, horizon: int) -> NDArray[np.float64]:
    """The probability of no order within `horizon` days; shape (n,)."""
    probability: NDArray[np.float64] = expit(log_odds_of_none(model, window, horizon)[horizon])
    return probability


@cache
def shapley_weights(groups: int) -> NDArray[np.float64]:
    """The weight of the value of each set in each group's contribution; shape (groups, 2 ** groups), bits of a set its groups.

    Shapley 1953, "A value for n-person games".
    """
    weights = np.zeros((groups, 2**groups))
    for group in range(groups):
        for others in range(2**groups):
            if not others >> group & 1:
                size = others.bit_count()
                weight = factorial(size) * factorial(groups - size - 1) / factorial(groups)
                weights[group, others | 1 << group] += weight
                weights[group, others] -= weight
    return weights
