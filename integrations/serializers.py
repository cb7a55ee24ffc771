"""Webhooks as JSON, built by hand, what may be written, and both described to the OpenAPI document."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError as InvalidValue
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api import Parameters, utc_text
from accounts.cursors import cursor_field
from integrations.delivery_log import DeliveryRecord, LogPage
from integrations.events import EVENTS, TEST
from integrations.http import ADDRESS, LONGEST_ADDRESS
from integrations.models import Attempt, Delivery, WebhookEndpoint, may_be_sent_to

IS_WELL = "Nothing has failed since the last message was delivered."
NOT_DISABLED = "Quimbi did not disable it."
NOT_ROTATED = "Messages are signed with one secret."
NO_ATTEMPT = "It was not sent yet."
NO_ANSWER = "The receiver gave no answer."
NOT_DELIVERED = "It has not been delivered."
IS_OVER = "It will not be sent again by itself."
NO_MORE = "This is the last page."
NOTHING_WRONG = "Nothing was wrong."


def endpoint_json(endpoint: WebhookEndpoint, as_of: datetime) -> dict[str, Any]:
    """An endpoint without its secret."""
    overlap = endpoint.previous_secret_until if len(endpoint.secrets_at(as_of)) > 1 else None
    return {
        "id": endpoint.pk,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "is_enabled": endpoint.is_enabled,
        **_told("disabled_reason", endpoint.disabled_reason or None, NOT_DISABLED),
        **_told("failing_since", endpoint.failing_since, IS_WELL),
        **_told("previous_secret_until", overlap, NOT_ROTATED),
        "created_at": utc_text(endpoint.created_at),
    }


def endpoint_with_secret_json(endpoint: WebhookEndpoint, as_of: datetime) -> dict[str, Any]:
    """The one answer that shows the secret."""
    return {**endpoint_json(endpoint, as_of), "secret": endpoint.secret}


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """A line of the log."""
    waits = delivery.next_attempt_at
    return {
        "id": delivery.pk,
        "event_id": delivery.event_id,
        "type": delivery.event.type,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "created_at": utc_text(delivery.created_at),
        **_told("last_attempt_at", delivery.last_attempt_at, NO_ATTEMPT),
        **_told("last_status", delivery.last_status, NO_ANSWER if delivery.last_attempt_at else NO_ATTEMPT),
        **_told("last_error", delivery.last_error or None, NOTHING_WRONG),
        **_told("delivered_at", delivery.delivered_at, NOT_DELIVERED),
        **_told("next_attempt_at", waits, IS_OVER),
    }


def record_json(record: DeliveryRecord) -> dict[str, Any]:
    """One delivery with what is sent and every attempt."""
    return {
        **delivery_json(record.delivery),
        "webhook_id": record.delivery.endpoint_id,
        "body": record.body,
        "attempt_log": [_attempt_json(attempt) for attempt in record.attempts],
    }


def _attempt_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "sent_at": utc_text(attempt.sent_at),
        "duration_seconds": round(attempt.duration_seconds, 3),
        **_told("status", attempt.status, NO_ANSWER),
        **_told("error", attempt.error or None, NOTHING_WRONG),
    }


def log_json(page: LogPage, cursor: str | None) -> dict[str, Any]:
    """A page of the log, newest first."""
    return {"deliveries": [delivery_json(row) for row in page.rows], **_told("next_cursor", cursor, NO_MORE)}


def _told(name: str, value: Any, reason: str) -> dict[str, Any]:
    """A field, and beside a null its reason."""
    if value is None:
        return {name: None, f"{name}_reason": reason}
    return {name: utc_text(value) if isinstance(value, datetime) else value}


# --- What may be written ------------------------------------------------------------------------------------------------


_ADDRESS = {"type": "string", "maxLength": LONGEST_ADDRESS, "pattern": ADDRESS, "example": "https://example.com/hooks"}
_PLAIN = {"type": "string", "minLength": 1, "maxLength": 120, "pattern": r"^[^\u0000]*$", "example": "Storefront"}


@extend_schema_field(_ADDRESS)
class _AddressField(serializers.CharField):
    """Where messages are sent to, as far as its text tells."""

    def to_internal_value(self, data: Any) -> str:
        """The address. `ValidationError` in words."""
        url = super().to_internal_value(_text(data))
        try:
            may_be_sent_to(url)
        except InvalidValue as refused:
            raise serializers.ValidationError(refused.messages) from refused
        return url


@extend_schema_field(_PLAIN)
class _TextField(serializers.CharField):
    """Text, and no number that would be taken for one."""

    def to_internal_value(self, data: Any) -> str:
        """The text."""
        return super().to_internal_value(_text(data))


class _SwitchField(serializers.BooleanField):
    """True or false, and nothing that might be meant so."""

    def to_internal_value(self, data: Any) -> bool:
        """The value."""
        if not isinstance(data, bool):
            raise serializers.ValidationError("Write true or false.")
        return data


class _Body(serializers.Serializer[Any]):
    """A body of named fields only."""

    @classmethod
    def read(cls, data: Any, *, partial: bool = False) -> dict[str, Any]:
        """The checked fields. `ValidationError` (400) names the first that is unknown, read-only or wrong."""
        known = cls._declared_fields
        if not isinstance(data, Mapping):
            raise serializers.ValidationError("Send a JSON object.")
        for name in data:
            if name not in known:
                takes = f"it takes {', '.join(known)}" if known else "it takes none"
                told = f"{name[:60]!r} cannot be written here; {takes}."
                raise serializers.ValidationError({name: [told]}, code="unknown_field")
        form = cls(data=data, partial=partial)
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)


class NoBody(_Body):
    """Nothing: an empty body or an empty object."""


class _ClosedBody(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document says that a body takes no other fields."""

    target_class = _Body
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        """The schema as it would be, closed."""
        return {**auto_schema._map_serializer(self.target, direction, bypass_extensions=True), "additionalProperties": False}


