"""Whether an order counts, and if not, why: one rule for Python and for SQL.

`decisions.md` 1: a valid order is paid or partly refunded, not cancelled, not a test, above zero and in the shop's currency.
A financial status that the source does not give, or that we do not know, counts as paid.
"""

# ruff: noqa: S608  (names of tables and columns are our own; values go as parameters)

from datetime import datetime

from django.db import connection, transaction

from accounts.models import Shop
from customers.models import Order

UNPAID = (
    "pending", "authorized", "partially_paid", "voided", "failed", "on_hold", "unpaid", "expired", "draft", "checkout_draft",
    "pending_payment", "declined",
)  # fmt: skip
CANCELLED = ("cancelled", "canceled", "trash")
REFUNDED = ("refunded",)


def left_out_reason(
    financial_status: str, cancelled_at: datetime | None, is_test: bool, total: int, currency: str, shop_currency: str
) -> str:
    """Why an order does not count, as a value of `Order.LeftOut`; empty if it does. The first reason in its order wins."""
    status = financial_status.strip().lower().replace(" ", "_").replace("-", "_")
    reasons = (
        (cancelled_at is not None or status in CANCELLED, Order.LeftOut.CANCELLED),
        (is_test, Order.LeftOut.TEST),
        (status in UNPAID, Order.LeftOut.UNPAID),
        (status in REFUNDED, Order.LeftOut.REFUNDED),
        (total <= 0, Order.LeftOut.ZERO),
        (currency != shop_currency, Order.LeftOut.CURRENCY),
    )
    return next((str(reason.value) for applies, reason in reasons if applies), "")


def left_out_sql(row: str) -> str:
    """The same rule as an SQL expression over the columns of `row`; the shop's currency is the parameter ``shop_currency``."""
    status = f"replace(replace(lower({row}.financial_status), ' ', '_'), '-', '_')"

    def among(words: tuple[str, ...]) -> str:
        return f"{status} IN ({', '.join(repr(word) for word in words)})"

    return (
        f"CASE WHEN {row}.cancelled_at IS NOT NULL OR {among(CANCELLED)} THEN 'cancelled' WHEN {row}.is_test THEN 'test'"
        f" WHEN {among(UNPAID)} THEN 'unpaid' WHEN {status} = 'refunded' THEN 'refunded' WHEN {row}.total <= 0 THEN 'zero'"
        f" WHEN {row}.currency <> %(shop_currency)s THEN 'currency' ELSE '' END"
    )


def judge_again(shop: Shop) -> int:
    """Apply the rule to every order, after the shop's currency changed; return how many changed sides.

    One statement for each 50,000 orders; the customers concerned are due for new figures (`customers.metrics.settle`).
    """
    changed = 0
    last = Order.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    rule = left_out_sql("customers_order")
    for first in range(1, last + 1, 50_000):
        values: dict[str, str | int] = {"shop_currency": shop.currency, "first": first, "last": first + 49_999}
        which = f"id BETWEEN %(first)s AND %(last)s AND left_out <> {rule}"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO customers_metricsdue (customer_id, has_new_orders)"
                f" SELECT customer_id, max(CASE WHEN {rule} = '' THEN 1 ELSE 0 END) = 1"
                f" FROM customers_order WHERE customer_id IS NOT NULL AND {which} GROUP BY customer_id"
                " ON CONFLICT (customer_id) DO UPDATE"
                " SET has_new_orders = excluded.has_new_orders OR customers_metricsdue.has_new_orders",
                values,
            )
            cursor.execute(f"UPDATE customers_order SET left_out = {rule} WHERE {which}", values)
            changed += cursor.rowcount
    return changed
