"""Where the shop's customers are going: active customers and archetypes in the months to come, for page and endpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from math import floor, log10

from django.db.models import Sum

from accounts.models import Shop
from customers.models import Customer
from predictions.growth import months_before
from predictions.maths.days import number_of
from predictions.maths.growth import Month
from predictions.maths.projecting import TooLittleHistory, project
from predictions.maths.projection import Projection
from predictions.models import RiskTally, ScoringRun
from segmentation.maths.movement import project_members
from segmentation.models import ActiveRun, ArchetypeMonth, ArchetypeSnapshot, SegmentationRun
from segmentation.movement import months_before as archetype_months_before
from segmentation.publishing import NO_RUN

NOBODY_SCORED = "Nobody is scored yet: predictions are made every night, and by the command `predict`."
ACTIVE = (
    "Active customers: buyers whose last order is no longer ago than their own horizon, the shortest of 30, 90 and 180 days "
    "that is at least twice their usual gap between orders (180 if none is)."
)
BUYERS = "Buyers: customers with at least one valid order. Who of them is active is not known yet."


@dataclass(frozen=True)
class Populations:
    """How many customers there are, by each way of counting; active and lapsed are buyers, None while nobody is scored."""

    profiles: int
    buyers: int
    segmented: int
    active: int | None
    lapsed: int | None


@dataclass(frozen=True)
class Outlook:
    """The last month of a projection in round numbers, for a sentence; as round as the range is wide."""

    month: date
    customers: int
    low: int
    high: int


@dataclass(frozen=True)
class Growth:
    """Active customers now, in the months kept, and in those to come.

    `projection` is None where there is nothing to project from, and `reason` says what is missing. `as_of` is the moment of
    the scores that say who is active; before there are any it is the moment of asking (`is_as_of_now`). `is_edited` where a
    rate was given in place of the shop's own.
    """

    as_of: datetime
    is_as_of_now: bool
    zone: tzinfo
    customers: Populations
    run: SegmentationRun | None
    history: tuple[Month, ...]
    projection: Projection | None
    reason: str
    is_edited: bool

    @property
    def current_customers(self) -> int:
        """Active customers; buyers as long as nobody knows who is active."""
        return self.customers.buyers if self.customers.active is None else self.customers.active

    @property
    def today(self) -> date:
        """The day of `as_of` on the shop's calendar."""
        return self.as_of.astimezone(self.zone).date()

    @property
    def basis(self) -> str:
        """What `current_customers` counts, in words."""
        return BUYERS if self.customers.active is None else ACTIVE

    @property
    def outlook(self) -> Outlook | None:
        """What the projection says in the end."""
        if self.projection is None:
            return None
        last = self.projection.rows[-1]
        step = 10 ** max(floor(log10(max(last.high - last.low, 1))) - 1, 0)
        about = [step * round(count / step) for count in (last.customers, last.low, last.high)]
        return Outlook(last.month, *about)

    @property
    def in_words(self) -> str:
        """The outlook as a clause, for who does not see it drawn; empty without one."""
        if self.projection is None or (last := self.outlook) is None:
            return ""
        return (
            f"{self.projection.active:,} active customers now; the projection reaches {last.customers:,} "
            f"by {last.month:%B %Y}, 80% range {last.low:,} to {last.high:,}"
        )


@dataclass(frozen=True)
class ArchetypeChange:
    """An archetype now and at the end of a projection; `name` is empty for one without a row."""

    archetype_id: str
    name: str
    now: int
    then: int

    @property
    def change(self) -> int:
        """Members more, or fewer."""
        return self.then - self.now


@dataclass(frozen=True)
class ArchetypeGrowth:
    """Members by archetype id now, and at the end of each month to come.

    `projected` is None, with a `reason`, where there is nothing to project from; `method` says in words what it rests on.
    `run` is the segmentation that the members of now are of, and `as_of` its moment; before the first they are None and that of
    the growth.
    """

    run: SegmentationRun | None
    as_of: datetime
    current: Mapping[str, int]
    names: Mapping[str, str]
    projected: Sequence[tuple[date, Mapping[str, int]]] | None
    method: str
    reason: str

    def most_changed(self, count: int = 8) -> list[ArchetypeChange]:
        """Archetypes that gain or lose most members by the last month, largest change first; those that stay are left out."""
        if not self.projected:
            return []
        _, last = self.projected[-1]
        changes = [ArchetypeChange(key, self.names.get(key, ""), now, last.get(key, 0)) for key, now in self.current.items()]
        changes.sort(key=lambda each: (-abs(each.change), each.archetype_id))
        return [each for each in changes[:count] if each.change]


