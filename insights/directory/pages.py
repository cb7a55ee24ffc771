"""The list page after page, wherever in the order they stand who are wanted.

walk an index for keys from where the last page ended -> read the rows by key

Filters by archetype and by score are in the index that is walked (`insights.walking`), so a page is whole. Only memberships by
axis are in none: filtered by one, a page looks at `AT_ONCE` keys at most, may hold fewer rows than were asked for, even none,
and says where the next one begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, QuerySet
from django.db.models.functions import Cast

from customers.models import Customer
from insights.directory.filters import Filters
from insights.directory.reading import Reading, members_by_key, read_from
from insights.directory.rows import DirectoryRow, read_rows
from insights.directory.sorting import Place, Sort
from insights.walking import Wanted, by_index, walk

AT_ONCE = 5_000
"""Keys that a page looks at where memberships are filtered by."""
FIRST_STEP = 8
"""Keys that such a page looks at first for each row that it wants: one in eight customers is what most of them leave."""


@dataclass(frozen=True)
class Directory:
    """A page; `next_place` is where the next one begins, None at the end."""

    rows: tuple[DirectoryRow, ...]
    next_place: Place | None
    reading: Reading


def directory(filters: Filters, sort: Sort, limit: int, after: Place | None = None) -> Directory:
    """The page of `limit` customers behind `after`.

    Run, scoring, step along the index, rows, archetypes: five queries, and a sixth behind a place. A filter by archetype costs
    one more, and one by membership one a step, of which there may be two. So it is for any number of customers.

    Raises `UnknownFilter` for an archetype, an axis or a segment that the published run does not have.
    """
    reading = read_from(filters)
    rows: list[DirectoryRow] = []
    places: dict[int, Place] = {}
    for size in _steps(filters, limit):
        walked = _walk(filters, sort, reading, after, size)
        keys = [key for _, key in walked if key not in places]  # whose score has changed since the first step stands in both
        if filters.axis:
            members = set(members_by_key(keys, filters, reading))
            keys = [key for key in keys if key in members]
        places |= {key: Place.behind(value, key) for value, key in walked}
        rows += _rows_in_order(keys[: limit + 1 - len(rows)], filters, sort, reading)
        after = places[walked[-1][1]] if len(walked) == size else None
        if len(rows) > limit or after is None:
            break
    if len(rows) > limit:  # one more says that the next page begins behind the last shown
        return Directory(tuple(rows[:limit]), places[rows[limit - 1].key], reading)
    return Directory(tuple(rows), after, reading)


def _steps(filters: Filters, limit: int) -> tuple[int, ...]:
    """How many keys to look at, and how many more if that does not fill the page."""
    if not filters.axis:
        return (limit + 1,)
    first = min(FIRST_STEP * (limit + 1), AT_ONCE)
    return (first, AT_ONCE - first) if first < AT_ONCE else (first,)


def _walk(filters: Filters, sort: Sort, reading: Reading, after: Place | None, size: int) -> list[tuple[Any, int]]:
    """The next `size` values and keys behind `after` along the index of `sort`; one query, two behind a place.

    Those who share the value of the place are a stretch of their own: an index goes straight to both stretches, and thousands
    who share a score are not passed again with every page.
    """
    if not filters.by_column and reading.archetype is None:
        return _next_of(_everybody_in_order(sort), sort, after, size)
    with by_index():
        return _next_of(_wanted_in_order(filters, sort, reading), sort, after, size)


def _everybody_in_order(sort: Sort) -> QuerySet[Any]:
    if sort.of_scores:
        return walk(Wanted(), sort.column)
    if sort.column == "last_order_at":
        return Customer.objects.filter(last_order_at__isnull=False).order_by("-last_order_at", "pk")
    return (
        Customer.objects.order_by(sort.column) if not sort.largest_first else Customer.objects.order_by(f"-{sort.column}", "pk")
    )


def _wanted_in_order(filters: Filters, sort: Sort, reading: Reading) -> QuerySet[Any]:
    wanted = filters.wanted(reading.archetype)
    if sort.column != "customer_id":
        return walk(wanted, sort.column)
    # No index holds filters behind the shop's ids: a few are found first, and many are soon met on the way.
    keys = walk(wanted, "value_at_risk" if filters.by_column else "name_key").order_by().values_list("pk", flat=True)
    few = list(keys[: AT_ONCE + 1])
    return Customer.objects.filter(pk__in=few if len(few) <= AT_ONCE else keys).order_by("customer_id")


def _next_of(rows: QuerySet[Any], sort: Sort, after: Place | None, size: int) -> list[tuple[Any, int]]:
    # Amounts as the database has them: making thousands of decimals takes longer than finding the keys.
    stored = Cast(sort.column, BigIntegerField()) if sort.is_money else sort.column
    pairs = rows.values_list(stored, "pk")
    if after is None:
        return list(pairs[:size])
    value = after.as_value_of(sort)
    if not sort.largest_first:
        return list(pairs.filter(**{f"{sort.column}__gt": value})[:size])
    tied = list(pairs.filter(**{sort.column: value, "pk__gt": after.key})[:size])
    if len(tied) == size:
        return tied
    return tied + list(pairs.filter(**{f"{sort.column}__lt": value})[: size - len(tied)])


def _rows_in_order(keys: Sequence[int], filters: Filters, sort: Sort, reading: Reading) -> list[DirectoryRow]:
    """The rows of `keys` in their order."""
    customers = Customer.objects.filter(pk__in=keys)
    if filters.by_column or filters.by_membership or sort.of_scores:
        customers = customers.buyers()
    rows = {row.key: row for row in read_rows(customers, reading)}
    return [rows[key] for key in keys if key in rows]
