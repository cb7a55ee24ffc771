"""What a list is read from: one run and one scoring, and who in that run has the membership asked for."""

import struct
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.db.models.functions import Substr

from customers.figures import STEPS, adding_up
from insights.churn_risk import NOT_PREDICTED_YET
from insights.directory.filters import Filters, unindexed
from insights.profiles import NO_RUN_YET
from predictions.models import ScoringRun
from segmentation.axes import AXES
from segmentation.models import ActiveRun, Archetype, Membership
from segmentation.reading import PinnedRun, pin_active_run

# A share above one half is the largest of its axis, which the digits in `Membership.segments` tell without the share; as it is
# told it may be a step of its last place above what it is.
_DOMINANT_ABOVE = 0.5 + 1 / STEPS
_BYTES_A_SHARE = 4


class UnknownFilter(ValueError):
    """A filter names what the published run does not have; `field` says which filter."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


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
class Reading:
    """What a list is read from: the published run and the newest scoring, each None before the first.

    `archetype` is the key of the one filtered by, `share` says where the membership asked for stands; `missing` says why nobody
    has a score, and is empty where people have.
    """

    run_id: int | None
    archetype: int | None
    share: Share | None
    scored_as_of: datetime | None
    missing: str


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


def members_by_key(keys: list[int], filters: Filters, reading: Reading) -> list[int]:
    """Those of `keys` whose archetype and membership are asked for; one query, none without such a filter."""
    if not filters.by_membership or not keys:
        return keys
    return members_among(Membership.objects.filter(run=reading.run_id, customer__in=keys), filters, reading)


def members_among(rows: QuerySet[Membership], filters: Filters, reading: Reading) -> list[int]:
    """The customers of those `rows` whose archetype and membership are asked for; one query."""
    share = reading.share
    if reading.archetype is not None:
        rows = rows.alias(own=unindexed("archetype")).filter(own=reading.archetype)
    if share is None:
        return list(rows.values_list("customer_id", flat=True))
    if filters.membership_min > _DOMINANT_ABOVE:
        rows = rows.alias(dominant=Substr("segments", share.axis + 1, 1)).filter(dominant=str(share.place))
    return [
        key for key, shares in rows.values_list("customer_id", "shares") if share.is_told_as(filters.membership_min, shares)
    ]
