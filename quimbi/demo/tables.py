"""Rows of one model as columns, and who numbers them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Model
from numpy.typing import NDArray

Stamps = Callable[[NDArray[np.int64]], list[str | None]]


@dataclass(frozen=True)
class Table:
    """Rows of one model, as one list a column; every list has the same length."""

    model: type[Model]
    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


@dataclass(frozen=True)
class Ledger:
    """The next key of each table, how an instant is written (seconds UTC; 0 is none), and the shop's clock."""

    next_keys: dict[type[Model], int]
    stamps: Stamps
    as_of: int

    def table(self, model: type[Model], columns: dict[str, list[Any]]) -> Table:
        """`columns` with the next keys of `model`."""
        count = len(next(iter(columns.values())))
        key = self.next_keys[model]
        self.next_keys[model] += count
        return Table(model, {"id": list(range(key, key + count)), **columns})

    def stored_at(self, count: int) -> list[str | None]:
        """The column of that name: the shop's clock, so that the same seed gives the same bytes."""
        return self.stamps(np.array([self.as_of])) * count
