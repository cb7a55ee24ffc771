"""Lapse risk and the next order, both in a customer's own rhythm."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictions.maths.churn_features import GAP_PRIOR
from predictions.maths.occasions import Occasions

HORIZONS = (30, 90, 180)
"""Days. A customer's own horizon is the smallest that is at least twice his usual gap, 180 if none is."""
LEVELS = (("critical", 0.7), ("high", 0.5), ("medium", 0.3), ("low", 0.0))
"""Names with their lower edge, which belongs to them."""
# A range for the next order: of the orders that came after so long a wait, three of five came within it.
EARLIEST, LATEST = 0.2, 0.8
_KEPT, _LEAST_GAPS, _LEAST_LONGER = 1_000, 50, 10


def own_horizon(gap_days: NDArray[np.float64]) -> NDArray[np.int64]:
    """Each customer's horizon in days; shape (n,)."""
    return np.where(2 * gap_days <= HORIZONS[0], HORIZONS[0], np.where(2 * gap_days <= HORIZONS[1], HORIZONS[1], HORIZONS[2]))


def level(probability: float) -> str:
    """The risk level of a probability: ``critical`` from 0.7, ``high`` from 0.5, ``medium`` from 0.3, else ``low``."""
    return next(name for name, edge in LEVELS if probability >= edge)


def level_places(probability: NDArray[np.float64]) -> NDArray[np.int64]:
    """The level of each probability as its place in `LEVELS`; shape as `probability`."""
    places: NDArray[np.int64] = np.sum([probability < edge for _, edge in LEVELS], axis=0, dtype=np.int64)
    return places


def none_within(survival: Mapping[int, NDArray[np.float64]], days: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of no order within a number of days of each customer's own; shape (n,).

    Between the horizons that a model answers for, and today when it is 1, orders are taken to come evenly: the log of the
    probability is linear. Beyond the longest horizon it goes on as in its last stretch.

    Parameters
    ----------
    survival : mapping
        Horizon in days to the probability of no order within it, shape (n,), falling with the horizon.
    days : array of shape (n,)
        From 0.
    """
    knots = [0, *sorted(survival)]
    logs = [np.zeros(len(days)), *(np.log(np.clip(survival[knot], 1e-12, 1.0)) for knot in knots[1:])]
    answer = np.zeros(len(days))
    for at in range(len(knots) - 1):
        begin, end = knots[at], knots[at + 1]
        slope = (logs[at + 1] - logs[at]) / (end - begin)
        here = days >= begin
        answer[here] = (logs[at] + slope * (days - begin))[here]
    return np.exp(answer)


def lapsing_within(
    survival: Mapping[int, NDArray[np.float64]],
    recency_days: NDArray[np.float64],
    horizon_days: NDArray[np.int64],
    days: int,
) -> NDArray[np.float64]:
    """The probability that a customer becomes lapsed within `days`; 0 for who is lapsed already or cannot be by then.

    Lapsed is who waits longer than his own horizon, so an active customer is on the day after it has run out without an order.
    Cumulative: more days never give less. Shape (n,).
    """
    left = horizon_days - recency_days + 1.0
    runs_out = (left >= 1.0) & (left <= days)
    return np.where(runs_out, none_within(survival, np.maximum(left, 0.0)), 0.0)


@dataclass(frozen=True, eq=False)
class Waits:
    """How long customers waited for the order that came, in usual gaps of their own: `ratios` ascending, at most 1,000."""

    ratios: NDArray[np.float64]

    @classmethod
    def of(cls, occasions: Occasions, day: int, usual_gap_days: float) -> "Waits":
        """From all gaps up to `day` that ended with an order, each against the usual gap as it was known before it."""
        counts = occasions.counts(day)
        begin = occasions.starts[:-1]
        rows = np.flatnonzero(counts > 1)
        sizes = counts[rows] - 1
        number = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # gaps known before, from 0
        at = np.repeat(begin[rows], sizes) + number + 1
        known = occasions.day[at - 1] - np.repeat(occasions.day[begin[rows]], sizes)
        usual = (known + GAP_PRIOR * usual_gap_days) / (number + GAP_PRIOR)
        ratios = np.sort((occasions.day[at] - occasions.day[at - 1]) / np.maximum(usual, 1.0))
        if len(ratios) > _KEPT:
            ratios = np.quantile(ratios, np.linspace(0, 1, _KEPT))
        return cls(ratios)

    def expected_next(
        self, recency_days: NDArray[np.float64], gap_days: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Days from now to the earliest and the latest likely next order, if one comes; NaN after a wait as long as none."""
        waited = recency_days / np.maximum(gap_days, 1.0)
        size = len(self.ratios)
        shorter = np.searchsorted(self.ratios, waited, side="right")
        longer = size - shorter
        known = (longer >= _LEAST_LONGER) & (size >= _LEAST_GAPS)
        ends = []
        for share in (EARLIEST, LATEST):
            at = np.minimum(shorter + share * np.maximum(longer - 1, 0), max(size - 1, 0))
            ratio = np.interp(at, np.arange(size), self.ratios) if size else np.zeros(len(waited))
            ends.append(np.where(known, np.maximum(ratio * gap_days - recency_days, 0.0), np.nan))
        return ends[0], ends[1]
