"""The log of an endpoint, newest first, page by page without counting; and one delivery of it with all that is known."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from integrations.delivering import MOST_ATTEMPTS
from integrations.events import TEST
from integrations.models import Attempt, Delivery, WebhookEndpoint

Place = tuple[datetime, str]
ATTEMPTS_SHOWN = 50
"""Of one delivery, the latest: each time that somebody sends it again adds ten at most."""


@dataclass(frozen=True)
class LogPage:
    """Deliveries with their events, and the place after which the next page begins, None on the last."""

    rows: list[Delivery]
    next_place: Place | None


def log_of(endpoint: WebhookEndpoint, size: int, *, after: Place | None = None, state: str = "") -> LogPage:
    """One page of at most `size`; one query that an index serves."""
    rows = Delivery.objects.filter(endpoint=endpoint).select_related("event").defer("event__payload")
    if state:
        rows = rows.filter(state=state)
    if after is not None:
        created_at, pk = after
        rows = rows.filter(Q(created_at__lt=created_at) | Q(created_at=created_at, pk__lt=pk))
    found = list(rows.order_by("-created_at", "-pk")[: size + 1])
    last = found[size - 1] if len(found) > size else None
    return LogPage(found[:size], (last.created_at, last.pk) if last else None)


@dataclass(frozen=True)
class DeliveryRecord:
    """A delivery, what is sent with it, and its attempts, newest first."""

    delivery: Delivery
    body: str
    attempts: list[Attempt]

    @property
    def most_attempts(self) -> int:
        """After how many it is given up: a test is tried once."""
        return 1 if self.delivery.event.type == TEST else MOST_ATTEMPTS

    @property
    def customer_ids(self) -> list[str]:
        """Whom the message names."""
        changes = self.delivery.event.payload.get("changes", [])
        return [str(change["customer_id"]) for change in changes if "customer_id" in change]


def record_of(delivery_id: str) -> DeliveryRecord | None:
    """A delivery with its event and endpoint, None if there is none; two queries.

    `body` is made by the function that senders sign with, from the same row, so it is what was sent to the byte.
    """
    found = Delivery.objects.select_related("event", "endpoint").filter(pk=delivery_id).first()
    if found is None:
        return None
    return DeliveryRecord(found, found.event.body().decode("ascii"), list(found.log.all()[:ATTEMPTS_SHOWN]))
