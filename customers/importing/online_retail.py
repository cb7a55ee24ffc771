"""Online Retail II (UCI): every invoice line of a gift wholesaler, in pounds and British time, in both header editions.

What is no sale is left out and counted: bad-debt invoices (A…), bookkeeping codes, tests, stock corrections at price 0, exact
duplicates (the two sheets of the workbook overlap). Postage and manual amounts count as money but are no products. Invoices
with a C are money that went back; they name no order, so they belong to the customer.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from customers.importing.columns import Columns, Plan, Values, bounds, line_of, start_batch, times
from customers.importing.grouping import orders_together
from customers.importing.guests import known_by
from customers.importing.records import Batch
from customers.importing.rows import Block

BOOKKEEPING = frozenset({"B", "ADJUST", "ADJUST2", "BANK CHARGES", "AMAZONFEE", "CRUK", "S"})
MONEY_ONLY = frozenset({"POST", "DOT", "C2", "C3", "D", "M"})
_TEST = re.compile(r"TEST[0-9]*")

BAD_DEBT = "bad-debt adjustments (invoices with an A)"
NO_SALE = "bookkeeping, such as bank charges, fees and samples"
TESTS = "test products"
STOCK = "stock corrections without a price"
TWICE = "exact duplicates"
NOBODY = "cancelled invoices without a customer"


def read_orders(blocks: Iterator[Block], again: Iterator[Block], plan: Plan, size: int) -> Iterator[Batch]:
    """One batch a block; see `generic.read_orders` for the two passes."""
    columns, place = Columns(plan), plan.places["invoice"]
    countries: dict[str, str] = {}

    def keys(rows: list[list[str]]) -> list[str]:
        return [row[place].strip() for row in rows]

    for block in orders_together(blocks, again, keys, size):
        if isinstance(block, Batch):
            yield block
            continue
        batch = start_batch(block)
        if block.rows:
            _invoices(columns.read(block), keys(block.rows), countries, batch)
        yield batch


def _invoices(values: Values, keys: list[str], countries: dict[str, str], batch: Batch) -> None:
    goods = _Goods(values("stock_code"), values("description"), values("quantity"), values("unit_price"), values("placed_at"))
    people, invoices, lands = values.people(), values("invoice"), values("country")
    values.require("invoice", invoices)
    values.require("stock_code", goods.codes)
    values.require("quantity", goods.quantities)
    values.require("unit_price", goods.prices)
    values.require("placed_at", goods.placed)
    left_out: Counter[str] = Counter()
    for start, stop in bounds(keys):
        if values.problems and values.reject_order(start, stop, batch):
            continue
        invoice, person = invoices[start], tuple(column[start] or None for column in people)
        who = known_by(*person)
        if invoice[:1] in "Aa":
            left_out[BAD_DEBT] += stop - start
            continue
        taken = _sales(goods, start, stop, left_out, has_customer=bool(who))
        if not taken:
            continue
        total = sum(times(goods.quantities[row], goods.prices[row]) for row in taken)
        if invoice[:1] in "Cc" or total < 0:  # a discount given later stands on an invoice of its own, without the C
            if not who or total >= 0:
                left_out[NO_SALE if who else NOBODY] += len(taken)
            else:
                batch.refunds.append((invoice, None, *person, goods.placed[start], -total))
            continue
        batch.orders.append(
            (
                invoice,
                invoice,
                *person,
                goods.placed[start],
                "GBP",
                total,
                0,
                "paid",
                None,
                None,
                False,
                None,
                None,
            )
        )
        if who and lands[start] and countries.get(who) != lands[start]:
            if len(countries) > 200_000:
                countries.clear()
            countries[who] = lands[start]
            batch.customers.append((*person, None, None, None, None, None, None, lands[start], None, None))
        for position, row in enumerate(row for row in taken if goods.codes[row].upper() not in MONEY_ONLY):
            code = goods.codes[row].upper()
            pieces, each = line_of(goods.quantities[row], goods.prices[row])
            batch.lines.append((invoice, position, code, code, goods.descriptions[row] or code, None, None, pieces, each, 0))
    batch.left_out = dict(left_out)


class _Goods(NamedTuple):
    """The columns of a line."""

    codes: list[str]
    descriptions: list[str | None]
    quantities: list[int]
    prices: list[int]
    placed: list[int]


def _sales(goods: _Goods, start: int, stop: int, left_out: Counter[str], *, has_customer: bool) -> list[int]:
    """The rows of an invoice that are sales; the others are counted in `left_out`."""
    seen: set[tuple[str, int, int, int]] = set()
    taken = []
    for row in range(start, stop):
        code, quantity, price = goods.codes[row].upper(), goods.quantities[row], goods.prices[row]
        what = (code, quantity, price, goods.placed[row])
        if what in seen:
            left_out[TWICE] += 1
        elif code in BOOKKEEPING:
            left_out[NO_SALE] += 1
        elif _TEST.fullmatch(code):
            left_out[TESTS] += 1
        elif price == 0 and (quantity <= 0 or not has_customer):
            left_out[STOCK] += 1
        else:
            taken.append(row)
        seen.add(what)
    return taken
