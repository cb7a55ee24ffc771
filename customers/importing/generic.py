"""Any table of orders: one row per order or per line, its columns told by a mapping.

Rows with the same order id are one order; without order ids, the rows of one customer at one instant are. A negative amount is
a return: it belongs to its order if the order has sales in this file, else to the customer, and is never an order of its own.
Amounts per line are added up; amounts per order stand on each of its rows and are taken once.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from customers.importing.causes import without
from customers.importing.columns import Columns, Plan, Values, bounds, line_of, start_batch, times
from customers.importing.grouping import Keys, orders_together
from customers.importing.guests import address_in, guest_id, known_by, told_apart
from customers.importing.records import Batch
from customers.importing.rows import Block
from customers.money import UNIT

PAID = frozenset(
    ("paid", "complete", "completed", "processing", "fulfilled", "shipped", "delivered", "closed", "success", "successful",
     "captured", "settled", "invoiced", "done", "bezahlt")
)  # fmt: skip
CANCELLED = frozenset({"cancelled", "canceled", "void", "voided", "failed", "declined", "expired", "storniert"})


def read_orders(blocks: Iterator[Block], again: Iterator[Block], plan: Plan, size: int) -> Iterator[Batch]:
    """One batch a block. `blocks` and `again` are two passes over the same file of `size` bytes."""
    columns = Columns(plan)
    keys = order_keys(columns)
    for block in orders_together(blocks, again, keys, size):
        if isinstance(block, Batch):
            yield block
            continue
        batch = start_batch(block)
        if block.rows:
            _orders(columns.read(block), keys(block.rows), batch)
        yield batch


def order_keys(columns: Columns) -> Keys:
    """What makes rows one order: the order id, or else the customer and the instant."""
    places = columns.plan.places
    if "order_id" in places:
        place = places["order_id"]
        return lambda rows: [row[place].strip() for row in rows]
    date = places["placed_at"]

    def keys(rows: list[list[str]]) -> list[str]:
        whos = map(known_by, *columns.read(Block(rows)).people())
        return [f"{who}\0{row[date]}" if who else "" for who, row in zip(whos, rows, strict=True)]

    return keys


def _amounts(values: Values) -> tuple[list[int | None], list[int | None], list[int | None]]:
    """(amount, quantity, unit price) of each row, in ten-thousandths, each from the two others where it is missing."""
    given, quantities, prices = values("amount"), values("quantity"), values("unit_price")
    if "quantity" not in values.columns.plan.places:
        quantities = [UNIT] * len(values)
    if "unit_price" in values.columns.plan.places:
        products = [None if q is None or p is None else times(q, p) for q, p in zip(quantities, prices, strict=True)]
    else:
        products = [None] * len(values)
    discounts = values("discount")
    amounts = [
        amount if amount is not None else None if product is None else product - (abs(discount or 0) if product >= 0 else 0)
        for amount, product, discount in zip(given, products, discounts, strict=True)
    ]
    return amounts, quantities, prices


class _Table(NamedTuple):
    """The columns of a block. Amounts, quantities and prices are in ten-thousandths; None where a cell is empty."""

    order_ids: list[str | None]
    named: list[str | None]  # whom the cells of the customer name; `customers` are those of them that are ids
    customers: list[str | None]
    emails: list[str | None]
    phones: list[str | None]
    placed: list[int]
    currencies: list[str | None]
    statuses: list[str | None]
    channels: list[str | None]
    refunds: list[int | None]
    skus: list[str | None]
    products: list[str | None]
    vendors: list[str | None]
    categories: list[str | None]
    discounts: list[int | None]
    amounts: list[int | None]
    quantities: list[int | None]
    prices: list[int | None]


def _orders(values: Values, keys: list[str], batch: Batch) -> None:
    plan = values.columns.plan
    amounts, quantities, prices = _amounts(values)
    named = values("customer_id")
    people = told_apart(named, values("email"), values("phone"))
    table = _Table(
        order_ids=values("order_id"),
        named=named,
        customers=people.ids,
        emails=people.emails,
        phones=people.phones,
        placed=values("placed_at"),
        currencies=values("currency"),
        statuses=values("status"),
        channels=values("channel"),
        refunds=values("refund"),
        skus=values("sku"),
        products=values("product"),
        vendors=values("vendor"),
        categories=values("category"),
        discounts=values("discount"),
        amounts=amounts,
        quantities=quantities,
        prices=prices,
    )
    values.require("placed_at", table.placed)
    if "order_id" in plan.places:
        values.require("order_id", table.order_ids)
    for start, stop in bounds(keys):
        _check(values, table, start, stop)
        if not (values.problems and values.reject_order(start, stop, batch)):
            _take(plan, table, range(start, stop), batch)


def _check(values: Values, table: _Table, start: int, stop: int) -> None:
    """Note what is wrong with the rows of one order."""
    plan = values.columns.plan
    rows, per = range(start, stop), plan.options.amount_per
    whole = per == "order" and "amount" in plan.places
    if not (table.customers[start] or table.emails[start] or table.phones[start]):
        reason = "The row has no customer: no id, no e-mail address and no phone number."
        values.fail(start, values.first_of("customer_id", "email", "phone"), reason, without("a customer"))
    if not (table.currencies[start] or plan.options.currency):
        values.fail(start, "currency", "The row has no currency.", without("a currency"))
    if table.amounts[start] is None or (not whole and any(table.amounts[row] is None for row in rows)):
        row = next(row for row in rows if table.amounts[row] is None)
        values.fail(row, values.first_of("amount", "unit_price"), "The row has no amount.", without("an amount"))
    if stop - start == 1:
        return
    customer = _who(table.named[start])
    if any(table.named[row] and _who(table.named[row]) != customer for row in rows):
        values.fail(start, "customer_id", "The order's rows have different customers.", "of an order with several customers")
    if any(table.currencies[row] and table.currencies[row] != table.currencies[start] for row in rows):
        values.fail(start, "currency", "The order's rows have different currencies.", "of an order with several currencies")
    if "amount" in plan.places and per != "line":
        differ = len({table.amounts[row] for row in rows if table.amounts[row] is not None}) > 1
        if whole and differ:
            reason = "The order's rows differ in the amount, so it is not the amount of the whole order."
            values.fail(start, "amount", reason, "of an order with several amounts")
        elif not whole and not differ:
            reason = "The order's rows have the same amount: say whether it is that of a line or of the order."
            values.fail(start, "amount", reason, "of an order whose rows have the same amount")


def _take(plan: Plan, table: _Table, rows: range, batch: Batch) -> None:
    """One order (or return) into the batch."""
    start = rows[0]
    whole = plan.options.amount_per == "order" and "amount" in plan.places
    sums = [table.amounts[row] or 0 for row in (rows[:1] if whole else rows)]
    total, returned = sum(amount for amount in sums if amount > 0), -sum(amount for amount in sums if amount < 0)
    customer, email, phone = table.customers[start] or None, table.emails[start] or None, table.phones[start] or None
    at, given_id = table.placed[start], table.order_ids[start] or None
    order_id = given_id or _made_up_id(customer or guest_id(email, phone, plan.guest_key), at)
    if returned:
        when = max(table.placed[row] for row in rows if (table.amounts[row] or 0) < 0)
        if total == 0:
            person = (customer, None, None) if customer else (None, email, phone)
            batch.refunds.append((f"{order_id}:return", None, *person, when, returned))
            return
        batch.refunds.append((f"{order_id}:return", order_id, customer, None, None, when, returned))
    refunded, discount = _sum_of(table.refunds, rows, whole), _sum_of(table.discounts, rows, whole)
    status = _status(table.statuses[start])
    if status == "paid" and refunded:
        status = "partially_refunded" if refunded < total else "refunded"
    if refunded:
        # Beside a return of its own it is no longer the sum that other refunds replace, so it has another name.
        name = "refunded-too" if returned else "refunded"
        batch.refunds.append((f"{order_id}:{name}", order_id, customer, None, None, None, refunded))
    attributes = {"channel": table.channels[start]} if table.channels[start] else None
    currency = table.currencies[start] or plan.options.currency
    batch.orders.append(
        (order_id, given_id, customer, email, phone, at, currency, total, discount, status, None, None, False, None, attributes)
    )
    position = 0
    several = whole and len(rows) > 1  # then amounts and discounts are the order's, not the line's
    for row in rows:
        amount, quantity, price = table.amounts[row] or 0, table.quantities[row], table.prices[row]
        title = table.products[row] or table.skus[row] or table.categories[row]
        if not title or (amount < 0 and not whole):
            continue
        quantity = UNIT if quantity is None else quantity
        if price is None:
            price = 0 if several or not quantity else amount * UNIT // quantity
        pieces, each = line_of(quantity, price)
        batch.lines.append(
            (order_id, position, None, table.skus[row] or None, title, table.vendors[row] or None,
             table.categories[row] or None, pieces, each, 0 if several else abs(table.discounts[row] or 0))
        )  # fmt: skip
        position += 1


def _who(named: str | None) -> str:
    """A cell of the customer as it is compared with others: addresses and numbers may be written in several ways."""
    email, phone = address_in(named or "")
    return known_by(None, email, phone) or named or ""


def _sum_of(column: list[int | None], rows: range, per_order: bool) -> int:
    """The sum over an order's rows; a value that is repeated on each of them is the order's own where amounts are."""
    if len(rows) == 1:
        return abs(column[rows[0]] or 0)
    found = [abs(column[row] or 0) for row in rows]
    return found[0] if per_order and len(set(found)) == 1 else sum(found)


def _status(word: str | None) -> str:
    """A shop's own word in the words of `customers.models`; an unknown one stays as it is."""
    if not word or word in PAID:
        return "paid"
    return "cancelled" if word in CANCELLED else word


def _made_up_id(customer: str, at: int) -> str:
    """A stable id for an order that has none, from its customer's; a guest's, because order ids are no secret either."""
    moment = datetime.fromtimestamp(at // 1_000_000, UTC)
    name = f"{customer}@{moment:%Y%m%dT%H%M%S}"
    return name if len(name) <= 64 else f"{blake2b(customer.encode(), digest_size=16).hexdigest()}@{moment:%Y%m%dT%H%M%S}"
