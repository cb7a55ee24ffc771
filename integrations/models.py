"""What is sent to other systems: who wants to hear of what, what happened, and how each message fared."""

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from integrations import http
from integrations.errors import IntegrationError
from integrations.events import EVENTS
from integrations.signing import new_secret

ID_LENGTH = 40
MOST_ENDPOINTS = 20
"""Of one shop; each is sent to by a thread of its own."""


def endpoint_id() -> str:
    """ "wh_…" with 128 random bits."""
    return f"wh_{secrets.token_hex(16)}"


def event_id() -> str:
    """ "evt_…" with 128 random bits."""
    return f"evt_{secrets.token_hex(16)}"


def delivery_id() -> str:
    """ "dlv_…" with 128 random bits."""
    return f"dlv_{secrets.token_hex(16)}"


def may_be_sent_to(url: str) -> None:
    """Raise `ValidationError` unless the text is an address that we may send to; a host by name is judged when we send."""
    try:
        http.checked(url)
    except IntegrationError as refused:
        raise ValidationError(str(refused)) from refused


def known_events(events: object) -> None:
    """Raise `ValidationError` unless `events` is a list of at least one event type and nothing else."""
    if not isinstance(events, list) or not events or not all(isinstance(kind, str) and kind in EVENTS for kind in events):
        raise ValidationError(f"Choose at least one of {', '.join(EVENTS)}.")


class WebhookEndpoint(models.Model):
    """An address of another system that hears of some events."""

    ROTATION_OVERLAP = timedelta(hours=24)

    id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=endpoint_id, editable=False)
    url = models.CharField("address", max_length=http.LONGEST_ADDRESS, validators=[may_be_sent_to])
    description = models.CharField(max_length=120, blank=True)
    events = models.JSONField(default=list, validators=[known_events])
    secret = models.CharField(max_length=100, default=new_secret, editable=False)
    previous_secret = models.CharField(max_length=100, blank=True, editable=False)
    previous_secret_until = models.DateTimeField(null=True, blank=True, help_text="Until then messages are signed with both.")
    is_enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True, help_text="Why Quimbi itself stopped sending.")
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="Nothing has been delivered since; empty = all is well."
    )
    paused_until = models.DateTimeField(
        null=True, blank=True, help_text="What happens before then is sent then: nobody answers, or too much was sent at once."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="webhook_endpoints"
    )

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.description or self.host

    @property
    def host(self) -> str:
        """The address without what may be secret in it, for logs."""
        return self.url.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0]

    @property
    def place(self) -> str:
        """Host and path, which tell two webhooks of one host apart; for admins only, because a path may be secret."""
        return self.url.split("://", 1)[-1].split("?", 1)[0]

    def secrets_at(self, as_of: datetime) -> list[str]:
        """The secrets that sign at `as_of`: two while a rotation is under way, the new one first."""
        overlaps = self.previous_secret and self.previous_secret_until is not None and as_of < self.previous_secret_until
        return [self.secret, self.previous_secret] if overlaps else [self.secret]


class WebhookEvent(models.Model):
    """Something that happened. Written in the transaction in which it did, with a `Delivery` for each endpoint that listens."""

    id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=event_id, editable=False)
    type = models.CharField(max_length=60)
    payload = models.JSONField(encoder=DjangoJSONEncoder, help_text="The message's `data`: ids and figures, no contact data.")
    created_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"

    def message(self) -> dict[str, Any]:
        """What is sent."""
        moment = self.created_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"type": self.type, "timestamp": moment, "data": self.payload}

    def body(self) -> bytes:
        """The message to the byte, all of it ASCII; the same for every attempt."""
        return json.dumps(self.message(), separators=(",", ":"), allow_nan=False).encode()


class Delivery(models.Model):
    """One event on its way to one endpoint. It is due from `next_attempt_at` on, and over when that is empty.

    Whoever sends it first moves that moment on by a lease, in one conditional statement: nobody else sends it meanwhile, and
    if the sender dies the delivery is due again. The receiver may then get it twice, and tells by the event's id.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed, will be tried again"
        ABANDONED = "abandoned", "Given up"

    id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=delivery_id, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Counted and committed before each sending.")
    next_attempt_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    lease_token = models.CharField(max_length=32, blank=True, editable=False)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="The HTTP status; empty = no answer.")
    last_error = models.CharField(max_length=200, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["endpoint", "event"], name="delivered_once_an_endpoint")]
        indexes = [
            models.Index(
                fields=["endpoint", "next_attempt_at", "created_at"],
                name="delivery_next",
                condition=models.Q(next_attempt_at__isnull=False),
            ),
            models.Index(fields=["endpoint", "-created_at", "-id"], name="delivery_log"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id}"

    @property
    def is_under_way(self) -> bool:
        """Whether it waits for its first attempt or is being sent."""
        return self.state == self.State.PENDING


class Attempt(models.Model):
    """One sending of a delivery, and how it ended. One whose sender died before it could tell is missing.

    Of an answer its status alone: what else a receiver writes may be about people, and would outlive their erasure here.
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="log")
    number = models.PositiveSmallIntegerField(help_text="The first is 1; it begins anew when somebody sends the message again.")
    sent_at = models.DateTimeField(help_text="In whole seconds the header webhook-timestamp.")
    duration_seconds = models.FloatField(help_text="Until the answer's head was there, or until nothing came.")
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="The HTTP status; empty = no answer.")
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.delivery_id} attempt {self.number}"
