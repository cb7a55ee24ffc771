"""The one read model of a customer, behind Customer 360, the support sidebar and the API."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from customers.figures import STEPS, adding_up, percentage, to_cents
from customers.models import Customer
from customers.rhythm import days_between
from insights.churn_risk import NOT_IN_PREDICTION_YET, NOT_PREDICTED_YET, ChurnRisk, churn_risk
from insights.profile_row import ArchetypeRow, ProfileRow, RunRow, read_profile_row
from insights.retention_facts import light_facts, money_in
from predictions.retention import advise, recommendation
from segmentation.axes import AXES, Axis, segment_label
from segmentation.listing import in_order_of_axes, key_traits, mean_orders
from segmentation.models import Membership
from segmentation.reading import evidence_of, memberships_of

AWAITING_FIRST_PURCHASE = "Awaiting first purchase to analyze behavior"
NO_RUN_YET = "No segmentation has been published yet; run `segment` or start one from the archetypes page."
NOT_IN_RUN_YET = "First order recorded after the last segmentation; this customer is about to be segmented."
BLENDED_BELOW = 0.5


@dataclass(frozen=True)
class BusinessMetrics:
    """Over valid orders, in the shop's currency; refunds are netted in the lifetime value. Days are the shop's calendar's."""

    lifetime_value: Decimal
    total_orders: int
    avg_order_value: Decimal
    days_since_last_purchase: int | None
    customer_tenure_days: int


@dataclass(frozen=True)
class ArchetypeCard:
    """The customer's archetype. He agrees with it on `agrees_on` of the `defining_axes`."""

    archetype_id: str
    name: str
    description: str
    author: str
    member_count: int
    population_percentage: float
    avg_ltv: Decimal
    avg_orders: float
    dominant_segments: Mapping[str, str]
    key_traits: tuple[str, ...]
    agrees_on: int
    defining_axes: tuple[str, ...]


@dataclass(frozen=True)
class AxisProfile:
    """One axis of one customer; `shares` is (segment, label, share) with the largest share first, and they add up to one.

    `evidence` counts the observations behind it; with fewer than the axis needs `has_evidence` is false and the whole share
    is in the axis's "not enough" segment. `blended` says that no segment holds half of the customer. `rests_on_one` is "order",
    "item" or "ticket" where one such thing is all that there is: the shares are what it suggests, not yet a habit.
    """

    axis: str
    label: str
    question: str
    kind: str
    shares: tuple[tuple[str, str, float], ...]
    evidence: int
    has_evidence: bool
    blended: bool
    rests_on_one: str

    @property
    def is_sure(self) -> bool:
        """Whether there is enough to tell from, and more than one thing."""
        return self.has_evidence and not self.rests_on_one


@dataclass(frozen=True)
class CustomerProfile:
    """All that is known of a customer at `as_of`.

    Without an archetype `awaiting_reason` says why, in one sentence; without predictions `churn_reason` does.
    """

    customer: Customer
    archetype: ArchetypeCard | None
    axes: tuple[AxisProfile, ...] | None
    metrics: BusinessMetrics
    churn: ChurnRisk | None
    churn_reason: str
    recommendation: str
    awaiting_reason: str
    as_of: datetime
    run_id: int | None
    scored_at: datetime | None


def customer_profile(customer_id: str, as_of: datetime) -> CustomerProfile:
    """The profile of the customer with the shop's id `customer_id`.

    One query, and one more when this process meets a model for the first time. The active run is read in the same statement,
    so a profile never mixes two runs.

    Raises
    ------
    Customer.DoesNotExist
        If the shop has no such customer.
    """
    row = read_profile_row(customer_id)
    customer, run = row.customer, row.run
    membership = row.membership if customer.order_count else None
    archetype = _archetype_card(row.archetype, membership, run) if row.archetype and membership and run else None
    metrics, churn = business_metrics(customer, as_of, row.zone), None
    if row.prediction and row.scoring and row.version_made_at and customer.order_count:
        churn = churn_risk(
            customer,
            row.prediction,
            recency_days=metrics.days_since_last_purchase or 0,
            as_of=as_of,
            churn_days=row.scoring.churn_days,
            model_made_at=row.version_made_at,
            zone=row.zone,
        )
    return CustomerProfile(
        customer=customer,
        archetype=archetype,
        axes=_axis_profiles(membership, run, customer.order_count) if membership and run else None,
        metrics=metrics,
        churn=churn,
        churn_reason="" if churn else _churn_reason(row),
        recommendation=_recommendation(row, churn) if churn else "",
        awaiting_reason="" if archetype else _awaiting_reason(row),
        as_of=as_of,
        run_id=run.pk if run else None,
        scored_at=membership.scored_at if membership else None,
    )


