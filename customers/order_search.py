"""Which of a customer's orders hold a product or fall into a period, a stretch at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from django.db.models import Prefetch

from customers.models import Customer, LineItem, Order

# Beyond these no shop has orders, and a zone's offset would leave the calendar.
EARLIEST, LATEST = date(1900, 1, 1), date(9000, 1, 1)


@dataclass(frozen=True)
class FoundOrders:
    """A stretch of orders, newest first, with lines and products; `matching` counts all that were found."""

    orders: tuple[Order, ...]
    matching: int
    limit: int
    offset: int

    @property
    def has_more(self) -> bool:
        """Whether there are orders after these."""
        return self.offset + len(self.orders) < self.matching


def search_orders(
    customer: Customer,
    *,
    zone: tzinfo,
    terms: Sequence[str] = (),
    start: date | None = None,
    end: date | None = None,
    limit: int,
    offset: int = 0,
) -> FoundOrders:
    """Orders with any of `terms` in a line, placed from `start` to `end` (both days included, in `zone`).

    Every order is there, also those that do not count; `Order.left_out` says which. Three queries whatever the number of
    orders, one if there is none to show.
    """
    found = Order.objects.filter(customer=customer).mentioning(list(terms))
    if start:
        found = found.filter(placed_at__gte=_midnight(start, zone))
    if end:
        found = found.filter(placed_at__lt=_midnight(min(end, LATEST) + timedelta(days=1), zone))
    matching = found.count()
    lines = Prefetch("line_items", LineItem.objects.select_related("product").order_by("order_id", "position"))
    page = found.prefetch_related(lines)[offset : offset + limit] if offset < matching else ()
    return FoundOrders(tuple(page), matching, limit, offset)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(min(max(day, EARLIEST), LATEST + timedelta(days=1)), time(), tzinfo=zone)
