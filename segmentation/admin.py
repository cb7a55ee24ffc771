"""Who they are, in the Django admin. Runs are computed and cannot be edited; an archetype's words can."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.forms import ModelForm
from django.http import HttpRequest

from accounts.admin_rules import LargeTableAdmin, ReadOnlyAdmin
from segmentation.axes import segment_label
from segmentation.models import (
    ActiveRun,
    Archetype,
    ArchetypeMonth,
    ArchetypeSnapshot,
    Membership,
    SegmentationRun,
    SegmentModel,
)
from segmentation.reading import memberships_of


@admin.register(SegmentModel)
class SegmentModelAdmin(ReadOnlyAdmin):
    """Versions of the segmentation."""

    list_display = ("__str__", "created_at", "as_of", "buyers")
    list_filter = ("created_at",)
    search_fields = ("pk__exact",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[SegmentModel]:
        """Without the parameters, which the page of one model reads when it shows them."""
        return super().get_queryset(request).defer("parameters")


@admin.register(SegmentationRun)
class SegmentationRunAdmin(ReadOnlyAdmin):
    """Runs, newest first."""

    list_display = ("__str__", "model", "state", "as_of", "published_at", "profiles", "segmented", "published_by")
    list_filter = ("state", "started_at")
    search_fields = ("pk__exact",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[SegmentationRun]:
        """With what the list names, without what only the page of one run shows."""
        rows = super().get_queryset(request).select_related("model", "published_by")
        return rows.defer("summary", "error", "model__parameters")


@admin.register(ActiveRun)
class ActiveRunAdmin(ReadOnlyAdmin):
    """The pointer: publishing and rolling back move it, nothing else does."""

    list_display = ("run", "previous", "changed_at")
    list_select_related = ("run", "previous")


@admin.register(Archetype)
class ArchetypeAdmin(LargeTableAdmin):
    """Names and descriptions may be rewritten; the row then says that a person did."""

    list_display = ("name", "archetype_id", "author", "created_at")
    list_filter = ("author", "created_at")
    search_fields = ("name", "archetype_id__exact")
    ordering = ("name",)
    sortable_by = ("name", "created_at")
    fields = ("archetype_id", "name", "description", "author", "signature", "created_at")
    readonly_fields = ("archetype_id", "author", "signature", "created_at")

    def save_model(self, request: HttpRequest, obj: Archetype, form: "ModelForm[Any]", change: bool) -> None:
        """Keep later runs from renaming what a person has named."""
        if form.changed_data:
            obj.author = Archetype.Author.PERSON
        super().save_model(request, obj, form, change)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Archetypes are found, not made."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Archetype | None = None) -> bool:
        """Runs and saved audiences name it."""
        return False


@admin.register(ArchetypeSnapshot)
class ArchetypeSnapshotAdmin(ReadOnlyAdmin):
    """Archetypes run by run."""

    list_display = ("archetype", "run", "member_count", "exact_count", "avg_ltv", "total_ltv", "total_orders")
    list_select_related = ("archetype", "run")
    search_fields = ("archetype__archetype_id__exact", "archetype__name")


@admin.register(ArchetypeMonth)
class ArchetypeMonthAdmin(ReadOnlyAdmin):
    """Which months are kept, to see how customers move."""

    list_display = ("month", "as_of", "run")
    list_select_related = ("run",)
    list_filter = ("month",)
    search_fields = ("run__pk__exact",)
    fields = ("month", "as_of", "run", "moves")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ArchetypeMonth]:
        """Without the bytes, and with the moves only on the page of one month."""
        return super().get_queryset(request).defer("members", "moves", "run__summary", "run__error")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """One row a customer and run; the page of one row spells the stored bytes out."""

    list_display = ("customer", "run", "archetype", "agrees_on", "scored_at")
    list_select_related = ("customer", "run", "archetype")
    search_fields = ("customer__customer_id__exact",)
    search_help_text = "A whole customer id"
    fields = ("customer", "run", "archetype", "agrees_on", "scored_at", "segments", "in_words")
    readonly_fields = ("in_words",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Membership]:
        """Without the bytes, which the page of one row reads when it spells them out."""
        return super().get_queryset(request).defer("shares", "evidence")

    @admin.display(description="memberships")
    def in_words(self, membership: Membership) -> str:
        """Each axis with its segments, largest first; two queries."""
        named = memberships_of(membership, membership.run.model.fitted())
        return "; ".join(f"{axis}: {_largest_first(axis, shares)}" for axis, shares in named.items())


def _largest_first(axis: str, shares: dict[str, float]) -> str:
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{segment_label(axis, segment)} {share:.0%}" for segment, share in ordered)
