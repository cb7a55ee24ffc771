"""All that the Customer 360 page shows: the profile, the shape against the archetype, orders, rhythm and tickets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Sum

from accounts.models import Shop
from customers.models import Customer, Order
from customers.money import MoneyField
from customers.order_history import OrderHistory, order_history
from customers.rhythm import usual_gap_days
from insights.advice import advice_for, waiting_ticket
from insights.charts import against_archetype
from insights.profiles import AxisProfile, CustomerProfile, customer_profile
from insights.retention_alert import RetentionAlert, retention_alert
from predictions.retention import Advice
from segmentation.models import ArchetypeSnapshot
from support.ticket_history import TicketHistory, ticket_history

_YEAR = 365


@dataclass(frozen=True)
class Radar:
    """The chart's option and the same numbers as (axis, segment, customer's share, members' mean)."""

    spec: Mapping[str, Any]
    rows: Sequence[tuple[str, str, float, float]]


@dataclass(frozen=True)
class Customer360:
    """One customer for people.

    `advice` is None without a score, `alert` unless somebody should be told at once; `spent_365d` is what the last 365 days
    brought, to compare with what the next are expected to. `radar` is None without an archetype and where too few axes are
    known, `usual_gap_days` below three purchases without a score. Days are those of the shop's calendar, as people count them.
    """

    profile: CustomerProfile
    radar: Radar | None
    orders: OrderHistory
    usual_gap_days: int | None
    days_since_last_order: int | None
    days_known: int
    tickets: TicketHistory
    advice: Advice | None
    alert: RetentionAlert | None
    spent_365d: Decimal

    @property
    def purchase_axes(self) -> Sequence[AxisProfile]:
        """The axes about buying, in the order of the reference."""
        return [axis for axis in self.profile.axes or () if axis.kind == "purchase"]

    @property
    def support_axes(self) -> Sequence[AxisProfile]:
        """The axes about support and where the relationship is going."""
        return [axis for axis in self.profile.axes or () if axis.kind == "support"]

    @property
    def sure_axes(self) -> int:
        """On how many axes there is more to tell from than one thing."""
        return sum(axis.is_sure for axis in self.profile.axes or ())

    @property
    def orders_not_counted(self) -> int:
        """Orders in the list that are in no figure; 0 also where the list is too long to be counted."""
        page = self.orders.page
        return 0 if page.is_capped else max(0, page.total - self.profile.customer.order_count)

    @property
    def change_365d(self) -> Decimal | None:
        """What the next 365 days are expected to bring beyond the last; None without a score or on a first year."""
        churn = self.profile.churn
        if churn is None or self.days_known < _YEAR or not self.spent_365d:
            return None
        return churn.expected[_YEAR].value - self.spent_365d

    @property
    def days_late(self) -> int | None:
        """Days beyond the usual gap since the last order; None while the customer is within it, or has none."""
        since = self.days_since_last_order
        if since is None or self.usual_gap_days is None or since <= self.usual_gap_days:
            return None
        return since - self.usual_gap_days


def customer_360(customer_id: str, shop: Shop, as_of: datetime) -> Customer360:
    """The customer with the shop's id `customer_id`; eighteen queries at most, whatever the history's length.

    Raises
    ------
    Customer.DoesNotExist
        If the shop has no such customer.
    """
    profile = customer_profile(customer_id, as_of)
    customer = profile.customer
    ticket = waiting_ticket(customer) if profile.churn else None
    return Customer360(
        profile=profile,
        radar=_radar(profile),
        orders=order_history(customer),
        usual_gap_days=_usual_gap(profile, shop, as_of),
        days_since_last_order=profile.metrics.days_since_last_purchase,
        days_known=profile.metrics.customer_tenure_days,
        tickets=ticket_history(customer),
        advice=advice_for(profile, shop.currency, ticket),
        alert=retention_alert(customer, profile.churn, open_ticket=str(ticket or "")) if profile.churn else None,
        spent_365d=_spent(customer, as_of - timedelta(days=_YEAR), as_of) if profile.churn else Decimal(0),
    )


def _usual_gap(profile: CustomerProfile, shop: Shop, as_of: datetime) -> int | None:
    """The gap that the lapse risk goes by, so that one page knows one; without a score the median of the customer's own."""
    if profile.churn is not None:
        return profile.churn.lapse.usual_gap_days
    return usual_gap_days(profile.customer, shop.zone, as_of) if profile.customer.order_count else None


def _spent(customer: Customer, since: datetime, until: datetime) -> Decimal:
    """What the customer paid in a time, less refunds; one query."""
    orders = Order.objects.valid().filter(customer=customer, placed_at__gt=since, placed_at__lte=until)
    return orders.aggregate(kept=Sum(F("total") - F("refunded"), output_field=MoneyField()))["kept"] or Decimal(0)


def _radar(profile: CustomerProfile) -> Radar | None:
    if profile.archetype is None or profile.axes is None:
        return None
    strength = ArchetypeSnapshot.objects.values_list("strength", flat=True).get(
        run=profile.run_id, archetype__archetype_id=profile.archetype.archetype_id
    )
    drawn = against_archetype(profile.customer.name, profile.axes, profile.archetype.dominant_segments, strength)
    return Radar(*drawn) if drawn else None
