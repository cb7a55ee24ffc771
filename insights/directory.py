"""Everybody with scores, page after page, wherever in the order they stand who are wanted.

walk an index for keys from where the last page ended -> read the rows by key

Filters by archetype and by score are in the index that is walked (`insights.walking`), so a page is whole. Only memberships by
axis are in none: filtered by one, a page looks at `AT_ONCE` keys at most, may hold fewer rows than were asked for, even none,
and says where the next one begins.

An export is everybody in the order of keys, which no new score changes. Where archetype or scores leave at most
`NARROWED_AT_MOST`, it finds them by an index; else it goes through the rows that a filter looks at, which never leave the
database unless they pass.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import inf
from typing import Any, TypeVar

from django.db.models import BigIntegerField, F, QuerySet
from django.db.models.functions import Cast, Coalesce, Substr

from customers.figures import STEPS, adding_up, least_told_as
from customers.models import Customer
from customers.money import MoneyField, from_units
from insights.churn_risk import NOT_IN_PREDICTION_YET, NOT_PREDICTED_YET
from insights.profiles import AWAITING_FIRST_PURCHASE, NO_RUN_YET, NOT_IN_RUN_YET
from insights.walking import Range, Wanted, by_index, walk
from predictions.models import Prediction, ScoringRun
from predictions.shown import beyond_shown_as, least_shown_as
from segmentation.axes import AXES
from segmentation.models import ActiveRun, Archetype, Membership
from segmentation.publishing import keeps_memberships
from segmentation.reading import PinnedRun, pin_active_run

Rows = TypeVar("Rows", bound=QuerySet[Any])
AT_ONCE = 5_000
"""Keys that a page looks at where memberships are filtered by."""
FIRST_STEP = 8
"""Keys that such a page looks at first for each row that it wants: one in eight customers is what most of them leave."""
EXPORTED_AT_ONCE = 2_000
NARROWED_AT_MOST = 50_000
"""Keys that an export takes from an index; they are held until it ends, 2 MB of them."""
PASSED_AT_ONCE = 20_000
"""Rows that an export passes in one statement where it goes through all of them: some 10 ms."""
# A share above one half is the largest of its axis, which the digits in `Membership.segments` tell without the share; as it is
# told it may be a step of its last place above what it is.
_DOMINANT_ABOVE = 0.5 + 1 / STEPS
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

    All figures are compared as they are told: who is shown with a score of 0.7833 has one of at least 0.7833. `axis` and
    `segment` go together and want a membership of at least `membership_min`.
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
            "value_at_risk": {"gte": None if self.value_at_risk_min is None else least_told_as(self.value_at_risk_min)},
            "lapse_risk_score": _score_range(self.lapse_risk_min, self.lapse_risk_max),
            "churn_risk_score": _score_range(self.churn_risk_min, self.churn_risk_max),
            "tier": {"exact": Prediction.Tier[self.tier.upper()] if self.tier else None},
            "is_active": {"exact": self.active},
        }
        given = {column: {name: value for name, value in each.items() if value is not None} for column, each in asked.items()}
        return {column: lookups for column, lookups in given.items() if lookups}

    @property
    def by_membership(self) -> bool:
        """Whether a filter looks at the published run."""
        return bool(self.archetype_id or self.axis)


def _score_range(least: float | None, most: float | None) -> dict[str, float | None]:
    """Lookups that leave the scores told from `least` to `most`."""
    return {
        "gte": None if least is None else least_shown_as(least),
        "lt": None if most is None else beyond_shown_as(most),
    }


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
    """Where a segment stands in a `Membership`.

    Its axis among the digits, its place among the axis's segments, which is its digit, and the first byte of that axis's
    `segments` shares.
    """

    axis: int
    place: int
    segments: int
    offset: int

    def is_told_as(self, least: float, shares: bytes | memoryview) -> bool:
        """Whether a profile tells a membership of at least `least`."""
        (own,) = struct.unpack_from("<f", shares, self.offset + _BYTES_A_SHARE * self.place)
        if abs(own - least) > 1 / STEPS:  # rounding takes nobody further
            return bool(own > least)
        together = struct.unpack_from(f"<{self.segments}f", shares, self.offset)
        return adding_up(together, STEPS)[self.place] / STEPS >= least


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
            members = set(_members(keys, filters, reading))
            keys = [key for key in keys if key in members]
        places |= {key: _place(value, key) for value, key in walked}
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


def everybody(filters: Filters, reading: Reading, *, contact: bool = False) -> Iterator[list[DirectoryRow]]:
    """All who are wanted in batches of at most `EXPORTED_AT_ONCE`, in the order of their keys; three or four queries a batch.

    Time follows the number of customers that archetype or scores leave; beyond `NARROWED_AT_MOST` some half a second for each
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
            yield _by_key(some if are_members else _members(some, filters, reading), filters)


