"""What every page of the Django admin keeps to: nothing that is computed can be edited, and no list counts a large table."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property

if TYPE_CHECKING:  # generic for the type checker only
    AnyPaginator = Paginator[Any]
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyPaginator, AnyModelAdmin = Paginator, admin.ModelAdmin

ROWS_COUNTED_AT_MOST = 10_000


class BoundedPaginator(AnyPaginator):
    """Counts and turns pages up to `ROWS_COUNTED_AT_MOST` rows: a full count of a million orders takes seconds.

    Searching and filtering reach the rest.
    """

    @cached_property
    def count(self) -> int:
        """Rows, at most `ROWS_COUNTED_AT_MOST`; one query."""
        rows = self.object_list
        if isinstance(rows, models.QuerySet):
            return rows.order_by()[:ROWS_COUNTED_AT_MOST].count()
        return len(rows)


class LargeTableAdmin(AnyModelAdmin):
    """A list whose cost does not grow with the table. Subclasses order and search by indexed columns only."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()


class ReadOnlyAdmin(LargeTableAdmin):
    """Rows that the product itself keeps: an edit by hand would contradict what was computed from them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False
