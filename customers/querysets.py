"""The questions we ask of customers and orders."""

from typing import TYPE_CHECKING, Self

from django.db import models, transaction
from django.db.models import Q

from customers.signals import being_erased

if TYPE_CHECKING:
    from customers.models import Customer, Order  # noqa: F401  (named in the base classes)


class CustomerQuerySet(models.QuerySet["Customer"]):
    """Profiles."""

    def delete(self) -> tuple[int, dict[str, int]]:
        """Erase them with all that hangs on them, and tell `being_erased`, in one transaction."""
        with transaction.atomic():
            being_erased.send(self.model, customers=self)
            return super().delete()

    delete.queryset_only = True  # type: ignore[attr-defined]  # as Django's own: never a manager's, which would be everybody
    delete.alters_data = True  # type: ignore[attr-defined]

    def buyers(self) -> Self:
        """Customers with at least one valid order."""
        return self.filter(order_count__gt=0)

    def awaiting_first_purchase(self) -> Self:
        """Profiles without a valid order."""
        return self.filter(order_count=0)

    def matching(self, text: str) -> Self:
        """Customers whose name, last name or e-mail begins with `text`, or whose id or order number is `text`.

        Prefixes and exact values only, so that every branch is served by an index at ten million customers. One query when it
        is called, for the order number.
        """
        wanted = " ".join(text.lower().split())
        if not wanted:
            return self
        number = text.strip()
        return self.filter(
            Q(name_key__startswith=wanted)
            | Q(last_name_key__startswith=wanted)
            | Q(email_key__startswith=wanted)
            | Q(customer_id=number)
            | Q(pk__in=_customers_with_order_number(number))
        )


def _customers_with_order_number(number: str) -> list[int]:
    """Keys, looked up at once (one query): beside a subquery PostgreSQL would use no index for the other branches."""
    from customers.models import Order

    spellings = {number, number.removeprefix("#"), f"#{number.removeprefix('#')}"}
    found = Order.objects.filter(number__in=spellings, customer__isnull=False)
    return [key for key in found.order_by().values_list("customer_id", flat=True)[:100] if key is not None]


class OrderQuerySet(models.QuerySet["Order"]):
    """Orders of every kind."""

    def valid(self) -> Self:
        """Orders that count (see `customers.models`)."""
        return self.filter(left_out="")

    def mentioning(self, terms: list[str]) -> Self:
        """Orders with a line whose title, vendor or SKU holds any of `terms`; all orders if there are none."""
        wanted = Q()
        for term in terms:
            wanted |= Q(product__title__icontains=term) | Q(product__vendor__icontains=term) | Q(product__sku__icontains=term)
        if not wanted:
            return self
        from customers.models import LineItem

        return self.filter(models.Exists(LineItem.objects.filter(wanted, order=models.OuterRef("pk"))))
