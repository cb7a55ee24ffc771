"""What happened: customers, their orders, the lines of the orders and the money that went back.

A *valid* order is paid or partly refunded, not cancelled, not a test, above zero and in the shop's currency. `Order.left_out`
says why another one does not count; nothing is thrown away. All times are UTC.
"""

import unicodedata
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from customers.money import MoneyField
from customers.querysets import CustomerQuerySet, OrderQuerySet
from customers.signals import being_erased


class Consent(models.TextChoices):
    """Whether somebody may be written to."""

    UNKNOWN = "unknown", "Never asked"
    PENDING = "pending", "Not confirmed"
    SUBSCRIBED = "subscribed", "Given"
    UNSUBSCRIBED = "unsubscribed", "Withdrawn"


class Customer(models.Model):
    """A profile, with or without orders. `customer_id` is the shop's own id and stands in URLs and files."""

    customer_id = models.CharField(max_length=64)
    source = models.CharField(max_length=24, default="generic")
    email = models.CharField(max_length=254, blank=True)
    email_key = models.CharField(max_length=254, blank=True, db_index=True, editable=False)
    phone = models.CharField(max_length=40, blank=True)
    phone_key = models.CharField(max_length=40, blank=True, db_index=True, editable=False)
    first_name = models.CharField(max_length=120, blank=True)
    last_name = models.CharField(max_length=120, blank=True)
    name_key = models.CharField(max_length=242, blank=True, db_index=True, editable=False)
    last_name_key = models.CharField(max_length=120, blank=True, db_index=True, editable=False)
    created_at = models.DateTimeField(null=True, blank=True, db_index=True)
    email_consent = models.CharField(max_length=12, choices=Consent, default=Consent.UNKNOWN)
    sms_consent = models.CharField(max_length=12, choices=Consent, default=Consent.UNKNOWN)
    time_zone = models.CharField(max_length=64, blank=True)
    country = models.CharField(max_length=64, blank=True, db_index=True)
    tags = models.JSONField(default=list, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    stored_at = models.DateTimeField(default=timezone.now, editable=False)

    # Kept by customers.metrics, over valid orders only; the list sorts by them.
    order_count = models.IntegerField(default=0, editable=False)
    lifetime_value = MoneyField(default=0, editable=False)
    first_order_at = models.DateTimeField(null=True, editable=False)
    last_order_at = models.DateTimeField(null=True, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer_id"], name="customer_id_once")]
        indexes = [
            models.Index(fields=["-lifetime_value", "id"], name="customer_by_value"),
            models.Index(fields=["-order_count", "id"], name="customer_by_orders"),
            models.Index(fields=["-last_order_at", "id"], name="customer_by_last_order"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """First and last name; without them the e-mail address, and without that the id."""
        return f"{self.first_name} {self.last_name}".strip() or self.email or f"Customer {self.customer_id}"

    def save(self, *args: object, **kwargs: object) -> None:
        """Keep the keys by which people are compared and searched in step with what they are made of."""
        self.email_key, self.phone_key = email_key(self.email), phone_key(self.phone)
        self.name_key, self.last_name_key = name_key(self.first_name, self.last_name), self.last_name.strip().lower()
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Erase the customer with all that hangs on him, and tell `being_erased`, in one transaction."""
        with transaction.atomic():
            being_erased.send(Customer, customers=Customer.objects.filter(pk=self.pk))
            return super().delete(*args, **kwargs)

    delete.alters_data = True  # type: ignore[attr-defined]


def email_key(email: str) -> str:
    """How addresses are compared: case folded, nothing else (dots in a mailbox may mean something)."""
    return email.strip().casefold()


def phone_key(phone: str) -> str:
    """How numbers are compared: by their digits, whatever the script that they are written in; ² and ① are none."""
    if phone.isascii():  # nearly every number, and five times as fast
        return "".join(filter(str.isdigit, phone))
    digits = (unicodedata.decimal(c, None) for c in phone)
    return "".join(str(digit) for digit in digits if digit is not None)


def name_key(first_name: str, last_name: str) -> str:
    """How names are searched: 'first last' in lower case, single spaces."""
    return " ".join(f"{first_name} {last_name}".lower().split())


class Product(models.Model):
    """A thing as the shop described it when it was sold: one row for each distinct description.

    `identity` is what makes two rows the same product: the shop's product id, else the SKU, else the title.
    """

    fingerprint = models.BinaryField(max_length=16, unique=True, editable=False)
    identity = models.CharField(max_length=255, db_index=True)
    product_id = models.CharField(max_length=64, blank=True)
    sku = models.CharField(max_length=120, blank=True)
    title = models.CharField(max_length=255)
    vendor = models.CharField(max_length=120, blank=True)
    category = models.CharField(max_length=120, blank=True, db_index=True)

    def __str__(self) -> str:
        return self.title


class Order(models.Model):
    """An order as the shop recorded it. An order without a customer is an anonymous guest's: kept, never merged."""

    class LeftOut(models.TextChoices):
        """Why an order does not count; empty means that it does."""

        CANCELLED = "cancelled", "cancelled"
        TEST = "test", "a test order"
        UNPAID = "unpaid", "not paid"
        REFUNDED = "refunded", "refunded in full"
        ZERO = "zero", "a total of zero or less"
        CURRENCY = "currency", "in another currency"

    order_id = models.CharField(max_length=64)
    number = models.CharField(max_length=64, blank=True)
    customer = models.ForeignKey(
        Customer, null=True, blank=True, on_delete=models.CASCADE, related_name="orders", db_index=False
    )
    placed_at = models.DateTimeField(db_index=True)
    currency = models.CharField(max_length=3)
    total = MoneyField()
    discounts = MoneyField(default=0)
    refunded = MoneyField(default=0, help_text="The sum of this order's refunds.")
    financial_status = models.CharField(max_length=24, blank=True)
    fulfillment_status = models.CharField(max_length=24, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    is_test = models.BooleanField(default=False)
    left_out = models.CharField(max_length=10, choices=LeftOut, blank=True, default="")
    tracking_numbers = models.JSONField(default=list, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    source = models.CharField(max_length=24, default="generic")
    lines_checksum = models.BigIntegerField(
        db_default=0, editable=False, help_text="Tells an import whether the lines changed."
    )
    stored_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at", "-id"]
        # Constraints and named indexes instead of unique= and db_index= on text: those would add a second index each on
        # PostgreSQL (for LIKE), and every index is paid for a million times by an import.
        constraints = [models.UniqueConstraint(fields=["order_id"], name="order_id_once")]
        indexes = [
            models.Index(fields=["customer", "-placed_at"], name="order_of_customer"),
            models.Index(fields=["number"], name="order_by_number"),
        ]

    def __str__(self) -> str:
        return self.number or self.order_id


class LineItem(models.Model):
    """One line of an order."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="line_items", db_index=False)
    position = models.PositiveIntegerField()
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="line_items", db_index=False)
    quantity = models.IntegerField()
    unit_price = MoneyField()
    discount = MoneyField(default=0, help_text="Taken off the whole line.")

    class Meta:
        ordering = ["order", "position"]
        constraints = [models.UniqueConstraint(fields=["order", "position"], name="line_position_once")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"


class Refund(models.Model):
    """Money that went back: for an order, or for a customer where the source does not say which order.

    A source without refund dates dates the refund at its order.
    """

    refund_id = models.CharField(max_length=96)
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.CASCADE, related_name="refunds")
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.CASCADE, related_name="refunds")
    created_at = models.DateTimeField(db_index=True)
    amount = MoneyField()
    source = models.CharField(max_length=24, default="generic")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["refund_id"], name="refund_id_once"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="refund_not_negative"),
        ]

    def __str__(self) -> str:
        return f"refund {self.refund_id}"


class MetricsDue(models.Model):
    """A customer whose figures have to be counted again.

    Written in the transaction that stores his orders, so that no crash leaves him with old figures; `customers.metrics`
    counts and deletes.
    """

    customer = models.OneToOneField(Customer, primary_key=True, on_delete=models.CASCADE, related_name="+")
    has_new_orders = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"figures of customer {self.pk}"


class DataImport(models.Model):
    """One file on its way in: where it lies, how to read it, what came of it."""

    class Kind(models.TextChoices):
        ORDERS = "orders", "Orders"
        CUSTOMERS = "customers", "Customers"
        TICKETS = "tickets", "Tickets"
        TABLES = "tables", "Six tables"

    class State(models.TextChoices):
        UPLOADED = "uploaded", "Waiting for your choices"
        READING = "reading", "Being read"
        STORING = "storing", "Being stored"
        DONE = "done", "Stored"
        STOPPED = "stopped", "Stopped; a part is stored"
        REFUSED = "refused", "Nothing was stored"

    token = models.CharField(max_length=32, unique=True, help_text="128 random bits; names the folder and the URL.")
    kind = models.CharField(max_length=12, choices=Kind)
    state = models.CharField(max_length=12, choices=State, default=State.UPLOADED)
    path = models.CharField(max_length=500, help_text="The file on this server.")
    original_name = models.CharField(max_length=255)
    options = models.JSONField(default=dict, help_text="Source, column mapping, currency, zone, date order, decimal mark.")
    checkpoint = models.JSONField(default=dict, help_text="How far storing has come; a killed import goes on from here.")
    summary = models.JSONField(default=dict, help_text="Rows read, stored, changed, rejected, left out and why.")
    job = models.ForeignKey("jobs.Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="imports")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="imports")

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.original_name
