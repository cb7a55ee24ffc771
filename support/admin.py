"""Tickets in the Django admin: to look at, because the help desk is where they change."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from accounts.admin_rules import ReadOnlyAdmin
from support.models import Ticket, TicketMessage


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    """Tickets, newest first."""

    list_display = ("__str__", "ticket_id", "customer", "channel", "topic", "status", "created_at", "satisfaction_score")
    list_filter = ("channel", "topic", "created_at")
    list_select_related = ("customer",)
    search_fields = ("ticket_id__exact",)
    search_help_text = "A whole ticket id"
    ordering = ("-created_at",)


@admin.register(TicketMessage)
class TicketMessageAdmin(ReadOnlyAdmin):
    """Messages of tickets."""

    list_display = ("message_id", "ticket", "created_at", "from_agent")
    list_select_related = ("ticket",)
    search_fields = ("ticket__ticket_id__exact",)
    search_help_text = "A whole ticket id"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[TicketMessage]:
        """Without the text, which the page of one message reads when it shows it."""
        return super().get_queryset(request).defer("body_text")
