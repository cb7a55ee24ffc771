"""Telling other systems what happened here.

Call `emit` inside the transaction in which it happens: the event and a delivery for each endpoint that listens are rows of that
transaction, so they are there if and only if what they tell is. Sending is a job's work (`delivering`), rung for after the
commit; if this process dies in between, the schedule finds what is due.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction

from integrations.events import EVENTS
from integrations.models import Delivery, WebhookEndpoint, WebhookEvent
from integrations.tasks import start_delivering

Payload = Mapping[str, Any]

CHANGES_A_MESSAGE = 500


def listeners(kind: str) -> list[str]:
    """Ids of the enabled endpoints that hear of `kind`; one query. `ValueError` for an event type that nobody can choose."""
    if kind not in EVENTS:
        raise ValueError(f"{kind!r} is none of {', '.join(EVENTS)}")
    enabled = WebhookEndpoint.objects.filter(is_enabled=True).values_list("pk", "events")
    return [pk for pk, events in enabled if kind in events]


def emit(kind: str, data: Callable[[], Payload]) -> WebhookEvent | None:
    """Write down that `kind` happened, for whoever listens; None, one query and no call of `data` if nobody does.

    `data` gives JSON of ids and figures. Two statements more, and a job once the caller's transaction is committed.
    """
    heard_by = listeners(kind)
    if not heard_by:
        return None
    return _write(kind, [data()], heard_by)[0]


def emit_changes(kind: str, changes: Callable[[], Sequence[Payload]], about: Payload) -> int:
    """Write down that customers changed: one event for each 500 of `changes`, each with `about`; the number of events.

    None for no change. As cheap as `emit` where nobody listens.
    """
    heard_by = listeners(kind)
    if not heard_by:
        return 0
    every = changes()
    parts = [every[at : at + CHANGES_A_MESSAGE] for at in range(0, len(every), CHANGES_A_MESSAGE)]
    return len(_write(kind, [{**about, "changes": list(part)} for part in parts], heard_by))


def send_to(endpoint: WebhookEndpoint, kind: str, data: Payload) -> Delivery:
    """Write down an event for this endpoint alone, whatever it listens to."""
    event = _write(kind, [data], [endpoint.pk])[0]
    return Delivery.objects.select_related("event", "endpoint").get(event=event, endpoint=endpoint)


def _write(kind: str, payloads: Sequence[Payload], heard_by: Sequence[str]) -> list[WebhookEvent]:
    with transaction.atomic():
        events = WebhookEvent.objects.bulk_create(WebhookEvent(type=kind, payload=dict(data)) for data in payloads)
        Delivery.objects.bulk_create(
            (Delivery(endpoint_id=endpoint, event=event) for event in events for endpoint in heard_by), batch_size=1_000
        )
        if events:
            transaction.on_commit(start_delivering, robust=True)
    return events
