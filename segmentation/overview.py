"""All archetypes of the active run at a glance: search, order, and where the revenue comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from customers.paging import Page, page_within
from segmentation.axes import segment_label
from segmentation.listing import ArchetypeSummary, summarise
from segmentation.models import ArchetypeSnapshot, SegmentationRun
from segmentation.reading import pin_active_run

HEAD, NEXT = 10, 90


@dataclass(frozen=True)
class RevenueBand:
    """Archetypes that follow each other by revenue: "Top 10", their number, and their share of all revenue."""

    words: str
    archetypes: int
    share: float


@dataclass(frozen=True)
class ArchetypeOverview:
    """One page of archetypes, largest first by the metric.

    `total` counts all of the run, `largest` is the greatest revenue of one, `rest` the revenue of those not on the page.
    """

    run: SegmentationRun | None
    page: Page[ArchetypeSummary]
    total: int
    largest: Decimal
    rest: Decimal
    bands: Sequence[RevenueBand]


def archetype_overview(metric: str, text: str = "", number: int = 1, *, least: int = 0) -> ArchetypeOverview:
    """Page `number` of the archetypes with at least `least` members whose name or a segment holds `text`.

    Two queries: a run has at most `ARCHETYPES_AT_MOST` (1,000) archetypes, which are read and searched here, so that traits are
    found by the words that people see. Raises `ValueError` if the metric is not one of `segmentation.querysets.METRICS`.
    """
    pinned = pin_active_run()
    if pinned is None:
        return ArchetypeOverview(None, page_within((), 1), 0, Decimal(0), Decimal(0), ())
    snapshots = list(ArchetypeSnapshot.objects.top(metric).filter(run=pinned.run))
    matching = [snapshot for snapshot in snapshots if snapshot.member_count >= least and _speaks_of(snapshot, text)]
    page = page_within(matching, number)
    return ArchetypeOverview(
        run=pinned.run,
        page=page.showing([summarise(snapshot, pinned) for snapshot in page.rows]),
        total=len(snapshots),
        largest=max((snapshot.total_ltv for snapshot in snapshots), default=Decimal(0)),
        rest=sum((snapshot.total_ltv for snapshot in snapshots), Decimal(0))
        - sum((s.total_ltv for s in page.rows), Decimal(0)),
        bands=revenue_bands([snapshot.total_ltv for snapshot in snapshots]),
    )


def revenue_bands(revenues: Sequence[Decimal]) -> list[RevenueBand]:
    """The top 10, the next 90 and the others, each with its share of the sum; empty without revenue."""
    ordered = sorted(revenues, reverse=True)
    total = sum(ordered, Decimal(0))
    if total <= 0:
        return []
    cuts = (ordered[:HEAD], ordered[HEAD : HEAD + NEXT], ordered[HEAD + NEXT :])
    names = ("Top", "Next", "Other")
    return [
        RevenueBand(f"{name} {len(cut):,}", len(cut), float(sum(cut, Decimal(0)) / total))
        for name, cut in zip(names, cuts, strict=True)
        if cut
    ]


def _speaks_of(snapshot: ArchetypeSnapshot, text: str) -> bool:
    wanted = " ".join(text.lower().split())
    if not wanted or wanted in snapshot.archetype.name.lower():
        return True
    return any(wanted in segment_label(axis, name).lower() for axis, name in snapshot.dominant_segments.items())
