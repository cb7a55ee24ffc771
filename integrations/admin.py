"""Outgoing webhooks in the Django admin: to look at, without secrets. They are managed on their own pages."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin_rules import ReadOnlyAdmin
from integrations.models import Attempt, Delivery, WebhookEndpoint, WebhookEvent


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    """Who hears of what."""

    list_display = ("url", "description", "is_enabled", "failing_since", "created_at", "created_by")
    list_filter = ("is_enabled",)
    list_select_related = ("created_by",)
    search_fields = ("id__exact", "url__startswith")
    ordering = ("created_at",)
    exclude = ("secret", "previous_secret")


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    """What happened."""

    list_display = ("id", "type", "created_at")
    list_filter = ("created_at",)
    search_fields = ("id__exact", "type__startswith")
    ordering = ("-created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without payloads, each of which may hold hundreds of customers; the page of one event reads its own."""
        return super().get_queryset(request).defer("payload")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """How each message fared."""

    list_display = ("event", "endpoint", "state", "attempts", "last_status", "last_attempt_at", "next_attempt_at")
    list_filter = ("state",)
    list_select_related = ("event", "endpoint")
    search_fields = ("id__exact", "event__id__exact")
    ordering = ("-created_at",)
    exclude = ("lease_token",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without what was sent."""
        return super().get_queryset(request).defer("event__payload")


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """Each time that a message was sent."""

    list_display = ("delivery_id", "number", "sent_at", "duration_seconds", "status", "error")
    search_fields = ("delivery_id__exact",)
    ordering = ("-pk",)
