"""Archetypes as pages and endpoints show them: one frozen read model behind both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from customers.figures import percentage, ratio, to_cents
from segmentation.axes import AXES, segment_label
from segmentation.models import Archetype, ArchetypeSnapshot
from segmentation.reading import PinnedRun, pin_active_run

TRAITS_AT_MOST = 5
# Too little is known to say more. ("Self-service" and "one-time buyer" stand for little evidence too, but they say something.)
TELLS_NOTHING = frozenset({"products_unknown", "too_early_to_tell", "no_questions_yet", "level_unknown"})


@dataclass(frozen=True)
class ArchetypeSummary:
    """One archetype in one run. Shares and rates run 0 to 1, the percentage 0 to 100 of segmented customers."""

    archetype_id: str
    name: str
    description: str
    author: str
    member_count: int
    exact_count: int
    population_percentage: float
    avg_ltv: Decimal
    total_ltv: Decimal
    avg_orders: float
    avg_order_value: Decimal
    dominant_segments: Mapping[str, str]
    agreement: Mapping[str, float]
    strength: Mapping[str, float]
    defining_axes: tuple[str, ...]
    key_traits: tuple[str, ...]

    @property
    def defining_traits(self) -> tuple[str, ...]:
        """Labels of all defining segments in the order of axes, so that twins differ in the same place."""
        segments, defining = self.dominant_segments, self.defining_axes
        return tuple(
            segment_label(axis.name, segments[axis.name]) for axis in AXES if axis.name in defining and axis.name in segments
        )


@dataclass(frozen=True)
class ArchetypeList:
    """Some archetypes of a run and what they were taken from; before the first run `run_id` and `as_of` are None."""

    archetypes: tuple[ArchetypeSummary, ...]
    total: int
    segmented: int
    run_id: int | None
    as_of: datetime | None


def top_archetypes(metric: str, limit: int, offset: int = 0) -> ArchetypeList:
    """Archetypes of the active run, largest first by `metric`; three queries whatever the number of customers.

    Raises `ValueError` if the metric is not one of `segmentation.querysets.METRICS`.
    """
    pinned = pin_active_run()
    snapshots = ArchetypeSnapshot.objects.top(metric)
    if pinned is None:
        return ArchetypeList((), 0, 0, None, None)
    of_run = snapshots.filter(run=pinned.run)
    return ArchetypeList(
        archetypes=tuple(summarise(snapshot, pinned) for snapshot in of_run[offset : offset + limit]),
        total=ArchetypeSnapshot.objects.filter(run=pinned.run).count(),
        segmented=pinned.run.segmented,
        run_id=pinned.run.pk,
        as_of=pinned.run.as_of,
    )


def archetype_of_active_run(archetype_id: str) -> tuple[ArchetypeSummary, PinnedRun]:
    """One archetype and the run that it was read from; two queries.

    Raises `Archetype.DoesNotExist` if the active run has no such archetype, whether or not an older one had.
    """
    pinned = pin_active_run()
    snapshot = (
        ArchetypeSnapshot.objects.select_related("archetype")
        .filter(run=pinned.run, archetype__archetype_id=archetype_id)
        .first()
        if pinned and "\0" not in archetype_id  # PostgreSQL refuses to look for it
        else None
    )
    if pinned is None or snapshot is None:
        raise Archetype.DoesNotExist(f"no archetype {archetype_id!r} in the active run")
    return summarise(snapshot, pinned), pinned


def summarise(snapshot: ArchetypeSnapshot, pinned: PinnedRun) -> ArchetypeSummary:
    """A stored snapshot as it is shown; no query if its archetype was selected with it."""
    archetype = snapshot.archetype
    defining_axes = tuple(pinned.model.defining_axes)
    orders = snapshot.total_orders
    return ArchetypeSummary(
        archetype_id=archetype.archetype_id,
        name=archetype.name,
        description=archetype.description,
        author=archetype.author,
        member_count=snapshot.member_count,
        exact_count=snapshot.exact_count,
        population_percentage=percentage(snapshot.member_count, pinned.run.segmented),
        avg_ltv=to_cents(snapshot.avg_ltv),
        total_ltv=to_cents(snapshot.total_ltv),
        avg_orders=mean_orders(orders, snapshot.member_count),
        avg_order_value=to_cents(snapshot.total_ltv / orders) if orders else Decimal("0.00"),
        dominant_segments=in_order_of_axes(snapshot.dominant_segments),
        agreement=snapshot.agreement,
        strength=snapshot.strength,
        defining_axes=defining_axes,
        key_traits=key_traits(snapshot.dominant_segments, defining_axes, snapshot.strength),
    )


def key_traits(segments: Mapping[str, str], defining_axes: Sequence[str], strength: Mapping[str, float]) -> tuple[str, ...]:
    """Labels of the defining segments, clearest first, at most `TRAITS_AT_MOST`.

    Only defining axes: elsewhere the segment is the members' mode and may describe few of them. "Too early to tell" is the
    absence of a trait and is left out.
    """
    telling = [axis for axis in defining_axes if segments.get(axis) and segments[axis] not in TELLS_NOTHING]
    telling.sort(key=lambda axis: -strength.get(axis, 0.0))
    return tuple(segment_label(axis, segments[axis]) for axis in telling[:TRAITS_AT_MOST])


def in_order_of_axes(segments: Mapping[str, str]) -> dict[str, str]:
    """The same in the order of `AXES`; PostgreSQL keeps the keys of JSON in an order of its own."""
    return {axis.name: segments[axis.name] for axis in AXES if axis.name in segments}


def mean_orders(orders: int, member_count: int) -> float:
    """Orders a member; 0 without any."""
    return ratio(orders / member_count) if member_count else 0.0
