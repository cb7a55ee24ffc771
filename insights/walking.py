"""Buyers by filter and order, found by walking the index of the order.

Each of these indexes holds all that can be filtered by, so PostgreSQL passes over whom a filter leaves out inside the index:
some 30 ns each, 50 ms for a million and a half, however far from the beginning of the order they stand who are wanted. Orders
by a score walk `Prediction`, the others `Standing`, which knows scores by their levels and steps only: where the edge of a
filter lies within one, the prediction decides.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from predictions.maths.lapse import LEVELS
from predictions.models import Prediction, Standing
from predictions.standings import STEPS

Range = tuple[float, float]
"""Scores from the first up to, and without, the second."""
OF_SCORES = ("value_at_risk", "lapse_risk_score", "churn_risk_score")
_ASCENDING = ("name_key",)


@dataclass(frozen=True)
class Wanted:
    """What buyers are filtered by. None asks for nothing; no tiers or ranges at all are nobody's."""

    archetype: int | None = None
    tiers: Collection[int] | None = None
    lapse: Sequence[Range] | None = None
    churn: Sequence[Range] | None = None
    value_at_risk_min: Decimal | int | None = None
    is_active: bool | None = None


def walk(wanted: Wanted, column: str, *, backwards: bool = False) -> QuerySet[Any]:
    """Rows of whom is wanted, the largest of `column` first and names from A, those who share a value by key; or `backwards`.

    Rows of `Prediction` for the columns in `OF_SCORES`, of `Standing` for its four; the key of either is the customer's.
    """
    order = (column, "customer") if column in _ASCENDING else (f"-{column}", "customer")
    if column in OF_SCORES:
        rows: QuerySet[Any] = Prediction.objects.filter(_among_predictions(wanted))
    else:
        rows = Standing.objects.filter(_among_standings(wanted))
        if column == "last_order_at":
            rows = rows.filter(last_order_at__isnull=False)
    rows = rows.order_by(*order)
    return rows.reverse() if backwards else rows


@contextmanager
def by_index() -> Iterator[None]:
    """Read by index only: for the few whom several filters leave PostgreSQL would rather look through the whole table."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL jit = off")
        yield


def at_levels(names: Collection[str]) -> tuple[Range, ...]:
    """The scores at one of these levels of `predictions.maths.lapse`, neighbours as one range; what is no level is nobody's."""
    ranges: list[Range] = []
    above = inf
    for name, edge in LEVELS:
        if name in names:
            joins = bool(ranges) and ranges[-1][0] == above
            ranges = [*ranges[:-1], (edge, ranges[-1][1])] if joins else [*ranges, (edge, above)]
        above = edge
    return tuple(ranges)


def _among_predictions(wanted: Wanted) -> Q:
    asked = _alike(wanted)
    if wanted.lapse is not None:
        asked &= _within("lapse_risk_score", wanted.lapse)
    if wanted.churn is not None:
        asked &= _within("churn_risk_score", wanted.churn)
    if wanted.value_at_risk_min is not None:
        asked &= Q(value_at_risk__gte=wanted.value_at_risk_min)
    return asked


def _among_standings(wanted: Wanted) -> Q:
    asked = _alike(wanted)
    if wanted.lapse is not None:
        asked &= _at_places("lapse_level", "lapse_risk_score", wanted.lapse)
    if wanted.churn is not None:
        asked &= _at_places("churn_level", "churn_risk_score", wanted.churn)
    least = wanted.value_at_risk_min
    if least is not None:
        step = max((step for step, edge in enumerate(STEPS) if edge <= least), default=0)
        asked &= Q(value_at_risk_step__gte=step)
        if STEPS[step] != least:
            asked &= Q(value_at_risk_step__gt=step) | _scored(Q(value_at_risk__gte=least))
    return asked


def _alike(wanted: Wanted) -> Q:
    """What either kind of row says."""
    asked = Q()
    if wanted.archetype is not None:
        asked &= Q(archetype=wanted.archetype)
    if wanted.tiers is not None:
        asked &= _any_of("tier", wanted.tiers)
    if wanted.is_active is not None:
        asked &= Q(is_active=wanted.is_active)
    return asked


def _at_places(place: str, score: str, ranges: Sequence[Range]) -> Q:
    """The levels that `ranges` cover; and those that they cover in part, where the score decides."""
    touched, covered, above = [], [], inf
    for at, (_, edge) in enumerate(LEVELS):
        if any(lowest < above and below > edge for lowest, below in ranges):
            touched.append(at)
            if any(lowest <= edge and below >= above for lowest, below in ranges):
                covered.append(at)
        above = edge
    asked = _any_of(place, touched)
    return asked if touched == covered else asked & (_any_of(place, covered) | _scored(_within(score, ranges)))


def _any_of(column: str, places: Collection[int]) -> Q:
    """Neighbours are asked for as a range, and others within the one around them: an index tests ranges as it is walked."""
    if not places:
        return Q(pk__in=[])
    first, last = min(places), max(places)
    around = Q(**{column: first}) if first == last else Q(**{f"{column}__gte": first, f"{column}__lte": last})
    return around if len(set(places)) == last - first + 1 else around & Q(**{f"{column}__in": sorted(places)})


def _within(score: str, ranges: Sequence[Range]) -> Q:
    """Scores in one of `ranges`; several stand within the one around them, so that an index is walked from where they begin."""
    if not ranges:
        return Q(pk__in=[])
    around = _between(score, min(lowest for lowest, _ in ranges), max(below for _, below in ranges))
    if len(ranges) == 1:
        return around
    any_of = Q()
    for lowest, below in ranges:
        any_of |= _between(score, lowest, below)
    return around & any_of


def _between(score: str, lowest: float, below: float) -> Q:
    within = Q(**{f"{score}__gte": lowest})
    return within if below == inf else within & Q(**{f"{score}__lt": below})


def _scored(asked: Q) -> Q:
    return Q(Exists(Prediction.objects.filter(asked, customer=OuterRef("pk"))))
