"""What happened, in the Django admin. Facts come from the shop; by hand only contact data and consent can be corrected."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from accounts.admin_rules import LargeTableAdmin, ReadOnlyAdmin
from customers.models import Customer, DataImport, LineItem, MetricsDue, Order, Product, Refund


@admin.register(Customer)
class CustomerAdmin(LargeTableAdmin):
    """Profiles. The figures are counted from orders, so nobody edits them; erasing a person is not deleting a row."""

    list_display = ("customer_id", "name", "email", "country", "order_count", "lifetime_value", "last_order_at")
    list_filter = ("email_consent", "sms_consent", "created_at")
    search_fields = ("name_key",)
    search_help_text = "Beginning of a name or an e-mail address, or a whole customer or order number"
    fields = (
        "customer_id", "source", "first_name", "last_name", "email", "phone", "email_consent", "sms_consent", "country",
        "time_zone", "tags", "created_at", "order_count", "lifetime_value", "first_order_at", "last_order_at", "attributes",
        "stored_at",
    )  # fmt: skip
    readonly_fields = (
        "customer_id", "source", "created_at", "order_count", "lifetime_value", "first_order_at", "last_order_at", "attributes",
        "stored_at",
    )  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """Served by indexes at any size."""
        if not search_term:
            return queryset, False
        found = Customer.objects.matching(search_term.replace("\0", "")).values("pk")
        return queryset.filter(pk__in=found), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Profiles come by import."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        """Orders, tickets and counts would lose him."""
        return False


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin):
    """Products as they were described when sold."""

    list_display = ("title", "vendor", "category", "sku", "product_id")
    search_fields = ("identity__exact", "sku__exact", "title__istartswith")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders, newest first, with the reason why one does not count."""

    list_display = ("__str__", "customer", "placed_at", "total", "currency", "financial_status", "left_out")
    list_filter = ("left_out", "placed_at")
    list_select_related = ("customer",)
    search_fields = ("order_id__exact", "number__exact")
    search_help_text = "A whole order number or id"
    ordering = ("-placed_at",)


@admin.register(LineItem)
class LineItemAdmin(ReadOnlyAdmin):
    """Lines of orders."""

    list_display = ("product", "order", "position", "quantity", "unit_price", "discount")
    list_select_related = ("product", "order")
    search_fields = ("order__order_id__exact",)
    search_help_text = "A whole order id"


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Money that went back."""

    list_display = ("refund_id", "customer", "order", "created_at", "amount")
    list_filter = ("created_at",)
    list_select_related = ("customer", "order")
    search_fields = ("refund_id__exact",)
    search_help_text = "A whole refund id"
    ordering = ("-created_at",)


@admin.register(MetricsDue)
class MetricsDueAdmin(ReadOnlyAdmin):
    """Customers whose figures wait to be counted again."""

    list_display = ("customer", "has_new_orders")
    list_filter = ("has_new_orders",)
    list_select_related = ("customer",)
    search_fields = ("customer__customer_id__exact",)


@admin.register(DataImport)
class DataImportAdmin(ReadOnlyAdmin):
    """Files that came in, and what came of them."""

    list_display = ("original_name", "kind", "state", "created_at", "created_by")
    list_filter = ("kind", "state", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("original_name",)
    exclude = ("token", "path")
