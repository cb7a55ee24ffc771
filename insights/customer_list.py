"""The customer list: search, filter and order, with each customer's archetype and predictions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet

from customers.models import Customer
from customers.paging import CAP, Page, count_up_to, page_of, page_of_keys
from insights.walking import OF_SCORES, Wanted, at_levels, by_index, walk
from predictions.models import Prediction, Standing
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
        return bool(self.churn_levels) or self.column == "churn_risk_score"

    @property
    def by_last_order(self) -> bool:
        """Whether the list is in the order of last orders, which leaves out those who never ordered."""
        return self.column == "last_order_at" and not self.awaiting

    @property
    def by_score(self) -> bool:
        """Whether the list is in the order of a prediction, which leaves out those without one."""
        return self.column in OF_SCORES and not self.awaiting

    @property
    def finds_buyers(self) -> bool:
        """Whether only those with a score or an archetype are asked for."""
        return bool(self.archetype_id) or self.asks_for_scores or self.by_score

    @property
    def column(self) -> str:
        """What the order is by, whichever table has it."""
        return self.order[0].lstrip("-").removeprefix("prediction__")

    @property
    def order_in_force(self) -> tuple[str, ...]:
        """Those who await their first purchase have no value, orders or dates to sort by: the newest profile comes first."""
        return ("order_count", "-id") if self.awaiting and self.column != "name_key" else self.order


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

    Five queries (run, keys or count, rows, memberships, predictions), one more with an archetype and up to three with a search;
    an empty list counts again for each filter. Nothing goes further than `customers.paging.CAP`. Whatever the filters and the
    order, some 0.15 s at most among two million customers on PostgreSQL; the last pages of a search that many match take more.
    """
    pinned = pin_active_run()
    run = pinned.run if pinned else None
    archetype = Archetype.objects.filter(archetype_id=criteria.archetype_id).first() if criteria.archetype_id else None
    found = _page_of_buyers if criteria.finds_buyers else _page_of_everybody
    page = found(criteria, archetype, page_number, size)
    if run and not criteria.narrows and not criteria.by_last_order and not criteria.by_score:
        page = page.of_all(run.profiles)  # counted by the run; counting ten million anew would take seconds
    remedies = () if page.rows or not criteria.narrows else tuple(_remedies(criteria, archetype))
    return CustomerList(page.showing(_as_listed(page.rows, run)), run, archetype, remedies)


def _page_of_buyers(criteria: Criteria, archetype: Archetype | None, number: int, size: int) -> Page[Customer]:
    rows = _select_buyers(criteria, archetype)
    matching, are_many = _matching(criteria.text) if criteria.text else (None, False)
    with by_index():
        if matching is not None and are_many:
            # No index holds what is searched for, so these are put in order no further than to the end of the page.
            found = page_of(rows.filter(pk__in=matching), number, size=size)
            page = found.showing([row.pk for row in found.rows])
        else:
            page = page_of_keys(rows if matching is None else rows.filter(pk__in=matching[:CAP]), number, size=size)
    customers = Customer.objects.in_bulk(page.rows)
    return page.showing([customers[key] for key in page.rows if key in customers])


def _page_of_everybody(criteria: Criteria, archetype: Archetype | None, number: int, size: int) -> Page[Customer]:
    customers = _select_customers(criteria)
    return page_of(_few(customers) if criteria.text else customers, number, size=size)


def _select_customers(criteria: Criteria) -> QuerySet[Customer]:
    """In order; no filter by score or archetype."""
    customers = Customer.objects.matching(criteria.text)
    if criteria.awaiting:
        customers = customers.awaiting_first_purchase()
    if criteria.by_last_order:
        # Databases disagree on where the empty ones go, and the index has them at the wrong end.
        customers = customers.filter(last_order_at__isnull=False)
    return customers.order_by(*criteria.order_in_force)


def _select_buyers(criteria: Criteria, archetype: Archetype | None) -> QuerySet[Any]:
    """In order, rows of `walking.walk`; whatever they are searched for."""
    if criteria.awaiting or (criteria.archetype_id and archetype is None):
        return Standing.objects.none()  # who awaits his first purchase has neither
    wanted = Wanted(
        archetype=archetype.pk if archetype else None,
        tiers=[tier.value for tier in Prediction.Tier if tier.label in criteria.tiers] if criteria.tiers else None,
        lapse=at_levels(criteria.lapse_levels) if criteria.lapse_levels else None,
        churn=at_levels(criteria.churn_levels) if criteria.churn_levels else None,
        value_at_risk_min=criteria.value_at_risk_min,
    )
    return walk(wanted, criteria.column, backwards=criteria.order[1].startswith("-"))


def _matching(text: str) -> tuple[QuerySet[Customer, Any], bool]:
    """Keys of those who match a search, and whether they are more than the list shows; two queries."""
    matching = Customer.objects.matching(text)
    _, are_many = count_up_to(matching)
    return matching.order_by().values("pk"), are_many


def _few(customers: QuerySet[Customer]) -> QuerySet[Customer]:
    """The same customers, found before they are put in order, if they are no more than the list shows; one query.

    For the first rows in an order PostgreSQL likes to walk the order's index until enough of them match, which takes seconds
    when few do; a subquery with a limit leaves it no such choice. Many are soon met on the way.
    """
    _, are_many = count_up_to(customers)
    if are_many:
        return customers
    return Customer.objects.filter(pk__in=customers.order_by().values("pk")[:CAP]).order_by(*customers.query.order_by)


def _remedies(criteria: Criteria, archetype: Archetype | None) -> list[Remedy]:
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
    with by_index():
        counted = [Remedy(name, *_count(less, archetype)) for name, less in without.items() if less and less.narrows]
    return sorted((remedy for remedy in counted if remedy.found), key=lambda remedy: remedy.found)


def _count(criteria: Criteria, archetype: Archetype | None) -> tuple[int, bool]:
    """How many `criteria` find, and whether there are more."""
    if not criteria.finds_buyers:
        return count_up_to(_select_customers(criteria))
    rows = _select_buyers(criteria, archetype)
    return count_up_to(rows.filter(pk__in=_matching(criteria.text)[0]) if criteria.text else rows)


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
