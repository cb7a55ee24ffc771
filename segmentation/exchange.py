"""Who came to an archetype from which others, and who went where, between the last two months that can be compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from segmentation.models import Archetype, ArchetypeMonth
from segmentation.movement import months_before
from segmentation.reading import PinnedRun

NO_MONTHS = "There are no two months yet that can be compared; the first run of each month is kept."
NOBODY = "Nobody was in this archetype in either month; it may have been found since."


@dataclass(frozen=True)
class Way:
    """Customers who went one way; `name` is empty for an archetype without a row."""

    archetype_id: str
    name: str
    customers: int


@dataclass(frozen=True)
class Exchange:
    """Between two months: `stayed`, `newcomers` (not segmented before), and the ways in and out, most taken first.

    Without two months all is empty and `reason` says so; it also says where nobody was in the archetype.
    """

    before: datetime | None
    after: datetime | None
    stayed: int
    newcomers: int
    came_from: Sequence[Way]
    went_to: Sequence[Way]
    reason: str


def exchange_of(archetype_id: str, pinned: PinnedRun) -> Exchange:
    """The exchange of one archetype up to the moment of the run; three queries.

    Of each archetype the ways that most have taken are kept (`maths.movement.MOST_WAYS`), so the ways in are the well-trodden
    ones. Who is in the first month alone went nowhere and is left out.
    """
    months = ArchetypeMonth.objects.filter(as_of__lte=pinned.run.as_of).exclude(moves=[]).defer("members")
    month = months.order_by("-month").first()
    if month is None:
        return Exchange(None, None, 0, 0, (), (), NO_MONTHS)
    came = {str(origin): int(count) for origin, to, count in month.moves if to == archetype_id}
    went = {str(to): int(count) for origin, to, count in month.moves if origin == archetype_id and to != archetype_id}
    stayed, newcomers = came.pop(archetype_id, 0), came.pop("", 0)
    found = Archetype.objects.filter(archetype_id__in=[*came, *went])
    names = dict(found.values_list("archetype_id", "name"))
    before = months_before(month.as_of).values_list("as_of", flat=True).first()
    told = "" if came or went or stayed or newcomers else NOBODY
    return Exchange(before, month.as_of, stayed, newcomers, _ways(came, names), _ways(went, names), told)


def _ways(counts: dict[str, int], names: dict[str, str]) -> tuple[Way, ...]:
    ways = [Way(key, names.get(key, ""), count) for key, count in counts.items()]
    return tuple(sorted(ways, key=lambda way: (-way.customers, way.archetype_id)))