def find_customer(customer_id: str) -> Customer:
    """The customer with the shop's id; one query. Raises `Customer.DoesNotExist`, also for text that no id can be."""
    if "\0" in customer_id:  # PostgreSQL refuses to look for it
        raise Customer.DoesNotExist
    return Customer.objects.get(customer_id=customer_id)


def random_customer() -> Customer | None:
    """Any customer, None if there is none; three index look-ups at any size.

    The first row at or after a random key: after a gap in the keys a row is somewhat likelier, which trying things out does
    not mind, and ordering ten million rows at random would take seconds.
    """
    keys = Customer.objects.values_list("pk", flat=True)
    oldest, newest = keys.order_by("pk").first(), keys.order_by("-pk").first()
    if oldest is None or newest is None:
        return None
    start = random.randint(oldest, newest)  # noqa: S311  (no secret)
    return Customer.objects.filter(pk__gte=start).order_by("pk").first()


def business_metrics(customer: Customer, as_of: datetime, zone: tzinfo) -> BusinessMetrics:
    """The metrics kept on the customer's row, with ages at `as_of` in days of the calendar of `zone`; no query.

    By the calendar, as people count days, and as everything that is predicted does: an order of yesterday night is a day old
    this morning. Tenure counts from the profile's date or the first order, whichever came first, and from the day that we
    stored the profile if the shop told neither.
    """
    known_since = min(filter(None, (customer.created_at, customer.first_order_at)), default=customer.stored_at)
    last = customer.last_order_at
    return BusinessMetrics(
        lifetime_value=to_cents(customer.lifetime_value),
        total_orders=customer.order_count,
        avg_order_value=to_cents(customer.lifetime_value / customer.order_count) if customer.order_count else Decimal("0.00"),
        days_since_last_purchase=days_between(last, as_of, zone) if last else None,
        customer_tenure_days=days_between(known_since, as_of, zone),
    )


def _awaiting_reason(row: ProfileRow) -> str:
    if not row.customer.order_count:
        return AWAITING_FIRST_PURCHASE
    return NOT_IN_RUN_YET if row.run else NO_RUN_YET


def _recommendation(row: ProfileRow, churn: ChurnRisk) -> str:
    facts = light_facts(row.customer, churn, open_ticket=row.open_ticket)
    return recommendation(advise(facts, money_in(row.currency)))


def _churn_reason(row: ProfileRow) -> str:
    if not row.customer.order_count:
        return AWAITING_FIRST_PURCHASE
    if row.scoring is None:
        return NOT_PREDICTED_YET
    return row.scoring.missing or NOT_IN_PREDICTION_YET


def _archetype_card(archetype: ArchetypeRow, membership: Membership, run: RunRow) -> ArchetypeCard:
    defining_axes = tuple(run.model.defining_axes)
    return ArchetypeCard(
        archetype_id=archetype.archetype_id,
        name=archetype.name,
        description=archetype.description,
        author=archetype.author,
        member_count=archetype.member_count,
        population_percentage=percentage(archetype.member_count, run.segmented),
        avg_ltv=to_cents(archetype.avg_ltv),
        avg_orders=mean_orders(archetype.total_orders, archetype.member_count),
        dominant_segments=in_order_of_axes(archetype.dominant_segments),
        key_traits=key_traits(archetype.dominant_segments, defining_axes, archetype.strength),
        agrees_on=membership.agrees_on,
        defining_axes=defining_axes,
    )


def _axis_profiles(membership: Membership, run: RunRow, order_count: int) -> tuple[AxisProfile, ...]:
    memberships, evidence = memberships_of(membership, run.model), evidence_of(membership)
    profiles = []
    for axis in AXES:
        own = memberships[axis.name]
        told = zip(own, adding_up(list(own.values()), STEPS), strict=True)
        shares = sorted(((name, steps / STEPS) for name, steps in told), key=lambda item: -item[1])
        profiles.append(
            AxisProfile(
                axis=axis.name,
                label=axis.label,
                question=axis.question,
                kind=axis.kind,
                shares=tuple((name, segment_label(axis.name, name), share) for name, share in shares),
                evidence=evidence[axis.name],
                has_evidence=evidence[axis.name] >= axis.least_evidence,
                blended=shares[0][1] < BLENDED_BELOW,
                rests_on_one=_rests_on_one(axis, evidence[axis.name], order_count),
            )
        )
    return tuple(profiles)


def _rests_on_one(axis: Axis, evidence: int, order_count: int) -> str:
    """What the axis knows only one of; several items of one order are one order's."""
    if evidence < axis.least_evidence:
        return ""
    if axis.evidence == "tickets":
        return "ticket" if evidence == 1 else ""
    if order_count == 1:
        return "order"
    return ("order" if axis.evidence == "orders" else "item") if evidence == 1 else ""
