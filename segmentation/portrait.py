"""One archetype in full: its signature axis by axis, its weight in the shop, and its most valuable members."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from customers.models import Customer
from segmentation.axes import AXES, segment_label
from segmentation.listing import ArchetypeSummary, archetype_of_active_run
from segmentation.models import ArchetypeSnapshot, Membership, SegmentationRun

MEMBERS_SHOWN = 8
MAJORITY = 0.5


@dataclass(frozen=True)
class SignatureLine:
    """The leading segment on one axis: how strong it is in the mean, and how many members have it as their own leading one.

    `defining` axes make the archetype; on the others the segment is the members' most frequent one. Shares run 0 to 1.
    """

    axis: str
    question: str
    segment: str
    meaning: str
    defining: bool
    strength: float
    agreement: float

    @property
    def is_mixed(self) -> bool:
        """Whether the segment is only the most frequent one and speaks for no more than a minority."""
        return min(self.strength, self.agreement) < MAJORITY


@dataclass(frozen=True)
class Portrait:
    """An archetype in the active run. `times_average` compares its average lifetime value with all segmented customers'."""

    archetype: ArchetypeSummary
    run: SegmentationRun
    signature: Sequence[SignatureLine]
    revenue_share: float
    times_average: float | None
    members: Sequence[Customer]


def portrait_of(archetype_id: str) -> Portrait:
    """The archetype with that id; four queries.

    Raises `Archetype.DoesNotExist` if the active run has no such archetype, whether or not an older one had.
    """
    summary, pinned = archetype_of_active_run(archetype_id)
    revenue = ArchetypeSnapshot.objects.filter(run=pinned.run).aggregate(sum=Sum("total_ltv"))["sum"] or Decimal(0)
    average = revenue / pinned.run.segmented if pinned.run.segmented else Decimal(0)
    members = Membership.objects.filter(run=pinned.run, archetype__archetype_id=archetype_id)
    return Portrait(
        archetype=summary,
        run=pinned.run,
        signature=_signature(summary),
        revenue_share=float(summary.total_ltv / revenue) if revenue else 0.0,
        times_average=float(summary.avg_ltv / average) if average else None,
        members=list(
            Customer.objects.filter(pk__in=members.values("customer_id")).order_by("-lifetime_value", "id")[:MEMBERS_SHOWN]
        ),
    )


def _signature(summary: ArchetypeSummary) -> list[SignatureLine]:
    lines = []
    for axis in AXES:
        name = summary.dominant_segments.get(axis.name)
        if name is None:
            continue
        known = next((segment for segment in axis.segments if segment.name == name), None)
        lines.append(
            SignatureLine(
                axis=axis.label,
                question=axis.question,
                segment=segment_label(axis.name, name),
                meaning=known.meaning if known else "",
                defining=axis.name in summary.defining_axes,
                strength=summary.strength.get(axis.name, 0.0),
                agreement=summary.agreement.get(axis.name, 0.0),
            )
        )
    return lines
