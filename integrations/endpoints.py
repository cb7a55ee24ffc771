"""What an admin does with an endpoint: add, change, rotate, switch, delete, test, replay. Pages and the API call the same."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from integrations import delivering
from integrations.events import TEST
from integrations.models import MOST_ENDPOINTS, Delivery, WebhookEndpoint
from integrations.signing import new_secret
from integrations.tasks import start_delivering
from integrations.webhooks import send_to

if TYPE_CHECKING:
    from accounts.models import User


class NotNow(Exception):
    """It cannot be done as things stand; the message is a sentence that says what to do."""


def add(url: str, events: Sequence[str], *, description: str = "", by: "User | None" = None) -> WebhookEndpoint:
    """Store a new endpoint; its `secret` is to be shown now and never again.

    Raises
    ------
    django.core.exceptions.ValidationError
        If a value cannot be right.
    NotNow
        If there are as many as one shop can have.
    """
    endpoint = WebhookEndpoint(url=url, events=sorted(set(events)), description=description, created_by=by)
    endpoint.full_clean()
    with transaction.atomic():
        _wait_for_others_who_add()
        if WebhookEndpoint.objects.count() >= MOST_ENDPOINTS:
            raise NotNow(f"There are {MOST_ENDPOINTS} webhooks already; delete one that is not needed any more.")
        endpoint.save()
    return endpoint


def _wait_for_others_who_add() -> None:
    """Let nobody else add one before our transaction ends: of many who count at once, all would find room for one more."""
    if connection.vendor == "postgresql":  # SQLite lets one transaction write at a time
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [WebhookEndpoint._meta.db_table])


def change(endpoint: WebhookEndpoint, **values: Any) -> None:
    """Store another `url`, `events` or `description`. `ValidationError` if a value cannot be right.

    Another address begins with a clean slate, and what waited for the one before is sent to it at once.
    """
    if "events" in values:
        values["events"] = sorted(set(values["events"]))
    if values.get("url", endpoint.url) != endpoint.url:
        values |= {"failing_since": None, "paused_until": None}
    for name, value in values.items():
        setattr(endpoint, name, value)
    # Only what is changed: an address that was right when it was entered is no reason to refuse another description.
    endpoint.clean_fields(exclude={each.name for each in WebhookEndpoint._meta.fields} - set(values))
    with transaction.atomic():
        endpoint.save(update_fields=list(values))
        if "paused_until" in values and delivering.release(endpoint):
            transaction.on_commit(start_delivering, robust=True)


def rotate(endpoint: WebhookEndpoint, as_of: datetime, *, void_previous: bool = False) -> WebhookEndpoint:
    """Give it a new secret; for 24 hours messages are signed with both, so that nothing stops in between.

    `NotNow` within those 24 hours, for the secret before would be void at once; with `void_previous` that is what is wanted.
    """
    no_overlap = Q(previous_secret="") | Q(previous_secret_until=None) | Q(previous_secret_until__lte=as_of)
    # One statement: of two that come at once the second meets the overlap of the first.
    rotated = WebhookEndpoint.objects.filter(Q() if void_previous else no_overlap, pk=endpoint.pk).update(
        secret=new_secret(), previous_secret=F("secret"), previous_secret_until=as_of + WebhookEndpoint.ROTATION_OVERLAP
    )
    endpoint.refresh_from_db()
    if not rotated:
        raise NotNow(
            "There is a new secret already, and messages are signed with the one before too until "
            f"{endpoint.previous_secret_until:%d %B, %H:%M} UTC; wait for that, or confirm that it is to be void at once."
        )
    return endpoint


def switch(endpoint: WebhookEndpoint, *, on: bool) -> None:
    """Enable it with a clean slate, or disable it and give up what waits. What happened while it was off is not sent."""
    if on:
        delivering.enable(endpoint)
    else:
        delivering.disable(endpoint, "")
    endpoint.refresh_from_db()


def delete(endpoint: WebhookEndpoint) -> None:
    """Delete it with its log; what waits is not sent. Waits for transactions that are writing events for it just now."""
    with transaction.atomic():
        # Locked first: the statement that looks for deliveries then sees those that such a transaction has left.
        WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk).first()
        endpoint.delete()


def send_test(endpoint: WebhookEndpoint) -> Delivery:
    """Send a message that says it is a test, once. `NotNow` if the endpoint is disabled."""
    if not endpoint.is_enabled:
        raise NotNow("This webhook is disabled; enable it, then test it.")
    delivery = send_to(endpoint, TEST, {"webhook_id": endpoint.pk})
    if delivery is None:
        raise NotNow("This webhook has just been deleted; add it anew, then test it.")
    return delivery


def replay(delivery: Delivery) -> Delivery:
    """Send it again, with the same `webhook-id`, as if for the first time. `NotNow` if that is impossible or under way."""
    with transaction.atomic():
        # Held: whoever disables it meanwhile gives up what waits, and would not see this one.
        enabled = WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=delivery.endpoint_id, is_enabled=True)
        if enabled.first() is None:
            raise NotNow("This webhook is disabled; enable it, then send the message again.")
        settled = Delivery.objects.filter(pk=delivery.pk).exclude(state=Delivery.State.PENDING)
        if not settled.update(state=Delivery.State.PENDING, attempts=0, next_attempt_at=Now(), lease_token=""):
            raise NotNow("This message is on its way already; wait for how it ends.")
        transaction.on_commit(start_delivering, robust=True)
    delivery.refresh_from_db()
    return delivery
