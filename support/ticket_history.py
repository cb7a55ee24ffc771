"""A customer's tickets as people read them, newest first, and what was said in one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from customers.models import Customer
from customers.paging import Page, page_of
from support.models import Ticket, TicketMessage

FEW, MANY = 6, 25
MESSAGES_SHOWN = 100


@dataclass(frozen=True)
class TicketHistory:
    """One page of a customer's tickets."""

    customer: Customer
    page: Page[Ticket]

    @property
    def earlier(self) -> int:
        """How many come after this page, at most a page."""
        return min(self.page.size, self.page.total - self.page.last)


@dataclass(frozen=True)
class Conversation:
    """The messages of one ticket, oldest first; `untold` counts those that are not shown, or that we were only told of."""

    ticket: Ticket
    messages: Sequence[TicketMessage]
    untold: int


def ticket_history(customer: Customer, page_number: int = 1, size: int = FEW) -> TicketHistory:
    """The page of tickets; two queries."""
    tickets = Ticket.objects.filter(customer=customer).order_by("-created_at", "-id")
    return TicketHistory(customer, page_of(tickets, page_number, size=size))


def conversation(ticket: Ticket) -> Conversation:
    """What was said, up to `MESSAGES_SHOWN` messages; two queries."""
    messages = TicketMessage.objects.filter(ticket=ticket)
    shown = list(messages.order_by("created_at", "id")[:MESSAGES_SHOWN])
    return Conversation(ticket, shown, max(messages.count(), ticket.message_count) - len(shown))
