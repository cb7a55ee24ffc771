"""One page of a long list at a cost that does not grow with the list.

Counting and skipping ten million rows takes seconds, so a list counts and turns pages up to `CAP` rows and says "more than"
beyond it; searching and filtering reach the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from django.db import models

CAP = 10_000

Row = TypeVar("Row")
Shown = TypeVar("Shown")
AnyModel = TypeVar("AnyModel", bound=models.Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows `first` to `last` (counted from one) of `total`; `is_capped` says that there are more than `total`.

    `known_total` is how many there are beyond the cap, where somebody has counted them already.
    """

    rows: Sequence[Row]
    number: int
    size: int
    total: int
    is_capped: bool
    known_total: int | None = None

    @property
    def first(self) -> int:
        """Number of the first row shown, from one; 0 on an empty page."""
        return (self.number - 1) * self.size + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """Number of the last row shown."""
        return self.first + len(self.rows) - 1 if self.rows else 0

    @property
    def has_previous(self) -> bool:
        """Whether a page comes before."""
        return self.number > 1

    @property
    def has_next(self) -> bool:
        """Whether a page comes after."""
        return self.number * self.size < self.total

    @property
    def previous_page_number(self) -> int:
        """As Django's own pages call it, so that one template serves both."""
        return self.number - 1

    @property
    def next_page_number(self) -> int:
        """As Django's own pages call it."""
        return self.number + 1

    def showing(self, rows: "Sequence[Shown]") -> "Page[Shown]":
        """The same place in the same list, with its rows as something else."""
        return Page(rows, self.number, self.size, self.total, self.is_capped, self.known_total)

    def of_all(self, counted: int) -> "Page[Row]":
        """The same page of a list of which `counted` rows are known to be there, if that says more than the cap."""
        return replace(self, known_total=counted) if self.is_capped and counted > self.total else self

    @property
    def how_many(self) -> str:
        """ "93", "120,979" where that is known, else "more than 10,000"."""
        return f"{'more than ' if self.is_capped and not self.known_total else ''}{self.known_total or self.total:,}"

    def words(self, thing: str) -> str:
        """ "1 to 25 of 93 customers", "1 to 25 of more than 10,000 customers"."""
        if not self.rows:
            return f"No {thing}"
        return f"{self.first:,} to {self.last:,} of {self.how_many} {thing}"


def page_of(rows: models.QuerySet[AnyModel], number: int, *, size: int = 25, cap: int = CAP) -> Page[AnyModel]:
    """The page `number`, or the nearest that exists; two queries, of which the first counts no further than `cap`."""
    total, is_capped = count_up_to(rows, cap)
    number = min(max(number, 1), max(1, -(-total // size)))
    start = (number - 1) * size
    return Page(list(rows[start : min(start + size, cap)]) if total else [], number, size, total, is_capped)


def page_of_keys(rows: models.QuerySet[Any], number: int, *, size: int = 25, cap: int = CAP) -> Page[int]:
    """The page `number`, or the nearest that exists, as keys; one query, which goes no further than `cap`."""
    keys = list(rows.values_list("pk", flat=True)[: cap + 1])
    return replace(page_within(keys[:cap], number, size=size), is_capped=len(keys) > cap)


def page_within(rows: Sequence[Row], number: int, *, size: int = 25) -> Page[Row]:
    """The page `number`, or the nearest that exists, of a list that is at hand."""
    number = min(max(number, 1), max(1, -(-len(rows) // size)))
    return Page(rows[(number - 1) * size : number * size], number, size, len(rows), False)


def count_up_to(rows: models.QuerySet[AnyModel], cap: int = CAP) -> tuple[int, bool]:
    """How many rows there are, and whether there are more than `cap` (then the number is `cap`); one query."""
    found = rows.order_by()[: cap + 1].count()
    return min(found, cap), found > cap
