"""Histories -> counts -> features: what each customer did, before any model judges it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from segmentation.axes import AXES
from segmentation.maths.counting import Column
from segmentation.maths.history import History
from segmentation.maths.priors import STRENGTH, Priors
from segmentation.maths.product_features import product_counts, product_features
from segmentation.maths.product_levels import ProductLevels, learn_levels
from segmentation.maths.purchase_features import purchase_counts, purchase_features
from segmentation.maths.support_features import support_counts, support_features

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, eq=False)
class Observations:
    """Raw counts of some customers on one day.

    Attributes
    ----------
    customer_ids : int64 array of shape (n_customers,)
    counts : mapping from name to float64 array of shape (n_customers,)
    levels : ProductLevels
        By which the lines were judged; a model scores only what was observed with its own.
    today : int
        The shop's local day, as days since 1970-01-01.
    """

    customer_ids: NDArray[np.int64]
    counts: Mapping[str, Column]
    levels: ProductLevels
    today: int

    def __len__(self) -> int:
        return len(self.customer_ids)

    def take(self, rows: NDArray[np.integer]) -> "Observations":
        """Some of the customers, in the order of `rows`."""
        return Observations(
            self.customer_ids[rows], {name: column[rows] for name, column in self.counts.items()}, self.levels, self.today
        )

    @classmethod
    def concat(cls, parts: Sequence["Observations"]) -> "Observations":
        """Parts of the population as one; `ValueError` if there is none, or if they differ in day or product levels."""
        if not parts:
            raise ValueError("there is nothing to put together")
        first = parts[0]
        if any(part.today != first.today or part.levels != first.levels for part in parts):
            raise ValueError("parts must be observed on the same day with the same product levels")
        if len(parts) == 1:
            return first
        return cls(
            np.concatenate([part.customer_ids for part in parts]),
            {name: np.concatenate([part.counts[name] for part in parts]) for name in first.counts},
            first.levels,
            first.today,
        )


def observe(history: History, as_of: datetime, *, levels: ProductLevels | None = None) -> Observations:
    """Count what each customer of a history did.

    Parameters
    ----------
    history : History
        Read with the same clock.
    as_of : datetime
        Aware, in the shop's zone: its date is the day from which recency and ages are counted.
    levels : ProductLevels, optional
        Those of the model that shall score (`model.levels`), or of the first part where a population is observed in parts.
        Learnt from this history if not given.

    Returns
    -------
    Observations
        About 2 s and 300 MB for 1.2 million orders with 2.9 million lines. Customers may be observed in parts.

    Raises
    ------
    ValueError
        If `as_of` is naive, an order is dated after it, or orders or lines are not sorted.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    customer, placed_at = np.asarray(history.orders["customer"]), np.asarray(history.orders["placed_at"])
    if len(placed_at) and placed_at.max() > as_of.timestamp():
        raise ValueError("the history holds orders dated after as_of; read it with the same clock")
    if (np.diff(customer) < 0).any() or (np.diff(np.asarray(history.lines["order"])) < 0).any():
        raise ValueError("orders must be sorted by customer and time, lines by order")
    today = (as_of.date() - _EPOCH).days
    levels = learn_levels(history) if levels is None else levels
    counts = purchase_counts(history, today) | product_counts(history, levels) | support_counts(history)
    return Observations(history.customer_ids, counts, levels, today)


def all_features(counts: Mapping[str, Column], priors: Priors, strength: float = STRENGTH) -> dict[str, Column]:
    """Every feature of every axis by name; with `strength` 0 plain numbers, NaN where there is nothing to tell."""
    return (
        purchase_features(counts, priors, strength)
        | product_features(counts, priors, strength)
        | support_features(counts, priors, strength)
    )


def natural_features(observations: Observations, row: int = 0) -> dict[str, dict[str, float | None]]:
    """One customer's plain numbers as {axis: {feature: value}}, None where there is nothing to tell.

    They are not drawn towards the population's, so a page can say "every 24 days, 28 orders a year". Units and labels stand in
    `segmentation.axes` (`Feature.unit`, `Feature.label`). About 1 ms.
    """
    plain = all_features(observations.take(np.array([row])).counts, {}, strength=0)
    return {
        axis.name: {
            feature.name: float(plain[feature.name][0]) if np.isfinite(plain[feature.name][0]) else None
            for feature in axis.features
        }
        for axis in AXES
    }
