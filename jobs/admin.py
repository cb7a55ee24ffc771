"""Long work in the Django admin: to look at, because only the runner may change it (cancelling is on the job's own page)."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from accounts.admin_rules import ReadOnlyAdmin
from jobs.models import Job, Pulse, ScheduledSlot


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Jobs, newest first."""

    list_display = ("title", "kind", "state", "attempts", "created_at", "started_at", "ended_at", "created_by")
    list_filter = ("state", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("title", "kind__exact")
    ordering = ("-created_at",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Job]:
        """Without the long texts, which the page of one job reads when it shows them."""
        return super().get_queryset(request).defer("log", "steps", "result", "args")


@admin.register(ScheduledSlot)
class ScheduledSlotAdmin(ReadOnlyAdmin):
    """What the schedule has fired."""

    list_display = ("name", "slot", "fired_at", "job")
    list_filter = ("fired_at",)
    list_select_related = ("job",)
    search_fields = ("name", "slot__startswith")


@admin.register(Pulse)
class PulseAdmin(ReadOnlyAdmin):
    """When each recurring duty was last done."""

    list_display = ("name", "at")
    list_filter = ("at",)
    search_fields = ("name",)
    ordering = ("name",)