def _stretches(filters: Filters, reading: Reading) -> Iterator[tuple[list[int], bool]]:
    """Ascending keys of all who may be wanted, and whether no membership of theirs is left to look at."""
    few = _few(filters, reading)
    if few is not None:
        yield few
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
    first = model.columns.index((filters.axis, known[0]))
    return Share(number, known.index(filters.segment), len(known), _BYTES_A_SHARE * first)


def _few(filters: Filters, reading: Reading) -> tuple[list[int], bool] | None:
    """What `_stretches` yields in one, if archetype or scores leave at most `NARROWED_AT_MOST`; None if they leave more."""
    if reading.archetype is not None:
        own = Membership.objects.filter(run=reading.run_id, archetype=reading.archetype)
        keys = list(own.values_list("customer_id", flat=True)[: NARROWED_AT_MOST + 1])
        if len(keys) <= NARROWED_AT_MOST:
            return sorted(keys), not filters.axis
    if filters.by_column:
        with by_index():
            scored = walk(_wanted(filters), "value_at_risk").order_by()
            keys = list(scored.values_list("pk", flat=True)[: NARROWED_AT_MOST + 1])
        if len(keys) <= NARROWED_AT_MOST:
            return sorted(keys), not filters.by_membership
    return None


def _wanted(filters: Filters, archetype: int | None = None) -> Wanted:
    asked = filters.by_column
    return Wanted(
        archetype=archetype,
        tiers=asked["tier"].values() if "tier" in asked else None,
        lapse=_range(asked.get("lapse_risk_score")),
        churn=_range(asked.get("churn_risk_score")),
        value_at_risk_min=asked["value_at_risk"]["gte"] if "value_at_risk" in asked else None,
        is_active=filters.active,
    )


def _range(lookups: dict[str, float] | None) -> tuple[Range] | None:
    return None if lookups is None else ((lookups.get("gte", 0.0), lookups.get("lt", inf)),)


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
    wanted = _wanted(filters, reading.archetype)
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
        rows = rows.alias(dominant=Substr("segments", share.axis + 1, 1)).filter(dominant=str(share.place))
    return [
        key for key, shares in rows.values_list("customer_id", "shares") if share.is_told_as(filters.membership_min, shares)
    ]


def _rows_in_order(keys: Sequence[int], filters: Filters, sort: Sort, reading: Reading) -> list[DirectoryRow]:
    """The rows of `keys` in their order."""
    customers = Customer.objects.filter(pk__in=keys)
    if filters.by_column or filters.by_membership or sort.of_scores:
        customers = customers.buyers()
    rows = {row.key: row for row in _rows(customers, reading)}
    return [rows[key] for key in keys if key in rows]


def _by_key(keys: Sequence[int], filters: Filters) -> QuerySet[Customer]:
    """Those of `keys` whom the filters by score leave, in order."""
    customers = _with_scores(Customer.objects.filter(pk__in=keys), filters, "prediction__")
    # Who has no order that counts any more keeps a score and a membership until the next run, and is not shown them.
    return (customers.buyers() if filters.by_column or filters.by_membership else customers).order_by("pk")


def _with_scores(rows: Rows, filters: Filters, path: str = "") -> Rows:
    """Those of `rows` whom the filters by score leave; predictions are at the end of `path`.

    Keys find rows, and nothing else shall: to a database without fresh statistics an index on a filter looks better, and takes
    it through half of the shop. `_unindexed` leaves it no such choice.
    """
    for column, lookups in filters.by_column.items():
        rows = rows.alias(**{f"own_{column}": _unindexed(f"{path}{column}")}).filter(**_lookups(f"own_{column}", lookups))
    return rows


def _unindexed(column: str) -> Coalesce:
    return Coalesce(F(column), F(column))


def _lookups(column: str, lookups: dict[str, Any]) -> dict[str, Any]:
    return {f"{column}__{name}": value for name, value in lookups.items()}


def _place(value: Any, key: int) -> Place:
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
