"""The planned shop as rows of the database: columns of plain values, table by table, in the order that foreign keys need.

Nothing here opens a connection, so the same seed can be compared to the byte. The demo is only ever written into a shop
without customers, which is why it may number its rows itself and needs no look-up.
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customers.importing.catalogue import fingerprint
from customers.models import Customer, LineItem, Order, Product, Refund, email_key, name_key, phone_key
from quimbi.demo import SOURCE, baskets, conversations, showcase
from quimbi.demo.people import CURRENCIES, Register
from quimbi.demo.plan import Block, Plan
from quimbi.demo.tables import Ledger, Table

CURRENCY = "USD"
_UNITS = 100  # ten-thousandths in a cent


class Rows:
    """Writes the texts and numbers the rows; remembers the addresses already given out."""

    def __init__(self, shop: Plan, ledger: Ledger) -> None:
        self._shop, self._ledger, self._register = shop, ledger, Register()
        self._first_customer, self._first_order = ledger.next_keys[Customer], ledger.next_keys[Order]
        self._first_product = ledger.next_keys[Product]

    def products(self) -> Table:
        """The catalogue."""
        described = self._shop.goods.described
        product_id, sku, title, vendor, category = (list(column) for column in zip(*described, strict=True))
        prints = [fingerprint(*words) for words in described]
        columns = {"fingerprint": prints, "identity": product_id, "product_id": product_id, "sku": sku, "title": title}
        return self._ledger.table(Product, {**columns, "vendor": vendor, "category": category})

    def of(self, block: Block) -> Iterator[Table]:
        """The tables of a block: customers, orders, lines, refunds, tickets, messages."""
        left_out = self._left_out(block)
        yield self._customers(block, left_out)
        yield self._orders(block, left_out)
        yield self._lines(block)
        yield self._refunds(block)
        yield from conversations.of(block, self._shop, self._ledger, self._first_customer)

    def _left_out(self, block: Block) -> NDArray[np.int64]:
        filled = block.baskets
        return np.select(
            [
                filled.status == baskets.CANCELLED,
                filled.is_test,
                filled.status == baskets.PENDING,
                filled.status == baskets.REFUNDED,
                filled.total <= 0,
                filled.is_foreign,
            ],
            range(1, 7),
            0,
        )

    def _customers(self, block: Block, left_out: NDArray[np.int64]) -> Table:
        n = block.last - block.first
        rows = [self._person(i) for i in range(block.first, block.last)]
        customer_id, email, phone, first, last, created_at, email_consent, sms_consent, zone, country, tags, attributes = zip(
            *rows, strict=True
        )
        counts = left_out == 0
        who = (self._shop.customer_of[block.orders.buyer] - block.first)[counts]
        when = block.orders.placed_at[counts]
        earned = np.bincount(who, (block.baskets.total - block.baskets.refunded)[counts], n).astype(np.int64)
        first_at, last_at = np.zeros(n, np.int64), np.zeros(n, np.int64)
        last_at[who] = when  # orders are sorted by time: the last one stays
        first_at[who[::-1]] = when[::-1]
        columns: dict[str, list[Any]] = {
            "customer_id": list(customer_id),
            "source": [SOURCE] * n,
            "email": list(email),
            "email_key": [email_key(address) for address in email],
            "phone": list(phone),
            "phone_key": [phone_key(number) for number in phone],
            "first_name": list(first),
            "last_name": list(last),
            "name_key": [name_key(*name) for name in zip(first, last, strict=True)],
            "last_name_key": [name.lower() for name in last],
            "created_at": self._ledger.stamps(np.array(created_at)),
            "email_consent": list(email_consent),
            "sms_consent": list(sms_consent),
            "time_zone": list(zone),
            "country": list(country),
            "tags": [json.dumps(words) for words in tags],
            "attributes": [json.dumps(facts) for facts in attributes],
            "stored_at": self._ledger.stored_at(n),
            "order_count": np.bincount(who, minlength=n).tolist(),
            "lifetime_value": (np.maximum(earned, 0) * _UNITS).tolist(),
            "first_order_at": self._ledger.stamps(first_at),
            "last_order_at": self._ledger.stamps(last_at),
        }
        return self._ledger.table(Customer, columns)

    def _person(self, i: int) -> tuple[Any, ...]:
        shop = self._shop
        created_at = int(shop.created_at[i])
        if shop.regular is not None and i == shop.customer_of[shop.regular]:
            return self._register.named_row(shop.people, i, showcase.REGULAR_ID, created_at, showcase.REGULAR_NAME)
        if i == shop.newcomer:
            return self._register.named_row(shop.people, i, showcase.NEWCOMER_ID, created_at, showcase.NEWCOMER_NAME)
        return self._register.row(shop.people, i, str(7_300_000_000_000 + 4_099 * i), created_at)

    def _orders(self, block: Block, left_out: NDArray[np.int64]) -> Table:
        shop, filled, n = self._shop, block.baskets, len(block.orders)
        number = shop.number[block.first_order : block.first_order + n].tolist()
        customer = shop.customer_of[block.orders.buyer]
        reasons = ("", *Order.LeftOut.values)
        currency = np.array(CURRENCIES, dtype=object)[shop.people.place[customer]]
        shipped = (filled.status != baskets.CANCELLED) & (shop.calendar.as_of - block.orders.placed_at > 40 * 3_600)
        cancelled_at = np.where(filled.status == baskets.CANCELLED, filled.ended_at, 0)
        columns: dict[str, list[Any]] = {
            "order_id": [str(5_400_000_000_000 + 1_021 * i) for i in number],
            "number": [f"#{1001 + i}" for i in number],
            "customer_id": (self._first_customer + customer).tolist(),
            "placed_at": self._ledger.stamps(block.orders.placed_at),
            "currency": np.where(filled.is_foreign, currency, CURRENCY).tolist(),
            "total": (filled.total * _UNITS).tolist(),
            "discounts": (filled.discounts * _UNITS).tolist(),
            "refunded": (filled.refunded * _UNITS).tolist(),
            "financial_status": [baskets.FINANCIAL_STATUS[status] for status in filled.status.tolist()],
            "fulfillment_status": ["fulfilled" if it else "unfulfilled" for it in shipped.tolist()],
            "cancelled_at": self._ledger.stamps(cancelled_at),
            "is_test": filled.is_test.tolist(),
            "left_out": [reasons[reason] for reason in left_out.tolist()],
            "tracking_numbers": [
                f'["HH{70_000_000 + 7 * i}"]' if it else "[]" for i, it in zip(number, shipped.tolist(), strict=True)
            ],
            "attributes": [_CODE_JSON[code] for code in filled.code.tolist()],
            "source": [SOURCE] * n,
            "stored_at": self._ledger.stored_at(n),
        }
        return self._ledger.table(Order, columns)

    def _lines(self, block: Block) -> Table:
        filled = block.baskets
        position = np.arange(len(filled.order)) - filled.first_line[filled.order]
        columns: dict[str, list[Any]] = {
            "order_id": (self._first_order + block.first_order + filled.order).tolist(),
            "position": position.tolist(),
            "product_id": (self._first_product + filled.product).tolist(),
            "quantity": filled.quantity.tolist(),
            "unit_price": (filled.price * _UNITS).tolist(),
            "discount": (filled.discount * _UNITS).tolist(),
        }
        return self._ledger.table(LineItem, columns)

    def _refunds(self, block: Block) -> Table:
        filled = block.baskets
        order = np.flatnonzero(filled.refunded > 0)
        number = self._shop.number[block.first_order + order].tolist()
        columns: dict[str, list[Any]] = {
            "refund_id": [str(930_000_000_000 + 13 * i) for i in number],
            "customer_id": (self._first_customer + self._shop.customer_of[block.orders.buyer[order]]).tolist(),
            "order_id": (self._first_order + block.first_order + order).tolist(),
            "created_at": self._ledger.stamps(filled.ended_at[order]),
            "amount": (filled.refunded[order] * _UNITS).tolist(),
            "source": [SOURCE] * len(order),
        }
        return self._ledger.table(Refund, columns)


_CODE_JSON = ["{}", *(json.dumps({"discount_code": code}) for code in baskets.CODES[1:])]
