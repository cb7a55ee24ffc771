"""When each customer bought: the one input of every prediction.

Orders of one local day are one occasion. Everything is asked "as of the end of a day", so that a question about the past never
sees what came after it; prefix sums answer it for all customers at once, whatever the day.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Occasions:
    """The purchase occasions of n customers.

    `customer_ids` int64 (n,), ascending; `starts` int64 (n + 1,), where each customer's occasions begin; `day` int64 (m,), days
    since 1970-01-01, ascending and distinct within a customer; `value` float64 (m,), what was paid that day.
    """

    customer_ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    day: NDArray[np.int64]
    value: NDArray[np.float64]
    _counts: dict[int, NDArray[np.int64]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.customer_ids)

    @classmethod
    def of_orders(cls, customer: NDArray[np.int64], day: NDArray[np.int64], value: NDArray[np.float64]) -> "Occasions":
        """From one row an order, in any order; `customer` holds customer ids."""
        if not len(customer):
            return cls(np.empty(0, np.int64), np.zeros(1, np.int64), np.empty(0, np.int64), np.empty(0))
        key = customer.astype(np.int64) * (int(day.max()) - int(day.min()) + 1) + (day - day.min())
        sort = np.argsort(key, kind="stable")
        same = np.diff(key[sort]) == 0
        several = np.flatnonzero(np.append(same, False) | np.append(False, same))  # orders that share a day with another
        sort[several] = sort[several][np.lexsort((value[sort[several]], key[sort[several]]))]  # so that they add up in one way
        customer, day, value = customer[sort].astype(np.int64), day[sort].astype(np.int64), value[sort]
        is_first = np.ones(len(customer), dtype=bool)
        is_first[1:] = (customer[1:] != customer[:-1]) | (day[1:] != day[:-1])
        at = np.flatnonzero(is_first)
        owner = customer[at]
        new_owner = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
        return cls(owner[new_owner], np.append(new_owner, len(at)), day[at], np.add.reduceat(value, at))

    @property
    def first_day(self) -> int:
        """The day of the shop's first occasion; 0 without one."""
        return int(self.day.min()) if len(self.day) else 0

    def of(self, chosen: NDArray[np.int64]) -> "Occasions":
        """Of some customers only, by their places in ascending order."""
        sizes = np.diff(self.starts)[chosen]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        rows = np.arange(starts[-1]) - np.repeat(starts[:-1], sizes) + np.repeat(self.starts[:-1][chosen], sizes)
        return Occasions(self.customer_ids[chosen], starts, self.day[rows], self.value[rows])

    def until(self, day: int) -> "Occasions":
        """Without what came after `day`, and without whoever came only then; itself if nothing did."""
        if not len(self.day) or int(self.day.max()) <= day:
            return self
        sizes = self.counts(day)
        there = sizes > 0
        kept = self.day <= day
        starts = np.concatenate([[0], np.cumsum(sizes[there])])
        return Occasions(self.customer_ids[there], starts, self.day[kept], self.value[kept])

    def counts(self, day: int) -> NDArray[np.int64]:
        """How many occasions each customer has up to the end of `day`; shape (n,)."""
        if day not in self._counts:
            so_far = np.zeros(len(self.day) + 1, dtype=np.int64)
            np.cumsum(self.day <= day, out=so_far[1:])
            self._counts[day] = so_far[self.starts[1:]] - so_far[self.starts[:-1]]
            self._counts[day].flags.writeable = False
        return self._counts[day]

    def counts_at(self, days: NDArray[np.int64], place: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many occasions the customers at `place` have up to the end of a day of their own, `days`; shapes (k,).

        A search for each customer: about 0.01 s for 94,000 of them, after 0.01 s once for 1.2 million occasions.
        """
        within = np.clip(days - self.first_day + 1, 0, self._span - 1)
        found: NDArray[np.int64] = (
            np.searchsorted(self._key, place * self._span + within, side="right") - self.starts[:-1][place]
        )
        return found

    def spent(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """What each customer paid on his first `counts` occasions; shape (n,)."""
        return self._totals(self._value_so_far, counts)

    def gaps(self, counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The sum and the sum of squares of the days between the first `counts` occasions; each of shape (n,)."""
        return self._totals(self._gap_so_far, counts), self._totals(self._squared_gap_so_far, counts)

    def at(self, number: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places in `day` of each customer's occasion `number`, from 0; a number below 0 gives the first."""
        return self.starts[:-1] + np.maximum(number, 0)

    @cached_property
    def _span(self) -> int:
        """One more than the days from the day before the first occasion of all to the last."""
        return int(self.day.max()) - self.first_day + 2 if len(self.day) else 1

    @cached_property
    def _key(self) -> NDArray[np.int64]:
        """Customer and day of every occasion as one ascending number."""
        owner = np.repeat(np.arange(len(self)), np.diff(self.starts))
        key: NDArray[np.int64] = owner * self._span + (self.day - self.first_day + 1)
        return key

    @cached_property
    def _gap(self) -> NDArray[np.float64]:
        gap = np.diff(self.day, prepend=self.day[:1]).astype(np.float64)
        gap[self.starts[:-1]] = 0.0
        return gap

    @cached_property
    def _value_so_far(self) -> NDArray[np.float64]:
        return np.concatenate([[0.0], np.cumsum(self.value)])

    @cached_property
    def _gap_so_far(self) -> NDArray[np.float64]:
        return np.concatenate([[0.0], np.cumsum(self._gap)])

    @cached_property
    def _squared_gap_so_far(self) -> NDArray[np.float64]:
        return np.concatenate([[0.0], np.cumsum(self._gap**2)])

    def _totals(self, so_far: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
        begin = self.starts[:-1]
        totals: NDArray[np.float64] = so_far[begin + counts] - so_far[begin]
        return totals