class NewWebhookBody(_Body):
    """A new webhook."""

    url = _AddressField(max_length=LONGEST_ADDRESS, help_text="Where messages are sent to; https in production.")
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=list(EVENTS)), min_length=1, max_length=50, help_text="What it hears of."
    )
    description = _TextField(required=False, allow_blank=True, max_length=120, default="")


class ChangedWebhookBody(_Body):
    """What to change; what is left out stays."""

    url = _AddressField(required=False, max_length=LONGEST_ADDRESS)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=list(EVENTS)), required=False, min_length=1, max_length=50
    )
    description = _TextField(required=False, allow_blank=True, max_length=120)
    is_enabled = _SwitchField(
        required=False, help_text="False gives up what waits; true begins afresh, without what happened meanwhile."
    )


class RotateBody(_Body):
    """How a new secret is to be made."""

    void_previous = _SwitchField(
        required=False,
        default=False,
        help_text="True makes one even within 24 hours of the last; the secret before that is void at once.",
    )


class LogParameters(Parameters):
    """Which part of the log."""

    state = serializers.ChoiceField(required=False, choices=Delivery.State.values)
    limit = serializers.IntegerField(required=False, default=25, min_value=1, max_value=100)
    cursor = cursor_field()


def _text(data: Any) -> str:
    if not isinstance(data, str):
        raise serializers.ValidationError("Write text.")
    return data


# --- What the OpenAPI document says ------------------------------------------------------------------------------------

_EVENT_TYPES = ", ".join([*EVENTS, TEST])


def _reason() -> serializers.CharField:
    return serializers.CharField(required=False, help_text="Only beside null.")


class WebhookSchema(serializers.Serializer[Any]):
    """An address of another system that hears of some events."""

    id = serializers.CharField()
    url = serializers.CharField()
    description = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    is_enabled = serializers.BooleanField()
    disabled_reason = serializers.CharField(allow_null=True, help_text="Why Quimbi itself stopped sending.")
    disabled_reason_reason = _reason()
    failing_since = serializers.DateTimeField(allow_null=True, help_text="Nothing has been delivered since.")
    failing_since_reason = _reason()
    previous_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then messages are signed with the secret before, too."
    )
    previous_secret_until_reason = _reason()
    created_at = serializers.DateTimeField()


class WebhookWithSecretSchema(WebhookSchema):
    """A webhook with its secret, which no other answer shows."""

    secret = serializers.CharField(help_text="whsec_ and base64; messages are signed with it (docs/webhooks.md).")


class WebhooksSchema(serializers.Serializer[Any]):
    """Every webhook, oldest first."""

    webhooks = WebhookSchema(many=True)


class DeliverySchema(serializers.Serializer[Any]):
    """One event on its way to one webhook."""

    id = serializers.CharField()
    event_id = serializers.CharField(help_text="The header webhook-id: the same for every attempt and every replay.")
    type = serializers.CharField(help_text=_EVENT_TYPES)
    state = serializers.ChoiceField(
        choices=Delivery.State.values, help_text="A failed one will be tried again, an abandoned one will not."
    )
    attempts = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    last_attempt_at = serializers.DateTimeField(allow_null=True)
    last_attempt_at_reason = _reason()
    last_status = serializers.IntegerField(allow_null=True, help_text="The HTTP status of the answer.")
    last_status_reason = _reason()
    last_error = serializers.CharField(allow_null=True)
    last_error_reason = _reason()
    delivered_at = serializers.DateTimeField(allow_null=True)
    delivered_at_reason = _reason()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    next_attempt_at_reason = _reason()


class AttemptSchema(serializers.Serializer[Any]):
    """One sending, and how it ended."""

    number = serializers.IntegerField(help_text="The first is 1; it begins anew when the message is sent again by hand.")
    sent_at = serializers.DateTimeField(help_text="The header webhook-timestamp, which is signed.")
    duration_seconds = serializers.FloatField(help_text="Until the answer's head was there, or until nothing came.")
    status = serializers.IntegerField(allow_null=True, help_text="The HTTP status of the answer; its body is not read.")
    status_reason = _reason()
    error = serializers.CharField(allow_null=True)
    error_reason = _reason()


class DeliveryRecordSchema(DeliverySchema):
    """A delivery with what is sent and every attempt."""

    webhook_id = serializers.CharField()
    body = serializers.CharField(help_text="The message to the byte, as it is signed.")
    attempt_log = AttemptSchema(many=True, help_text="Newest first, the latest 50.")


class DeliveryLogSchema(serializers.Serializer[Any]):
    """A page of a webhook's log, newest first. Thirty days are kept."""

    deliveries = DeliverySchema(many=True)
    next_cursor = serializers.CharField(allow_null=True)
    next_cursor_reason = _reason()
