"""How often a customer comes: purchase occasions and the gap between them."""

from datetime import date, datetime, tzinfo
from itertools import pairwise
from statistics import median

from customers.models import Customer

OCCASIONS_AT_LEAST = 3
OCCASIONS_AT_MOST = 24


def usual_gap_days(customer: Customer, zone: tzinfo, as_of: datetime) -> int | None:
    """The median of days between the last purchases, or None below three; one query over at most 200 orders.

    Orders of one local day are one purchase.
    """
    placed = customer.orders.valid().filter(placed_at__lte=as_of).order_by("-placed_at").values_list("placed_at", flat=True)
    return gap_of([moment.astimezone(zone).date() for moment in placed[:200]])


def days_between(earlier: datetime, later: datetime, zone: tzinfo) -> int:
    """Days of the calendar of `zone`, never below zero: from yesterday night to this morning is one."""
    return max(0, (later.astimezone(zone).date() - earlier.astimezone(zone).date()).days)


def gap_of(days: list[date]) -> int | None:
    """The median gap between the newest `OCCASIONS_AT_MOST` distinct days; None if there are fewer than three."""
    occasions = sorted(set(days))[-OCCASIONS_AT_MOST:]
    if len(occasions) < OCCASIONS_AT_LEAST:
        return None
    return round(median((later - earlier).days for earlier, later in pairwise(occasions)))
