"""Telling other systems what happened here.

Call `emit` inside the transaction in which it happens: the event and a delivery for each endpoint that listens are rows of that
transaction, so they are there if and only if what they tell is. Sending is a job's work (`delivering`), rung for after the
commit; if this process dies in between, the schedule finds what is due.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models.functions import Greatest, Now

from integrations.events import EVENTS
from integrations.models import Delivery, WebhookEndpoint, WebhookEvent
from integrations.tasks import start_delivering

Payload = Mapping[str, Any]
Item = TypeVar("Item")

CHANGES_A_MESSAGE = 500
MESSAGES_AT_ONCE = 20
"""Held in memory and written by one statement: a megabyte or two, however many customers changed."""


def listeners(kind: str) -> list[str]:
    """Ids of the enabled endpoints that hear of `kind`; one query. `ValueError` for an event type that nobody can choose."""
    if kind not in EVENTS:
        raise ValueError(f"{kind!r} is none of {', '.join(EVENTS)}")
    enabled = WebhookEndpoint.objects.filter(is_enabled=True).values_list("pk", "events")
    return [pk for pk, events in enabled if kind in events]


def emit(kind: str, data: Callable[[], Payload]) -> str | None:
    """Write down that `kind` happened, for whoever listens; None, one query and no call of `data` if nobody does.

    `data` gives JSON of ids and figures. Returns the event's id. Three statements more, and a job once the caller's transaction
    is committed.
    """
    heard_by = listeners(kind)
    return next(iter(_write(kind, [data()], heard_by)), None) if heard_by else None


def emit_changes(kind: str, changes: Callable[[], Iterable[Payload]], about: Payload) -> int:
    """Write down that customers changed: one event for each 500 of `changes`, each with `about`; the number of events.

    None for no change. As cheap as `emit` where nobody listens. Changes are read as they are written, so that millions of them
    need no more memory than ten thousand.
    """
    heard_by = listeners(kind)
    if not heard_by:
        return 0
    return len(_write(kind, ({**about, "changes": part} for part in _parts(changes(), CHANGES_A_MESSAGE)), heard_by))


def send_to(endpoint: WebhookEndpoint, kind: str, data: Payload) -> Delivery | None:
    """Write down an event for this endpoint alone, whatever it listens to and even if it is paused; None if it is gone."""
    events = _write(kind, [data], [endpoint.pk], is_asked_for=True)
    return Delivery.objects.select_related("event", "endpoint").filter(event__in=events, endpoint=endpoint).first()


def _write(kind: str, payloads: Iterable[Payload], heard_by: Collection[str], *, is_asked_for: bool = False) -> list[str]:
    """Ids of the events that were written; none if every endpoint is gone by now."""
    events: list[str] = []
    with transaction.atomic():
        due = {
            endpoint.pk: Now() if is_asked_for or endpoint.paused_until is None else Greatest(Now(), endpoint.paused_until)
            for endpoint in _held(heard_by)
        }
        for part in _parts(payloads, MESSAGES_AT_ONCE) if due else ():
            written = WebhookEvent.objects.bulk_create(WebhookEvent(type=kind, payload=dict(data)) for data in part)
            Delivery.objects.bulk_create(
                Delivery(endpoint_id=endpoint, event=event, next_attempt_at=moment)
                for event in written
                for endpoint, moment in due.items()
            )
            events += [event.pk for event in written]
        if events:
            transaction.on_commit(start_delivering, robust=True)
    return events


def _held(endpoints: Collection[str]) -> list[WebhookEndpoint]:
    """Those of the endpoints that are still there. One query; nobody can delete one of them before our transaction ends.

    A delivery for one that is deleted meanwhile would have our caller's whole transaction fail at its commit. The lock is the
    one that the foreign key takes then: senders may still write down how an endpoint fares, and others may emit.
    """
    places = ", ".join(["%s"] * len(endpoints))
    lock = "FOR KEY SHARE" if connection.vendor == "postgresql" else ""  # SQLite lets one transaction write at a time
    statement = f"SELECT id, paused_until FROM integrations_webhookendpoint WHERE id IN ({places}) ORDER BY id {lock}"  # noqa: S608
    return list(WebhookEndpoint.objects.raw(statement, list(endpoints)))


def _parts(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of `size`, read one list at a time."""
    waiting = iter(items)
    while part := list(islice(waiting, size)):
        yield part
