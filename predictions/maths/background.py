"""Customers against whom one is explained: a few of the shop's own, chosen at the fit and kept with the model."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictions.maths.churn_features import RAW, Rhythm, raw, rhythm
from predictions.maths.occasions import Occasions

MOST = 64
_SEASON = [RAW.index("season_last_year"), RAW.index("lull_last_year")]


@dataclass(frozen=True, eq=False)
class Background:
    """Rows of `churn_features.raw` by days ahead, each of shape (m, len(RAW)), and what an order is worth in this shop.

    The rows name nobody, and are the same but for last year's season, which depends on how far ahead one looks.
    """

    rows: Mapping[int, NDArray[np.float64]]
    average_value: float

    def to_json(self) -> dict[str, Any]:
        """Plain values, without loss: one table, and of every other only the columns of the season."""
        table = self.rows[min(self.rows)]
        return {
            "table": table.tolist(),
            "season": {str(days): rows[:, _SEASON].tolist() for days, rows in self.rows.items()},
            "average_value": self.average_value,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Background":
        """The inverse of `to_json`."""
        rows = {}
        for days, season in stored["season"].items():
            table = np.array(stored["table"], dtype=np.float64)
            table[:, _SEASON] = season
            rows[int(days)] = table
        return cls(rows, float(stored["average_value"]))


def background(occasions: Occasions, known: Rhythm, usual_gap_days: float, horizons: Iterable[int], *, seed: int) -> Background:
    """A seeded sample of up to 64 of the customers of `known`, looked at as on its day.

    Parameters
    ----------
    known : Rhythm
        At least one customer.
    usual_gap_days : float
        The population's.
    horizons : iterable of int
        Days ahead that models are asked about.
    """
    chosen = np.arange(len(known))
    if len(chosen) > MOST:
        chosen = np.sort(np.random.default_rng([seed, known.day]).choice(chosen, MOST, replace=False))
    some = occasions.of(known.place[chosen])
    look = rhythm(some, known.day, usual_gap_days)
    orders = float((known.repeats + 1).sum())
    return Background({days: raw(some, look, days) for days in horizons}, float(known.spent.sum()) / orders)
