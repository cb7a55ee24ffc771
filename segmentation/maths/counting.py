"""Sums and counts per customer. Customers are positions, so a sum is one pass over the rows and needs no grouping."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Positions = NDArray[Any]  # integers of any width


def how_many(customer: Positions, n: int) -> Column:
    """How often each of `n` customers occurs; float64 array of shape (n,)."""
    return np.bincount(customer, minlength=n).astype(np.float64)


def total(customer: Positions, amounts: NDArray[Any], n: int) -> Column:
    """The sum of each customer's amounts; float64 array of shape (n,)."""
    return np.bincount(customer, amounts, minlength=n).astype(np.float64)


def run_ends(ordered: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each run of equal values ends (exclusive); `ordered` is ascending."""
    if len(ordered) == 0:
        return np.zeros(0, dtype=np.int64)
    return np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, len(ordered))


def largest(group: NDArray[np.int64], values: Column, n: int) -> Column:
    """The largest value of each of `n` groups, 0 for an empty one; `group` is ascending, values are not negative."""
    maxima = np.zeros(n)
    if len(group):
        starts = np.append(0, run_ends(group)[:-1])
        maxima[group[starts]] = np.maximum.reduceat(values, starts)
    return maxima