def growth_projection(
    months: int, as_of: datetime, *, churn_rate: float | None = None, acquisition_rate: float | None = None
) -> Growth:
    """Active customers for so many months, at the shop's own pace or at the rates given (0 to 1 a month).

    Seven queries whatever the number of customers; 40 ms more when a process meets the months kept for the first time.
    """
    scoring = ScoringRun.objects.defer("drift").first()
    scored_at = scoring.as_of if scoring else as_of
    zone = Shop.current().zone
    today = scored_at.astimezone(zone).date()
    tally = RiskTally.objects.filter(measure=RiskTally.Measure.LAPSE).aggregate(scored=Sum("customers"), active=Sum("active"))
    run = _active_run()
    reason = scoring.missing if scoring else ""
    if not reason and not tally["scored"]:
        reason = NOBODY_SCORED
    customers = Populations(
        profiles=run.profiles if run else Customer.objects.count(),  # counted by the run: ten million anew take seconds
        buyers=(scoring.buyers if scoring else Customer.objects.buyers().count()) if reason else tally["scored"],
        segmented=run.segmented if run else 0,
        active=None if reason else tally["active"],
        lapsed=None if reason else tally["scored"] - tally["active"],
    )
    history = months_before(number_of(today))
    projection = None
    if customers.active is not None and customers.lapsed is not None:
        try:
            projection = project(
                history,
                customers.active,
                customers.lapsed,
                today,
                months,
                churn_rate=churn_rate,
                acquisition_rate=acquisition_rate,
            )
        except TooLittleHistory as missing:
            reason = str(missing)
    is_edited = churn_rate is not None or acquisition_rate is not None
    return Growth(scored_at, scoring is None, zone, customers, run, history, projection, reason, is_edited)


def archetype_growth(growth: Growth) -> ArchetypeGrowth:
    """Members of the active run's archetypes, in the months of `growth` and with its newcomers; three queries.

    From the moves between the last two months kept that can be compared, else from shares and growth alone.
    """
    run = growth.run
    if run is None:
        return ArchetypeGrowth(None, growth.as_of, {}, {}, None, "", NO_RUN)
    snapshots = ArchetypeSnapshot.objects.filter(run=run).order_by("archetype__archetype_id")
    rows = list(snapshots.values_list("archetype__archetype_id", "archetype__name", "member_count"))
    current = {key: members for key, _, members in rows}
    names = {key: name for key, name, _ in rows}
    if growth.projection is None:
        return ArchetypeGrowth(run, run.as_of, current, names, None, "", growth.reason)
    kept = ArchetypeMonth.objects.filter(as_of__lte=run.as_of).exclude(moves=[]).defer("members").order_by("-month").first()
    newcomers = [row.newcomers for row in growth.projection.rows]
    moved = [(str(origin), str(to), int(count)) for origin, to, count in kept.moves] if kept else []
    members = project_members(current, moved, newcomers)
    if kept is None:
        method = "From shares and growth alone: there are no two months yet that can be compared."
    elif not members.observed:
        method = "From shares and growth alone: the archetypes have been found anew since the months that can be compared."
    else:
        method = f"From {members.observed:,} customers’ moves {_between(kept, growth.zone)}."
    projected = [(row.month, counts) for row, counts in zip(growth.projection.rows, members.months, strict=True)]
    return ArchetypeGrowth(run, run.as_of, current, names, projected, method, "")


def _active_run() -> SegmentationRun | None:
    pointer = ActiveRun.objects.select_related("run").defer("run__summary", "run__error").filter(pk=1).first()
    return pointer.run if pointer else None


def _between(kept: ArchetypeMonth, zone: tzinfo) -> str:
    """ "between 1 October and 1 November 2026"; one query."""
    before = archetype_months_before(kept.as_of).values_list("as_of", flat=True).first() or kept.as_of - timedelta(days=30)
    begin, end = before.astimezone(zone), kept.as_of.astimezone(zone)
    year = "" if begin.year == end.year else f" {begin.year}"
    return f"between {begin.day} {begin:%B}{year} and {end.day} {end:%B} {end.year}"
