"""WooCommerce orders as CSV, in the layout of the common export plugins: one row an item, order columns repeated on each.

The total is therefore taken once and never added up. Completed and processing orders count, and refunded ones with their
refund; customer user id 0 is a guest, who is known by his e-mail address.
"""

from collections.abc import Iterator

from customers.importing.causes import without
from customers.importing.columns import Columns, Plan, Values, bounds, line_of, start_batch
from customers.importing.grouping import orders_together
from customers.importing.records import Batch
from customers.importing.rows import Block

STATUSES = {
    "completed": "paid",
    "processing": "paid",
    "refunded": "refunded",
    "on-hold": "pending",
    "on_hold": "pending",
    "pending": "pending",
    "pending_payment": "pending",
    "checkout-draft": "pending",
    "cancelled": "cancelled",
    "failed": "failed",
    "trash": "cancelled",
}


def read_orders(blocks: Iterator[Block], again: Iterator[Block], plan: Plan, size: int) -> Iterator[Batch]:
    """One batch a block; see `generic.read_orders` for the two passes."""
    columns, place = Columns(plan), plan.places["order_id"]

    def keys(rows: list[list[str]]) -> list[str]:
        return [row[place].strip() for row in rows]

    for block in orders_together(blocks, again, keys, size):
        if isinstance(block, Batch):
            yield block
            continue
        batch = start_batch(block)
        if block.rows:
            _orders(columns.read(block), keys(block.rows), batch)
        yield batch


def _orders(values: Values, keys: list[str], batch: Batch) -> None:
    plan = values.columns.plan
    ids, statuses, placed = values("order_id"), values("status"), values("placed_at")
    customers, emails, phones = values.people()
    first_names, last_names = values("first_name"), values("last_name")
    countries, discounts, refunds, totals = values("country"), values("discount"), values("refund"), values("total")
    currencies, skus, products, coupons = values("currency"), values("sku"), values("product"), values("coupon")
    quantities, prices = values("quantity"), values("unit_price")
    for name, found in (("order_id", ids), ("placed_at", placed), ("total", totals), ("status", statuses)):
        values.require(name, found)
    for start, stop in bounds(keys):
        currency = currencies[start] or plan.options.currency
        if not currency:
            values.fail(start, "currency", "The order has no currency.", without("a currency"))
        word = (statuses[start] or "").removeprefix("wc-")
        if word and word not in STATUSES:
            reason = f"Order status is {word!r}, which is no status of WooCommerce."
            values.fail(start, "status", reason, "with a status that WooCommerce does not have")
        if len({totals[row] for row in range(start, stop)}) > 1:
            values.fail(start, "total", "The rows of the order differ in its total.", "of an order with several totals")
        if values.problems and values.reject_order(start, stop, batch):
            continue
        customer = None if customers[start] in (None, "", "0") else customers[start]
        email, phone = emails[start] or None, phones[start] or None
        total, refunded, status = totals[start], abs(refunds[start] or 0), STATUSES[word]
        if status == "refunded" and not refunded:
            refunded = total
        elif status == "paid" and refunded:
            status = "partially_refunded" if refunded < total else "refunded"
        if customer or email or phone:
            batch.customers.append(
                (customer, email, phone, first_names[start] or None, last_names[start] or None,
                 None, None, None, None, countries[start] or None, None, None)
            )  # fmt: skip
        attributes = {"discount_code": coupons[start]} if coupons[start] else None
        batch.orders.append(
            (ids[start], ids[start], customer, email, phone, placed[start], currency, total, abs(discounts[start] or 0),
             status, None, None, False, None, attributes)
        )  # fmt: skip
        if refunded > 0:
            batch.refunds.append((f"{ids[start]}:refunded", ids[start], customer, None, None, None, refunded))
        position = 0
        for row in range(start, stop):
            title = products[row] or skus[row]
            if not title or not quantities[row]:
                continue  # an item that was sent back whole stands with quantity 0: the refund tells of it
            pieces, each = line_of(quantities[row], prices[row] or 0)
            batch.lines.append((ids[start], position, None, skus[row] or None, title, None, None, pieces, each, 0))
            position += 1
