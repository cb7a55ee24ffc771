"""Everybody with scores, page after page, at a cost that is the same for a thousand customers and for ten million.

walk an index for keys from where the last page ended -> keep those whose membership is asked for -> read the rows by key

A page looks at no more than `AT_ONCE` keys. Where a filter leaves fewer customers than that, they are found by the filter's own
index and the page is whole; else a page may hold fewer rows than were asked for, none even, and says where the next one begins.

An export is everybody in the order of keys, which no new score changes. It finds customers in the same way: by a filter's own
index where that leaves at most `NARROWED_AT_MOST`, else by going through the rows that a filter looks at, which never leave the
database unless they pass.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import BigIntegerField, F, Q, QuerySet
from django.db.models.functions import Cast, Coalesce, Substr

from customers.models import Customer
from customers.money import MoneyField, from_units, to_units
from insights.churn_risk import NOT_IN_PREDICTION_YET, NOT_PREDICTED_YET
from insights.profiles import AWAITING_FIRST_PURCHASE, NO_RUN_YET, NOT_IN_RUN_YET
from predictions.models import Prediction, ScoringRun
from segmentation.axes import AXES
from segmentation.models import ActiveRun, Archetype, Membership
from segmentation.publishing import keeps_memberships
from segmentation.reading import SHARE_PLACES, PinnedRun, pin_active_run

Rows = TypeVar("Rows", bound=QuerySet[Any])
AT_ONCE = 5_000
"""Keys that one page looks at."""
FIRST_STEP = 8
"""Keys that a page looks at first for each row that it wants: one in eight customers is what most filters leave."""
EXPORTED_AT_ONCE = 2_000
NARROWED_AT_MOST = 50_000
"""Keys that an export takes from a filter's own index; they are held until it ends, 2 MB of them."""
PASSED_AT_ONCE = 20_000
"""Rows that an export passes in one statement where it goes through all of them: some 10 ms."""
# A share above one half is the largest of its axis, which the digits in `Membership.segments` tell without the share.
_DOMINANT_ABOVE = 0.5001
_BYTES_A_SHARE = 4


class UnknownFilter(ValueError):
    """A filter names what the published run does not have; `field` says which filter."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class RunIsGone(RuntimeError):
    """Two segmentations have been published since the list began, and the memberships that it is read from are cleared away."""


@dataclass(frozen=True)
class Filters:
    """Who is wanted; what is empty or None asks for nothing. Both ends of a range belong to it.

    `axis` and `segment` go together and want a membership of at least `membership_min`, as the profile shows it.
    """

    archetype_id: str = ""
    axis: str = ""
    segment: str = ""
    membership_min: float = 0.5
    tier: str = ""
    churn_risk_min: float | None = None
    churn_risk_max: float | None = None
    lapse_risk_min: float | None = None
    lapse_risk_max: float | None = None
    value_at_risk_min: Decimal | None = None
    active: bool | None = None

    @property
    def by_column(self) -> dict[str, dict[str, Any]]:
        """{column of `Prediction`: {lookup: value}} of the filters that look at predictions."""
        asked: dict[str, dict[str, Any]] = {
            "value_at_risk": {"gte": self.value_at_risk_min},
            "lapse_risk_score": {"gte": self.lapse_risk_min, "lte": self.lapse_risk_max},
            "churn_risk_score": {"gte": self.churn_risk_min, "lte": self.churn_risk_max},
            "tier": {"exact": Prediction.Tier[self.tier.upper()] if self.tier else None},
            "is_active": {"exact": self.active},
        }
        given = {column: {name: value for name, value in each.items() if value is not None} for column, each in asked.items()}
        return {column: lookups for column, lookups in given.items() if lookups}

    @property
    def by_membership(self) -> bool:
        """Whether a filter looks at the published run."""
        return bool(self.archetype_id or self.axis)


@dataclass(frozen=True)
class Sort:
    """An order that an index serves: by `column` of `model`, the largest first unless told, then by key."""

    model: type[Prediction] | type[Customer]
    column: str
    largest_first: bool = True

    @property
    def of_scores(self) -> bool:
        """Whether the order is that of a prediction, which leaves out those without one."""
        return self.model is Prediction

    @property
    def key(self) -> str:
        """The customer's key in `model`."""
        return "customer_id" if self.of_scores else "pk"

    @property
    def from_customer(self) -> str:
        """The column as a query for customers names it."""
        return f"prediction__{self.column}" if self.of_scores else self.column

    @property
    def is_money(self) -> bool:
        """Whether the column holds an amount."""
        return isinstance(self.model._meta.get_field(self.column), MoneyField)


