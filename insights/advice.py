"""What to do about one customer, from all that is stored of orders and tickets."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum

from customers.models import Customer, LineItem, Order
from insights.profiles import CustomerProfile
from insights.retention_facts import light_facts, money_in
from predictions.retention import Advice, OpenTicket, advise
from support.models import Ticket

UNHAPPY_AT_MOST = 2
"""A satisfaction score from which down a ticket counts as unhappy."""
_SENT = ("", "fulfilled", "shipped", "delivered", "completed", "complete")


def advice_for(profile: CustomerProfile, currency: str, ticket: Ticket | None, *, names_subject: bool = True) -> Advice | None:
    """What to do about a customer with a score, None without one; three queries.

    `ticket` is the open one that has waited longest; its subject is a customer's words and stays out unless `names_subject`.
    """
    if profile.churn is None:
        return None
    facts = light_facts(profile.customer, profile.churn)
    told = _told(ticket, names_subject=names_subject) if ticket else None
    return advise(replace(facts, open_ticket=told, **_orders(profile.customer, profile.churn.as_of)), money_in(currency))


def waiting_ticket(customer: Customer) -> Ticket | None:
    """The customer's open ticket that has waited longest; one query."""
    return Ticket.objects.open().filter(customer=customer).first()


def _told(ticket: Ticket, *, names_subject: bool) -> OpenTicket:
    is_unhappy = ticket.reopened or (ticket.satisfaction_score is not None and ticket.satisfaction_score <= UNHAPPY_AT_MOST)
    return OpenTicket(ticket.ticket_id, ticket.subject if names_subject else "", is_unhappy)


def _orders(customer: Customer, as_of: datetime) -> dict[str, Any]:
    orders = Order.objects.valid().filter(customer=customer, placed_at__lte=as_of)
    sums = orders.aggregate(codes=Count("pk", filter=Q(discounts__gt=0)), paid=Sum("total"), back=Sum("refunded"))
    last = orders.order_by("-placed_at", "-id").only("fulfillment_status").first()
    lines = LineItem.objects.filter(order__in=orders.order_by("-placed_at")[:50])
    by_product = lines.values("product__title").annotate(times=Count("order", distinct=True))
    favourite = by_product.order_by("-times", "product__title").first()
    return {
        "codes_used": sums["codes"],
        "returns_share": float(sums["back"] / sums["paid"]) if sums["paid"] else 0.0,
        "last_order_is_unsent": last is not None and last.fulfillment_status.lower() not in _SENT,
        "favourite": favourite["product__title"] if favourite else "",
    }
