"""What is known of a customer's rhythm on a day of the past, as one row of numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictions.maths.occasions import Occasions

YEAR = 365
# Own gaps are pulled towards the population's by this many gaps of the usual length.
GAP_PRIOR = 2.0
WINDOWS = (30, 60, 90, 180, 365)
_LONGEST_GAP = 3 * YEAR

RAW = (
    "recency_days",
    "repeats",
    "active_span_days",
    "usual_gap_days",
    "last_gap_days",
    "gap_spread",
    *(f"orders_{window}d" for window in WINDOWS),
    "orders_year_before",
    "average_value",
    "last_value",
    "spend_90d",
    "spend_365d",
    "season_last_year",
    "lull_last_year",
)
"""What is read off a customer's occasions, each in its own unit; all else follows from these."""

NAMES = (
    "repeats",
    "recency_days",
    "age_days",
    "active_span_days",
    "usual_gap_days",
    "overdue_ratio",
    "last_gap_days",
    "gap_spread",
    *(f"orders_{window}d" for window in WINDOWS),
    "orders_year_before",
    "trend",
    "average_value",
    "last_value",
    "spend_90d",
    "spend_365d",
    "season_last_year",
    "lull_last_year",
)
"""The columns that models see, heavy tails as log1p."""


@dataclass(frozen=True, eq=False)
class Rhythm:
    """Who had bought by the end of `day`, and how; arrays of shape (n,) for these n customers.

    `place` is the customer's place among all; `repeats` the occasions after the first, `last` and `age` days from the first
    occasion to the last and to `day`; `gap_days` the usual days between occasions, shrunk to the population's.
    """

    day: int
    place: NDArray[np.int64]
    repeats: NDArray[np.float64]
    last: NDArray[np.float64]
    age: NDArray[np.float64]
    spent: NDArray[np.float64]
    gap_days: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.place)

    @property
    def recency_days(self) -> NDArray[np.float64]:
        """Days since the last occasion."""
        return self.age - self.last

    @property
    def mean_value(self) -> NDArray[np.float64]:
        """What an occasion was worth on average."""
        return self.spent / (self.repeats + 1.0)


def population_gap(occasions: Occasions, day: int) -> float:
    """The mean of the days between occasions up to `day`, in log terms; half a year where nobody came twice."""
    counts = occasions.counts(day)
    again = counts > 1
    if not again.any():
        return YEAR / 2
    total, _ = occasions.gaps(counts)
    return float(np.exp(np.mean(np.log(total[again] / (counts[again] - 1)))))


def rhythm(occasions: Occasions, day: int, usual_gap_days: float) -> Rhythm:
    """Who had bought by `day`, and how often; `usual_gap_days` is the population's.

    A usual gap is ``(k * own mean gap + 2 * population's) / (k + 2)`` with k the number of own gaps.
    """
    counts = occasions.counts(day)
    place = np.flatnonzero(counts > 0)
    k = counts[place]
    first = occasions.day[occasions.starts[:-1][place]]
    latest = occasions.day[occasions.starts[:-1][place] + k - 1]
    spent = occasions.spent(counts)[place]
    own = (latest - first).astype(np.float64)
    gap_days = (own + GAP_PRIOR * usual_gap_days) / (k - 1 + GAP_PRIOR)
    return Rhythm(day, place, (k - 1).astype(np.float64), own, (day - first).astype(np.float64), spent, gap_days)


def raw(occasions: Occasions, known: Rhythm, days: int) -> NDArray[np.float64]:
    """One row for each customer of `known`, in the columns of `RAW`.

    Parameters
    ----------
    occasions : Occasions
        Of everybody; what is after `known.day` is not looked at.
    days : int
        How far ahead the question looks: the same days a year before are a feature of their own.

    Returns
    -------
    array of shape (n, len(RAW)), float64, column by column
        Finite. About 0.08 s for 94,000 customers with 1.2 million orders.
    """
    day, place = known.day, known.place
    counts = occasions.counts(day)
    k = counts[place]
    begin = occasions.starts[:-1][place]
    gap_sum, gap_squares = (each[place] for each in occasions.gaps(counts))
    gaps = np.maximum(k - 1, 1)
    spread = np.sqrt(np.maximum(gap_squares / gaps - (gap_sum / gaps) ** 2, 0.0)) / np.maximum(gap_sum / gaps, 1.0)
    last_at = begin + k - 1
    before_at = begin + np.maximum(k - 2, 0)
    last_gap = np.where(k > 1, occasions.day[last_at] - occasions.day[before_at], _LONGEST_GAP)

    so_far = {window: occasions.counts(day - window) for window in (*WINDOWS, 2 * YEAR)}
    spent_before = {window: occasions.spent(so_far[window])[place] for window in (90, YEAR)}
    last_year = day - YEAR
    season = (occasions.counts(min(last_year + days, day)) - occasions.counts(last_year))[place]
    lull = (occasions.counts(last_year) - occasions.counts(last_year - days))[place]
    columns = (
        known.recency_days,
        known.repeats,
        known.last,
        known.gap_days,
        last_gap,
        spread,
        *(k - so_far[window][place] for window in WINDOWS),
        so_far[YEAR][place] - so_far[2 * YEAR][place],
        known.mean_value,
        occasions.value[last_at],
        known.spent - spent_before[90],
        known.spent - spent_before[YEAR],
        season,
        lull,
    )
    table = np.empty((len(known), len(RAW)), order="F")
    for at, column in enumerate(columns):
        table[:, at] = column
    return table


def features_of(table: NDArray[np.float64]) -> NDArray[np.float32]:
    """The columns of `NAMES` for rows of `raw`; shape (n, len(NAMES)). About 0.02 s for 94,000 customers."""
    of = dict(zip(RAW, table.T, strict=True))
    derived = {
        "age_days": of["recency_days"] + of["active_span_days"],
        "overdue_ratio": of["recency_days"] / np.maximum(of["usual_gap_days"], 1.0),
        "trend": of["orders_90d"] - of["orders_365d"] / 4.0,
    }
    columns = np.empty((len(table), len(NAMES)), dtype=np.float32)
    for at, name in enumerate(NAMES):
        column = derived[name] if name in derived else of[name]
        columns[:, at] = column if name == "trend" else np.log1p(np.maximum(column, 0.0))
    return columns


def features(occasions: Occasions, known: Rhythm, days: int) -> NDArray[np.float32]:
    """Of each customer of `known`, `features_of` what is `raw`; shape (n, len(NAMES)), finite."""
    return features_of(raw(occasions, known, days))


def none_within(occasions: Occasions, known: Rhythm, days: int) -> NDArray[np.bool_]:
    """Whether each customer bought nothing in the `days` days after `known.day`."""
    is_none: NDArray[np.bool_] = occasions.counts(known.day + days) == occasions.counts(known.day)
    return is_none[known.place]
