"""What an admin does with an endpoint: add, change, rotate, switch, test, replay. Pages and the API call the same functions."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models.functions import Now

from integrations import delivering
from integrations.events import TEST
from integrations.models import Delivery, WebhookEndpoint
from integrations.signing import new_secret
from integrations.tasks import start_delivering
from integrations.webhooks import send_to

if TYPE_CHECKING:
    from accounts.models import User

MOST_ENDPOINTS = 20


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
    if WebhookEndpoint.objects.count() >= MOST_ENDPOINTS:
        raise NotNow(f"There are {MOST_ENDPOINTS} webhooks already; delete one that is not needed any more.")
    endpoint.save()
    return endpoint


def change(endpoint: WebhookEndpoint, **values: Any) -> None:
    """Store another `url`, `events` or `description`. `ValidationError` if a value cannot be right."""
    if "events" in values:
        values["events"] = sorted(set(values["events"]))
    for name, value in values.items():
        setattr(endpoint, name, value)
    endpoint.full_clean()
    endpoint.save(update_fields=list(values))


def rotate(endpoint: WebhookEndpoint, as_of: datetime) -> WebhookEndpoint:
    """Give it a new secret; for 24 hours messages are signed with both, so that nothing stops in between."""
    endpoint.previous_secret, endpoint.secret = endpoint.secret, new_secret()
    endpoint.previous_secret_until = as_of + WebhookEndpoint.ROTATION_OVERLAP
    endpoint.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
    return endpoint


def switch(endpoint: WebhookEndpoint, *, on: bool) -> None:
    """Enable it with a clean slate, or disable it and give up what waits. What happened while it was off is not sent."""
    if on:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(is_enabled=True, disabled_reason="", failing_since=None)
    else:
        delivering.disable(endpoint, "")
    endpoint.refresh_from_db()


def send_test(endpoint: WebhookEndpoint) -> Delivery:
    """Send a message that says it is a test, once. `NotNow` if the endpoint is disabled."""
    if not endpoint.is_enabled:
        raise NotNow("This webhook is disabled; enable it, then test it.")
    return send_to(endpoint, TEST, {"webhook_id": endpoint.pk})


def replay(delivery: Delivery) -> Delivery:
    """Send it again, with the same `webhook-id`, as if for the first time. `NotNow` if that is impossible or under way."""
    if not delivery.endpoint.is_enabled:
        raise NotNow("This webhook is disabled; enable it, then send the message again.")
    with transaction.atomic():
        settled = Delivery.objects.filter(pk=delivery.pk).exclude(state=Delivery.State.PENDING)
        if not settled.update(state=Delivery.State.PENDING, attempts=0, next_attempt_at=Now(), lease_token=""):
            raise NotNow("This message is on its way already; wait for how it ends.")
        transaction.on_commit(start_delivering, robust=True)
    delivery.refresh_from_db()
    return delivery
