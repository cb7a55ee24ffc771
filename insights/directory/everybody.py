"""Everybody who is wanted, in batches in the order of keys, which no new score changes: for files.

Where archetype or scores leave at most `NARROWED_AT_MOST`, an index finds them; else all rows that a filter looks at are gone
through, and never leave the database unless they pass.
"""

from collections.abc import Iterator, Sequence

from django.db.models import QuerySet

from customers.models import Customer
from insights.directory.filters import Filters, Rows, with_scores
from insights.directory.reading import Reading, members_among, members_by_key
from insights.directory.rows import DirectoryRow, read_rows
from insights.walking import by_index, walk
from predictions.models import Prediction
from segmentation.models import Membership
from segmentation.publishing import keeps_memberships

EXPORTED_AT_ONCE = 2_000
NARROWED_AT_MOST = 50_000
"""Keys that an export takes from an index; they are held until it ends, 2 MB of them."""
PASSED_AT_ONCE = 20_000
"""Rows that an export passes in one statement where it goes through all of them: some 10 ms."""


class RunIsGone(RuntimeError):
    """Two segmentations have been published since the list began, and the memberships that it is read from are cleared away."""


def everybody(filters: Filters, reading: Reading, *, contact: bool = False) -> Iterator[list[DirectoryRow]]:
    """All who are wanted in batches of at most `EXPORTED_AT_ONCE`, in the order of their keys; three or four queries a batch.

    Time follows the number of customers that archetype or scores leave; beyond `NARROWED_AT_MOST` some half a second for each
    million that are passed is added. Raises `RunIsGone` in place of a batch, or of an end, that may not be whole.
    """
    for customers in _batches(filters, reading):
        rows = read_rows(customers, reading, contact=contact)
        _be_sure_of_the_run(reading)
        yield rows
    _be_sure_of_the_run(reading)


def everybodys_ids(filters: Filters, reading: Reading) -> Iterator[str]:
    """The ids of all who are wanted; one or two queries a batch."""
    for customers in _batches(filters, reading):
        yield from customers.values_list("customer_id", flat=True)


def _batches(filters: Filters, reading: Reading) -> Iterator[QuerySet[Customer]]:
    for keys, are_members in _stretches(filters, reading):
        for first in range(0, len(keys), EXPORTED_AT_ONCE):
            some = keys[first : first + EXPORTED_AT_ONCE]
            yield _by_key(some if are_members else members_by_key(some, filters, reading), filters)


def _stretches(filters: Filters, reading: Reading) -> Iterator[tuple[list[int], bool]]:
    """Ascending keys of all who may be wanted, and whether no membership of theirs is left to look at."""
    few = _few(filters, reading)
    if few is not None:
        yield few
    elif filters.by_column:
        for predictions in _pieces(Prediction.objects.all(), "customer_id", PASSED_AT_ONCE):
            scored = with_scores(predictions, filters).order_by("customer_id")
            yield list(scored.values_list("customer_id", flat=True)), not filters.by_membership
    elif filters.by_membership:
        for memberships in _pieces(Membership.objects.filter(run=reading.run_id), "customer_id", PASSED_AT_ONCE):
            yield sorted(members_among(memberships, filters, reading)), True
    else:
        all_keys, last = Customer.objects.order_by("pk").values_list("pk", flat=True), 0
        while some := list(all_keys.filter(pk__gt=last)[:EXPORTED_AT_ONCE]):
            yield some, True
            last = some[-1]


def _pieces(rows: Rows, key: str, size: int) -> Iterator[Rows]:
    """All rows, `size` of them after the other by `key`; one query a piece."""
    last = 0
    while True:
        rest = rows.filter(**{f"{key}__gt": last})
        end = list(rest.order_by(key).values_list(key, flat=True)[size - 1 : size])
        yield rest.filter(**{f"{key}__lte": end[0]}) if end else rest
        if not end:
            return
        last = end[0]


def _few(filters: Filters, reading: Reading) -> tuple[list[int], bool] | None:
    """What `_stretches` yields in one, if archetype or scores leave at most `NARROWED_AT_MOST`; None if they leave more."""
    if reading.archetype is not None:
        own = Membership.objects.filter(run=reading.run_id, archetype=reading.archetype)
        keys = list(own.values_list("customer_id", flat=True)[: NARROWED_AT_MOST + 1])
        if len(keys) <= NARROWED_AT_MOST:
            return sorted(keys), not filters.axis
    if filters.by_column:
        with by_index():
            scored = walk(filters.wanted(), "value_at_risk").order_by()
            keys = list(scored.values_list("pk", flat=True)[: NARROWED_AT_MOST + 1])
        if len(keys) <= NARROWED_AT_MOST:
            return sorted(keys), not filters.by_membership
    return None


def _by_key(keys: Sequence[int], filters: Filters) -> QuerySet[Customer]:
    """Those of `keys` whom the filters by score leave, in order."""
    customers = with_scores(Customer.objects.filter(pk__in=keys), filters, "prediction__")
    # Who has no order that counts any more keeps a score and a membership until the next run, and is not shown them.
    return (customers.buyers() if filters.by_column or filters.by_membership else customers).order_by("pk")


def _be_sure_of_the_run(reading: Reading) -> None:
    """Raise `RunIsGone` unless all that was read of the run until now was there.

    Asked behind the reading, for memberships are cleared away only after nobody can reach them any more.
    """
    if reading.run_id is not None and not keeps_memberships(reading.run_id):
        raise RunIsGone(f"The memberships of run {reading.run_id} are cleared away.")
