"""The customer list: search, filter and order, with each customer's archetype and predictions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from django.db.models import Q

from customers.models import Customer
from customers.paging import CAP, Page, count_up_to, page_of
from customers.querysets import CustomerQuerySet
from predictions.maths.lapse import LEVELS
from predictions.models import Prediction
from segmentation.models import Archetype, Membership, SegmentationRun
from segmentation.reading import pin_active_run

RESCUED = ("critical", "high")
"""The levels of lapse risk that are worth a rescue."""
BY_VALUE_AT_RISK = "-prediction__value_at_risk"
FILTERS = {
    "search": "search",
    "archetype": "archetype filter",
    "awaiting": "filter for those awaiting their first purchase",
    "lapse": "lapse risk filter",
    "tier": "tier filter",
    "churn": "filter for the chance of no order",
    "at_risk": "value at risk filter",
}
"""What can empty the list, in words."""


@dataclass(frozen=True)
class Criteria:
    """What the list shall show; empty means everybody. `order` names columns that have an index.

    Levels are those of `predictions.maths.lapse`, tiers those of `predictions.maths.tiers`; several mean any of them.
    """

    text: str = ""
    archetype_id: str = ""
    awaiting: bool = False
    lapse_levels: tuple[str, ...] = ()
    churn_levels: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    value_at_risk_min: int | None = None
    order: tuple[str, ...] = ("-lifetime_value", "id")

    @property
    def narrows(self) -> bool:
        """Whether anybody may be left out."""
        return bool(self.text or self.archetype_id or self.awaiting or self.asks_for_scores)

    @property
    def asks_for_scores(self) -> bool:
        """Whether a filter looks at predictions, which those without one never pass."""
        return bool(self.lapse_levels or self.churn_levels or self.tiers or self.value_at_risk_min is not None)

    @property
    def rescues(self) -> bool:
        """Whether this is the list of whom to rescue first, whatever else narrows it."""
        return set(self.lapse_levels) == set(RESCUED) and self.order[0] == BY_VALUE_AT_RISK

    @property
    def looks_at_churn(self) -> bool:
        """Whether the chance of no order is asked about, so that the list has to show it."""
        return bool(self.churn_levels) or self.order[0].endswith("churn_risk_score")

    @property
    def by_last_order(self) -> bool:
        """Whether the list is in the order of last orders, which leaves out those who never ordered."""
        return self.order[0].lstrip("-") == "last_order_at" and not self.awaiting

    @property
    def by_score(self) -> bool:
        """Whether the list is in the order of a prediction, which leaves out those without one."""
        return self.order[0].lstrip("-").startswith("prediction__") and not self.awaiting

    @property
    def order_in_force(self) -> tuple[str, ...]:
        """Those who await their first purchase have no value, orders or dates to sort by: the newest profile comes first."""
        by_name = self.order[0].lstrip("-") == "name_key"
        return ("order_count", "-id") if self.awaiting and not by_name else self.order


@dataclass(frozen=True)
class ListedCustomer:
    """A row: the customer, the archetype in the active run and the prediction, each if there is one."""

    customer: Customer
    archetype: Archetype | None
    prediction: Prediction | None


@dataclass(frozen=True)
class Remedy:
    """A way out of an empty list: the filter to drop (a key of `FILTERS`) and whom that would bring."""

    without: str
    found: int
    is_capped: bool

    @property
    def label(self) -> str:
        """The filter in words."""
        return FILTERS[self.without]


@dataclass(frozen=True)
class CustomerList:
    """One page of customers; `archetype` is the one filtered by, None also if the active run does not have it."""

    page: Page[ListedCustomer]
    run: SegmentationRun | None
    archetype: Archetype | None
    remedies: Sequence[Remedy]


def list_customers(criteria: Criteria, page_number: int, size: int = 25) -> CustomerList:
    """The page of customers that `criteria` ask for.

    Five queries (run, count, rows, memberships, predictions), one more with a filter by score, one with an archetype and two
    with a search; an empty list counts again for each filter. The count stops at `customers.paging.CAP`.
    """
    pinned = pin_active_run()
    run = pinned.run if pinned else None
    archetype = Archetype.objects.filter(archetype_id=criteria.archetype_id).first() if criteria.archetype_id else None
    selected = _select(criteria, run, archetype)
    if criteria.text or criteria.asks_for_scores or (criteria.archetype_id and criteria.by_score):
        selected = _few(selected)
    found = page_of(selected.order_by(*criteria.order_in_force), page_number, size=size)
    if run and not criteria.narrows and not criteria.by_last_order and not criteria.by_score:
        found = found.of_all(run.profiles)  # counted by the run; counting ten million anew would take seconds
    remedies = () if found.rows or not criteria.narrows else tuple(_remedies(criteria, run, archetype))
    return CustomerList(found.showing(_as_listed(found.rows, run)), run, archetype, remedies)


def _select(criteria: Criteria, run: SegmentationRun | None, archetype: Archetype | None) -> CustomerQuerySet:
    customers = Customer.objects.matching(criteria.text)
    if criteria.awaiting:
        customers = customers.awaiting_first_purchase()
    if criteria.archetype_id:
        members = Membership.objects.filter(run=run, archetype=archetype) if run and archetype else Membership.objects.none()
        customers = customers.filter(pk__in=members.values("customer_id"))
    if criteria.by_last_order:
        # Databases disagree on where the empty ones go, and the index has them at the wrong end.
        customers = customers.filter(last_order_at__isnull=False)
    if criteria.by_score or criteria.asks_for_scores:
        customers = customers.filter(prediction__isnull=False)
    if criteria.lapse_levels:
        customers = customers.filter(_at_levels("prediction__lapse_risk_score", criteria.lapse_levels))
    if criteria.churn_levels:
        customers = customers.filter(_at_levels("prediction__churn_risk_score", criteria.churn_levels))
    if criteria.tiers:
        places = [tier.value for tier in Prediction.Tier if tier.label in criteria.tiers]
        customers = customers.filter(prediction__tier__in=places)
    if criteria.value_at_risk_min is not None:
        customers = customers.filter(prediction__value_at_risk__gte=criteria.value_at_risk_min)
    return customers


def _at_levels(score: str, levels: Collection[str]) -> Q:
    """Scores at one of `levels`, nobody's if there is no such level.

    Neighbours become one range, and ranges apart stand within the one around them: so an index on the score is walked from
    where the wanted ones begin.
    """
    ranges: list[tuple[float, float]] = []
    above = float("inf")
    for name, edge in LEVELS:
        if name in levels:
            joins = bool(ranges) and ranges[-1][0] == above
            ranges = [*ranges[:-1], (edge, ranges[-1][1])] if joins else [*ranges, (edge, above)]
        above = edge
    if not ranges:
        return Q(pk__in=[])
    any_of = Q()
    for lowest, below in ranges:
        any_of |= _within(score, lowest, below)
    return any_of if len(ranges) == 1 else _within(score, ranges[-1][0], ranges[0][1]) & any_of


def _within(score: str, lowest: float, below: float) -> Q:
    within = Q(**{f"{score}__gte": lowest})
    return within if below == float("inf") else within & Q(**{f"{score}__lt": below})


def _few(customers: CustomerQuerySet) -> CustomerQuerySet:
    """The same customers, found before they are put in order, if they are no more than the list shows; one query.

    For the first rows in an order PostgreSQL likes to walk the order's index until enough of them match, which takes seconds
    when few do; a subquery with a limit leaves it no such choice. Many are soon met on the way.
    """
    _, are_many = count_up_to(customers)
    return customers if are_many else Customer.objects.filter(pk__in=customers.order_by().values("pk")[:CAP])


def _remedies(criteria: Criteria, run: SegmentationRun | None, archetype: Archetype | None) -> list[Remedy]:
    """Each filter that can be dropped to find somebody, the most helpful first."""
    without = {
        "search": replace(criteria, text="") if criteria.text else None,
        "archetype": replace(criteria, archetype_id="") if criteria.archetype_id else None,
        "awaiting": replace(criteria, awaiting=False) if criteria.awaiting else None,
        "lapse": replace(criteria, lapse_levels=()) if criteria.lapse_levels else None,
        "tier": replace(criteria, tiers=()) if criteria.tiers else None,
        "churn": replace(criteria, churn_levels=()) if criteria.churn_levels else None,
        "at_risk": replace(criteria, value_at_risk_min=None) if criteria.value_at_risk_min is not None else None,
    }
    counted = [
        Remedy(name, *count_up_to(_select(less, run, archetype))) for name, less in without.items() if less and less.narrows
    ]
    return sorted((remedy for remedy in counted if remedy.found), key=lambda remedy: remedy.found)


def _as_listed(customers: Sequence[Customer], run: SegmentationRun | None) -> list[ListedCustomer]:
    """`customers` with what is stored of them; a query for the archetypes and one for the predictions."""
    keys = [customer.pk for customer in customers]
    archetypes: dict[int, Archetype | None] = {}
    if run and keys:
        memberships = Membership.objects.filter(run=run, customer__in=keys).select_related("archetype")
        archetypes = {m.customer_id: m.archetype for m in memberships.only("customer_id", "archetype")}
    # Who has no order that counts any more keeps a score until the next scoring, and is not shown it.
    predictions = Prediction.objects.in_bulk([customer.pk for customer in customers if customer.order_count])
    return [ListedCustomer(each, archetypes.get(each.pk), predictions.get(each.pk)) for each in customers]
