"""Shopify's export of orders as CSV, in both header dialects (its customers are read by `people`).

An order has one row a line; order-level cells are filled on its first row only. Rows that repeat the name, or leave it blank,
go on with the order above. The file knows neither customer ids nor the dates of refunds: customers are joined by e-mail, then
by phone, and what was refunded is one sum without a date.
"""

from collections.abc import Iterator

from customers.importing.causes import without
from customers.importing.columns import Columns, Plan, Values, line_of, start_batch, times
from customers.importing.grouping import whole_orders
from customers.importing.records import Batch
from customers.importing.rows import Block

HEADLESS = "The row goes on with an order whose first row is not in this file: put the files together and import them as one."
HEAD_ELSEWHERE = "of an order that begins in another file"


def read_orders(blocks: Iterator[Block], plan: Plan) -> Iterator[Batch]:
    """One batch a block. `Id` is the order's id where the file has it, else `Name`."""
    columns = Columns(plan)
    place = plan.places["name"]

    def keys(rows: list[list[str]]) -> list[str]:
        found, name = [], ""
        for row in rows:
            name = row[place] or name
            found.append(name)
        return found

    for block in whole_orders(blocks, keys):
        batch = start_batch(block)
        if block.rows:
            _orders(columns.read(block), batch)
        yield batch


def _orders(values: Values, batch: Batch) -> None:
    plan = values.columns.plan
    heads = _heads(values)
    # The cells of the order: on its first row only, whatever later rows repeat.
    ids, names = values.at("id", heads), values.at("name", heads)
    created, paid, cancelled = values.at("created_at", heads), values.at("paid_at", heads), values.at("cancelled_at", heads)
    totals, discounts, refunds = (
        values.at("total", heads),
        values.at("discount_amount", heads),
        values.at("refunded_amount", heads),
    )
    emails, phones, billing_phones = values.at("email", heads), values.at("phone", heads), values.at("billing_phone", heads)
    statuses, sent, methods = (
        values.at("financial_status", heads),
        values.at("fulfillment_status", heads),
        values.at("payment_method", heads),
    )
    currencies, codes, channels = values.at("currency", heads), values.at("discount_code", heads), values.at("channel", heads)
    # The cells of the lines.
    quantities, prices, line_discounts = values("quantity"), values("unit_price"), values("line_discount")
    titles, skus, vendors = values("line_name"), values("sku"), values("vendor")
    problems, default_currency = values.problems, plan.options.currency

    for at, head in enumerate(heads):
        stop = heads[at + 1] if at + 1 < len(heads) else len(values)
        if created[at] is None and head not in problems:
            for row in range(head, stop):
                values.fail(row, "name", HEADLESS, HEAD_ELSEWHERE)
        total = totals[at]
        if total is None:
            total = sum(times(quantities[row] or 0, prices[row] or 0) for row in range(head, stop)) - (discounts[at] or 0)
        currency = currencies[at] or default_currency
        if not currency:
            values.fail(head, "currency", "The order has no currency.", without("a currency"))
        if (refunds[at] or 0) < 0:
            values.fail(head, "refunded_amount", "The refunded amount is negative.", "with a negative refund")
        if problems and values.reject_order(head, stop, batch):
            continue
        order_id = ids[at] or names[at]
        position = 0
        for row in range(head, stop):
            if quantities[row] is None and not titles[row]:
                continue
            pieces, each = line_of(quantities[row] or 0, prices[row] or 0)
            title = titles[row] or skus[row] or "Without a name"
            batch.lines.append(
                (
                    order_id,
                    position,
                    None,
                    skus[row] or None,
                    title,
                    vendors[row] or None,
                    None,
                    pieces,
                    each,
                    line_discounts[row] or 0,
                )
            )
            position += 1
        attributes = {}
        if codes[at]:
            attributes["discount_code"] = codes[at]
        if channels[at]:
            attributes["channel"] = channels[at]
        batch.orders.append(
            (
                order_id,
                names[at],
                None,
                emails[at] or None,
                phones[at] or billing_phones[at] or None,
                created[at],
                currency,
                total,
                discounts[at] or 0,
                statuses[at] or ("pending" if paid[at] is None and "paid_at" in plan.places else "paid"),
                sent[at] or None,
                cancelled[at],
                bool(methods[at]) and "bogus" in methods[at].lower(),
                None,
                attributes or None,
            )
        )
        if refunds[at]:
            batch.refunds.append((f"{order_id}:refunded", order_id, None, None, None, None, refunds[at]))


def _heads(values: Values) -> list[int]:
    """Where orders begin: at a new name, and at a new id under the same name (names can be used again)."""
    places = values.columns.plan.places
    name_at, id_at = places["name"], places.get("id", places["name"])
    heads: list[int] = []
    name = order_id = ""
    for row, cells in enumerate(values.block.rows):
        new_name, new_id = cells[name_at], cells[id_at]
        if not heads or (new_name and new_name != name) or (new_id and order_id and new_id != order_id):
            heads.append(row)
            name, order_id = new_name or name, new_id
    return heads
