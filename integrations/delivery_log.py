"""The log of an endpoint, newest first, page by page without counting."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from integrations.models import Delivery, WebhookEndpoint

Place = tuple[datetime, str]


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