SORTS = {
    "value_at_risk": Sort(Prediction, "value_at_risk"),
    "lapse_risk": Sort(Prediction, "lapse_risk_score"),
    "churn_risk": Sort(Prediction, "churn_risk_score"),
    "lifetime_value": Sort(Customer, "lifetime_value"),
    "last_order": Sort(Customer, "last_order_at"),
    "customer_id": Sort(Customer, "customer_id", largest_first=False),
}


@dataclass(frozen=True)
class Place:
    """Behind one customer in an order: the value as plain JSON (money in units, moments as text) and the customer's key."""

    value: int | float | str
    key: int

    def as_value_of(self, sort: Sort) -> Any:
        """The value as a query for `sort` compares it."""
        if sort.is_money:
            return from_units(int(self.value))
        return datetime.fromisoformat(str(self.value)) if sort.column == "last_order_at" else self.value


@dataclass(frozen=True, slots=True)
class Score:
    """What is predicted of a customer, as far as a list shows it."""

    tier: str
    churn_risk_score: float
    lapse_risk_score: float
    lapse_horizon_days: int
    value_at_risk: Decimal
    value_180d: Decimal
    is_active: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a customer, and whether that is allowed."""

    name: str
    email: str
    phone: str
    email_consent: str
    sms_consent: str


@dataclass(frozen=True, slots=True)
class DirectoryRow:
    """A customer in the list. Without an archetype or a score the reason says why, in one sentence."""

    key: int
    customer_id: str
    total_orders: int
    lifetime_value: Decimal
    last_order_at: datetime | None
    archetype_id: str | None
    archetype_reason: str
    score: Score | None
    score_reason: str
    contact: Contact | None = None


@dataclass(frozen=True)
class Reading:
    """What a list is read from: the published run and the newest scoring, each None before the first.

    `archetype` is the key of the one filtered by, `share` says where the membership asked for stands; `missing` says why nobody
    has a score, and is empty where people have.
    """

    run_id: int | None
    archetype: int | None
    share: "Share | None"
    scored_as_of: datetime | None
    missing: str


@dataclass(frozen=True)
class Share:
    """Where a segment stands in a `Membership`: its axis among the digits, its digit, and its first byte among the shares."""

    axis: int
    digit: str
    offset: int


@dataclass(frozen=True)
class _Narrow:
    """The few keys that one filter leaves, as a query; `are_members` if no membership is left to look at."""

    keys: QuerySet[Any]
    are_members: bool


@dataclass(frozen=True)
class Directory:
    """A page; `next_place` is where the next one begins, None at the end."""

    rows: tuple[DirectoryRow, ...]
    next_place: Place | None
    reading: Reading


def directory(filters: Filters, sort: Sort, limit: int, after: Place | None = None) -> Directory:
    """The page of `limit` customers behind `after`.

    Run, scoring, step along the index, rows, archetypes: five queries, and a sixth behind a place. A filter by archetype costs
    one or two more, each filter by score at most one, and a second step, if the first does not fill the page, up
    to four; by membership one a step. That is so for any number of customers.

    Raises `UnknownFilter` for an archetype, an axis or a segment that the published run does not have.
    """
    reading = read_from(filters)
    narrow = _narrow(filters, sort, reading, AT_ONCE)
    if narrow is not None:
        few = narrow.keys if narrow.are_members else _members(list(narrow.keys), filters, reading)
        return _page(_rows(_ordered(few, filters, sort, after)[: limit + 1], reading), limit, None, sort, reading)
    rows: list[DirectoryRow] = []
    for size in _steps(filters, sort, limit):
        walked = _walk(sort, filters, after, size)
        taken = {row.key for row in rows}  # whose score has changed since the first step stands in both
        keys = _members([key for _, key in walked if key not in taken], filters, reading)
        rows += _rows(_ordered(keys, filters, sort, after)[: limit + 1 - len(rows)], reading)
        after = _place(walked[-1], sort) if len(walked) == size else None
        if len(rows) > limit or after is None:
            break
    return _page(rows, limit, after, sort, reading)


def _page(rows: list[DirectoryRow], limit: int, looked_up_to: Place | None, sort: Sort, reading: Reading) -> Directory:
    """The page of these rows, of which one more than `limit` says that the next one begins behind the last shown."""
    if len(rows) > limit:
        return Directory(tuple(rows[:limit]), _place_of(rows[limit - 1], sort), reading)
    return Directory(tuple(rows), looked_up_to, reading)


def _steps(filters: Filters, sort: Sort, limit: int) -> tuple[int, ...]:
    """How many keys to look at, and how many more if that does not fill the page."""
    own = {sort.column} if sort.of_scores else set()
    if not filters.by_membership and not set(filters.by_column) - own:
        return (limit + 1,)
    first = min(FIRST_STEP * (limit + 1), AT_ONCE)
    return (first, AT_ONCE - first) if first < AT_ONCE else (first,)


def everybody(filters: Filters, reading: Reading, *, contact: bool = False) -> Iterator[list[DirectoryRow]]:
    """All who are wanted in batches of at most `EXPORTED_AT_ONCE`, in the order of their keys; three or four queries a batch.

    Time follows the number of customers that one of the filters leaves; beyond `NARROWED_AT_MOST` some half a second for each
    million that are passed is added. Raises `RunIsGone` in place of a batch, or of an end, that may not be whole.
    """
    for customers in _batches(filters, reading):
        rows = _rows(customers, reading, contact=contact)
        _be_sure_of_the_run(reading)
        yield rows
    _be_sure_of_the_run(reading)


def _be_sure_of_the_run(reading: Reading) -> None:
    """Raise `RunIsGone` unless all that was read of the run until now was there.

    Asked behind the reading, for memberships are cleared away only after nobody can reach them any more.
    """
    if reading.run_id is not None and not keeps_memberships(reading.run_id):
        raise RunIsGone(f"The memberships of run {reading.run_id} are cleared away.")


def everybodys_ids(filters: Filters, reading: Reading) -> Iterator[str]:
    """The ids of all who are wanted; one or two queries a batch."""
    for customers in _batches(filters, reading):
        yield from customers.values_list("customer_id", flat=True)


def _batches(filters: Filters, reading: Reading) -> Iterator[QuerySet[Customer]]:
    for keys, are_members in _stretches(filters, reading):
        for first in range(0, len(keys), EXPORTED_AT_ONCE):
            some = keys[first : first + EXPORTED_AT_ONCE]
            yield _ordered(some if are_members else _members(some, filters, reading), filters, None, None)


def _stretches(filters: Filters, reading: Reading) -> Iterator[tuple[list[int], bool]]:
    """Ascending keys of all who may be wanted, and whether no membership of theirs is left to look at."""
    narrow = _narrow(filters, None, reading, NARROWED_AT_MOST)
    if narrow is not None:
        yield sorted(narrow.keys), narrow.are_members
    elif filters.by_column:
        for predictions in _pieces(Prediction.objects.all(), "customer_id", PASSED_AT_ONCE):
            scored = _with_scores(predictions, filters).order_by("customer_id")
            yield list(scored.values_list("customer_id", flat=True)), not filters.by_membership
    elif filters.by_membership:
        for memberships in _pieces(Membership.objects.filter(run=reading.run_id), "customer_id", PASSED_AT_ONCE):
            yield sorted(_members_among(memberships, filters, reading)), True
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


def read_from(filters: Filters) -> Reading:
    """What a list with these filters is read from; two queries, three with an archetype. Raises `UnknownFilter`."""
    run_id, share = ActiveRun.objects.filter(pk=1).values_list("run_id", flat=True).first(), None
    if filters.axis:
        pinned = pin_active_run()
        run_id, share = (pinned.run.pk if pinned else None), _share(filters, pinned)
    archetype = None
    if filters.archetype_id:
        found = Archetype.objects.filter(archetype_id=filters.archetype_id, snapshots__run=run_id)
        archetype = found.values_list("pk", flat=True).first() if run_id else None
        if archetype is None:
            raise UnknownFilter("archetype_id", "There is no archetype with this id in the published run.")
    scoring = ScoringRun.objects.values_list("as_of", "model_id", "missing").first()
    if scoring is None:
        return Reading(run_id, archetype, share, None, NOT_PREDICTED_YET)
    as_of, model, missing = scoring
    return Reading(run_id, archetype, share, as_of if model else None, missing)


def _share(filters: Filters, pinned: PinnedRun | None) -> Share:
    if pinned is None:
        raise UnknownFilter("axis", NO_RUN_YET)
    model = pinned.model
    known = model.segments.get(filters.axis)
    if known is None:
        raise UnknownFilter("axis", f"{filters.axis[:60]!r} is not an axis; there are {', '.join(model.segments)}.")
    if filters.segment not in known:
        raise UnknownFilter(
            "segment", f"{filters.segment[:60]!r} is not a segment of {filters.axis} now; there are {', '.join(known)}."
        )
    number = next(number for number, axis in enumerate(AXES) if axis.name == filters.axis)
    column = model.columns.index((filters.axis, filters.segment))
    return Share(number, str(known.index(filters.segment)), _BYTES_A_SHARE * column)


def _narrow(filters: Filters, sort: Sort | None, reading: Reading, at_most: int) -> _Narrow | None:
    """Everybody whom one of the filters leaves, if they are at most so many; None if none leaves so few."""
    candidates: list[QuerySet[Any]] = []
    if reading.archetype is not None:
        candidates.append(Membership.objects.filter(run=reading.run_id, archetype=reading.archetype))
    for column, lookups in filters.by_column.items():
        if column == "is_active" or (sort and column == sort.column):  # no index; the walk begins and ends there by itself
            continue
        # In the index's order, so that no database looks through the table for them.
        order = ("tier",) if column == "tier" else (f"-{column}", "customer_id")
        candidates.append(Prediction.objects.filter(**_lookups(column, lookups)).order_by(*order))
    for candidate in candidates:
        keys = candidate.values_list("customer_id", flat=True)
        if not keys[at_most : at_most + 1]:
            is_of_archetype = candidate.model is Membership
            return _Narrow(keys[:at_most], not filters.axis and (is_of_archetype or not filters.archetype_id))
    return None


def _walk(sort: Sort, filters: Filters, after: Place | None, size: int) -> list[tuple[Any, int]]:
    """The next `size` values and keys behind `after` along the index of `sort`; one query, two behind a place.

    Those who share the value of the place are a stretch of their own: an index goes straight to both stretches, and thousands
    who share a score are not passed again with every page.
    """
    rows: QuerySet[Any] = sort.model._default_manager.order_by(*_order(sort, sort.column, sort.key))
    own = filters.by_column.get(sort.column, {}) if sort.of_scores else {}
    rows = rows.filter(**_lookups(sort.column, own))
    if sort.column == "last_order_at":
        rows = rows.filter(last_order_at__isnull=False)
    # Amounts as the database has them: making thousands of decimals takes longer than finding the keys.
    stored = Cast(sort.column, BigIntegerField()) if sort.is_money else sort.column
    pairs = rows.values_list(stored, sort.key)
    if after is None:
        return list(pairs[:size])
    value = after.as_value_of(sort)
    if not sort.largest_first:
        return list(pairs.filter(**{f"{sort.column}__gt": value})[:size])
    tied = list(pairs.filter(**{sort.column: value, f"{sort.key}__gt": after.key})[:size])
    if len(tied) == size:
        return tied
    return tied + list(pairs.filter(**{f"{sort.column}__lt": value})[: size - len(tied)])


def _members(keys: list[int], filters: Filters, reading: Reading) -> list[int]:
    """Those of `keys` whose archetype and membership are asked for; one query, none without such a filter."""
    if not filters.by_membership or not keys:
        return keys
    return _members_among(Membership.objects.filter(run=reading.run_id, customer__in=keys), filters, reading)


def _members_among(rows: QuerySet[Membership], filters: Filters, reading: Reading) -> list[int]:
    """The customers of those `rows` whose archetype and membership are asked for; one query."""
    share = reading.share
    if reading.archetype is not None:
        rows = rows.alias(own=_unindexed("archetype")).filter(own=reading.archetype)
    if share is None:
        return list(rows.values_list("customer_id", flat=True))
    if filters.membership_min > _DOMINANT_ABOVE:
        rows = rows.alias(dominant=Substr("segments", share.axis + 1, 1)).filter(dominant=share.digit)
    return [
        key
        for key, shares in rows.values_list("customer_id", "shares")
        if round(struct.unpack_from("<f", shares, share.offset)[0], SHARE_PLACES) >= filters.membership_min
    ]


def _ordered(
    keys: Sequence[int] | QuerySet[Any], filters: Filters, sort: Sort | None, after: Place | None
) -> QuerySet[Customer]:
    """Those of `keys` whom the filters by score leave and who stand behind `after`, in the order of `sort` or of their keys.

    Keys find rows, and nothing else shall: to a database without fresh statistics an index on a filter or on the order looks
    better, and takes it through half of the shop. `_unindexed` leaves it no such choice.
    """
    customers = _with_scores(Customer.objects.filter(pk__in=keys), filters, "prediction__")
    if filters.by_column or filters.by_membership or (sort and sort.of_scores):
        # Who has no order that counts any more keeps a score and a membership until the next run, and is not shown them.
        customers = customers.buyers()
    if sort is None:
        return customers.order_by("pk")
    customers = customers.alias(place=_unindexed(sort.from_customer)).filter(place__isnull=False)
    if after is not None:
        customers = customers.filter(_behind(after, sort))
    return customers.order_by(*_order(sort, "place", "pk"))


def _with_scores(rows: Rows, filters: Filters, path: str = "") -> Rows:
    """Those of `rows` whom the filters by score leave; predictions are at the end of `path`."""
    for column, lookups in filters.by_column.items():
        rows = rows.alias(**{f"own_{column}": _unindexed(f"{path}{column}")}).filter(**_lookups(f"own_{column}", lookups))
    return rows


def _unindexed(column: str) -> Coalesce:
    return Coalesce(F(column), F(column))


def _behind(after: Place, sort: Sort) -> Q:
    value = after.as_value_of(sort)
    if not sort.largest_first:
        return Q(place__gt=value)
    return Q(place__lt=value) | Q(place=value, pk__gt=after.key)


def _order(sort: Sort, column: str, key: str) -> tuple[str, ...]:
    return (f"-{column}", key) if sort.largest_first else (column,)


def _lookups(column: str, lookups: dict[str, Any]) -> dict[str, Any]:
    return {f"{column}__{name}": value for name, value in lookups.items()}


def _place_of(row: DirectoryRow, sort: Sort) -> Place:
    value = getattr(row.score if sort.of_scores else row, sort.column)
    return _place((to_units(value) if sort.is_money else value, row.key), sort)


def _place(pair: tuple[Any, int], sort: Sort) -> Place:
    value, key = pair
    return Place(value.isoformat() if isinstance(value, datetime) else value, key)


_SCORE = ("tier", "churn_risk_score", "lapse_risk_score", "lapse_horizon_days", "value_at_risk", "value_180d", "is_active")
_OWN = ("pk", "customer_id", "order_count", "lifetime_value", "last_order_at")
_CONTACT = ("first_name", "last_name", "email", "phone", "email_consent", "sms_consent")


def _rows(customers: QuerySet[Customer], reading: Reading, *, contact: bool = False) -> list[DirectoryRow]:
    """The rows of `customers`, a query for them and their scores, one for their archetypes."""
    columns = (*_OWN, *(f"prediction__{name}" for name in _SCORE), *(_CONTACT if contact else ()))
    read = list(customers.values_list(*columns))
    archetypes: dict[int, str] = {}
    if reading.run_id is not None and read:
        memberships = Membership.objects.filter(run=reading.run_id, customer__in=[row[0] for row in read])
        archetypes = dict(memberships.values_list("customer_id", "archetype__archetype_id"))
    return [_row(values, archetypes, reading, contact=contact) for values in read]


def _row(values: tuple[Any, ...], archetypes: dict[int, str], reading: Reading, *, contact: bool) -> DirectoryRow:
    key, customer_id, orders, lifetime_value, last_order_at = values[: len(_OWN)]
    tier, *score = values[len(_OWN) : len(_OWN) + len(_SCORE)]
    archetype_id = archetypes.get(key) if orders else None
    scored = Score(Prediction.Tier(tier).label, *score) if orders and tier is not None else None
    return DirectoryRow(
        key=key,
        customer_id=customer_id,
        total_orders=orders,
        lifetime_value=lifetime_value,
        last_order_at=last_order_at,
        archetype_id=archetype_id,
        archetype_reason="" if archetype_id else _archetype_reason(orders, reading),
        score=scored,
        score_reason="" if scored else _score_reason(orders, reading),
        contact=_contact(*values[-len(_CONTACT) :]) if contact else None,
    )


def _contact(first_name: str, last_name: str, email: str, phone: str, email_consent: str, sms_consent: str) -> Contact:
    return Contact(f"{first_name} {last_name}".strip(), email, phone, email_consent, sms_consent)


def _archetype_reason(orders: int, reading: Reading) -> str:
    if not orders:
        return AWAITING_FIRST_PURCHASE
    return NOT_IN_RUN_YET if reading.run_id else NO_RUN_YET


def _score_reason(orders: int, reading: Reading) -> str:
    return (reading.missing or NOT_IN_PREDICTION_YET) if orders else AWAITING_FIRST_PURCHASE
