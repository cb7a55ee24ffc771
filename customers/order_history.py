"""A customer's orders as people read them: newest first, by product or number."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from customers.models import Customer, Order
from customers.paging import Page, page_of

LINES_SHOWN = 3
FEW, MANY = 8, 25


@dataclass(frozen=True)
class ShownOrder:
    """An order, the first lines of it in words ("Rose thread × 3"), and how many more there are."""

    order: Order
    lines: Sequence[str]
    more_lines: int

    @property
    def kept(self) -> Decimal:
        """What the order brought after its refunds."""
        return self.order.total - self.order.refunded


@dataclass(frozen=True)
class OrderHistory:
    """One page of orders; `text` is what was searched for."""

    customer: Customer
    text: str
    page: Page[ShownOrder]

    @property
    def earlier(self) -> int:
        """How many come after this page, at most a page."""
        return min(self.page.size, self.page.total - self.page.last)

    @property
    def is_short(self) -> bool:
        """Whether this is the start of the list beside other things, which grows in place, and not the list's own page."""
        return self.page.size == FEW


def order_history(customer: Customer, text: str = "", page_number: int = 1, size: int = FEW) -> OrderHistory:
    """Orders of every kind, also those that do not count, with their lines.

    Four queries (count, orders, lines, products), one more with a search. A search is for an order number first, and for words
    in products if no order has that number.
    """
    orders = Order.objects.filter(customer=customer)
    if text:
        bare = text.strip().removeprefix("#")
        numbered = orders.filter(number__in=[bare, f"#{bare}", text.strip()])
        orders = numbered if numbered.exists() else orders.mentioning([text.strip()])
    found = page_of(orders.order_by("-placed_at", "-id").prefetch_related("line_items__product"), page_number, size=size)
    return OrderHistory(customer, text, found.showing([_shown(order) for order in found.rows]))


def _shown(order: Order) -> ShownOrder:
    lines = list(order.line_items.all())
    words = [f"{line.product.title} × {line.quantity:,}" if line.quantity != 1 else line.product.title for line in lines]
    return ShownOrder(order, words[:LINES_SHOWN], max(0, len(words) - LINES_SHOWN))
