"""Scores kept from one day, small enough to keep for years, and what then happened to the customers they were given to."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictions.maths.judging import Outcome
from predictions.maths.lapse import HORIZONS
from predictions.maths.occasions import Occasions

CHURN = "churn"


@dataclass(frozen=True, eq=False)
class Remembered:
    """Everybody's scores of one day; arrays of shape (n,), by ascending `customer_ids`. About 18 bytes a customer."""

    customer_ids: NDArray[np.int64]
    churn: NDArray[np.float32]
    lapse: NDArray[np.float32]
    horizon_days: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.customer_ids)

    def to_bytes(self) -> bytes:
        """All of it, packed."""
        stream = io.BytesIO()
        np.savez_compressed(stream, **self.__dict__)
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Remembered":
        """The inverse of `to_bytes`; never unpickles."""
        with np.load(io.BytesIO(stored), allow_pickle=False) as kept:
            return cls(kept["customer_ids"], kept["churn"], kept["lapse"], kept["horizon_days"])


def lapse_of(days: int) -> str:
    """The name of the outcome of lapse risk over a horizon."""
    return f"lapse-{days}"


def names_of_outcomes() -> tuple[str, ...]:
    """All that can be told of one day, in the order in which it becomes known."""
    return (CHURN, *(lapse_of(days) for days in HORIZONS))


def outcomes(scores: Remembered, occasions: Occasions, day: int, today: int, churn_days: int) -> dict[str, Outcome]:
    """What can be told by the end of `today` of scores given at the end of `day`.

    Churn is judged over everybody once its horizon has passed, lapse risk over the customers of each horizon once that has.
    Customers who are no longer there are left out.
    """
    at = np.searchsorted(occasions.customer_ids, scores.customer_ids)
    at[at == len(occasions)] = 0
    there = occasions.customer_ids[at] == scores.customer_ids if len(occasions) else np.zeros(len(at), dtype=bool)
    before = occasions.counts(day)

    def none_within(days: int, who: NDArray[np.bool_]) -> NDArray[np.bool_]:
        none: NDArray[np.bool_] = (occasions.counts(day + days) == before)[at[who]]
        return none

    told: dict[str, Outcome] = {}
    if day + churn_days <= today:
        told[CHURN] = Outcome.of(scores.churn[there].astype(np.float64), none_within(churn_days, there))
    for days in HORIZONS:
        if day + days <= today:
            who = there & (scores.horizon_days == days)
            told[lapse_of(days)] = Outcome.of(scores.lapse[who].astype(np.float64), none_within(days, who))
    return told
