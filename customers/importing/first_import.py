"""The orders and lines of a shop's first large import: straight into their tables, by COPY.

The same rows as `storing_orders` makes, without its joins: nothing is stored yet that could differ, so customers, products and
orders are found in arrays. Each block of rows is a transaction that also commits how far it has come; the ids of the orders
are reserved beforehand, so an import that is killed goes on with the next block.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, transaction
from numpy.typing import NDArray

from customers.columns import write_columns
from customers.importing.copying import copy_in
from customers.importing.in_turn import InTurn
from customers.importing.storing import Storing
from customers.importing.storing_people import CREATED
from customers.importing.summary import Summary
from customers.importing.validity import left_out_reason
from customers.importing.waiting_files import WaitingFiles

ORDERS_AT_ONCE = 50_000
LINES_AT_ONCE = 200_000
_ADDRESSES = ("email", "email_key", "phone", "phone_key")
_LINE = ("product", "quantity", "unit_price", "discount")
_NEVER_NULL = ("number", "currency", "financial_status", "fulfillment_status", "left_out")

Save = Callable[[], None]
Told = Callable[[float], None]


def store(storing: Storing, waiting: WaitingFiles, done: dict[str, int], save: Save, tell: Told) -> None:
    """Store all orders and lines that wait. `done` is the part of the checkpoint that is kept here, `save` commits it."""
    order_count, places = waiting.order_count(), waiting.line_orders()
    if "base" not in done:
        _begin(storing, waiting, done, order_count, save)
    whole = max(1, order_count + len(places))
    with InTurn(storing.stop_if_asked) as in_turn:
        for name, blocks in (
            ("orders", _order_blocks(storing, waiting, places, done)),
            ("lines", _line_blocks(storing, waiting, places, done)),
        ):
            for end, block in blocks:

                def settle(name: str = name, end: int = end, block: _Block = block) -> None:
                    block.count(storing.summary)
                    done[name] = end
                    save()

                in_turn.submit(block.copy, settle)
                tell((done["orders"] + done["lines"]) / whole)
    _mark_due(storing, _buyers(waiting))


def _buyers(waiting: WaitingFiles) -> Any:
    """The customer ids that the orders name, each once."""
    named = [batch.column(0).unique() for batch in waiting.batches("orders", ["ref"])]
    return pa.chunked_array(named, pa.string()).unique().drop_null()


def _mark_due(storing: Storing, refs: Any) -> None:
    """Have the figures of these customers counted: beforehand, so that an import that stops for good leaves no order uncounted,
    and at the end again, for whoever was counted between."""
    storing.run(
        "INSERT INTO customers_metricsdue (customer_id, has_new_orders) SELECT key, true FROM unnest(%(keys)s::bigint[]) AS key"
        " WHERE key IS NOT NULL ON CONFLICT (customer_id) DO UPDATE SET has_new_orders = true",
        keys=_Customers().keys_of(refs).to_pylist(),
    )


def give_up(storing: Storing, done: dict[str, int], save: Save) -> None:
    """Leave what was stored to the way by buckets: it finds the orders, and stores their lines anew."""
    with transaction.atomic():
        if done:
            storing.run(
                "UPDATE customers_order SET lines_checksum = 0 WHERE id >= %(first)s AND id < %(end)s",
                first=done["base"],
                end=done["base"] + done["orders"],
            )
        for facts in ("orders", "lines"):
            storing.summary.facts.pop(facts, None)
        storing.summary.orders_left_out.clear()
        save()


class _Customers:
    """The primary keys of all customers, by `customer_id`."""

    def __init__(self) -> None:
        ids, keys, last = [], [], 0
        with connection.cursor() as cursor:
            while True:
                cursor.execute("SELECT customer_id, id FROM customers_customer WHERE id > %s ORDER BY id LIMIT 100000", [last])
                rows = cursor.fetchall()
                if not rows:
                    break
                ids.append(pa.array([row[0] for row in rows], pa.string()))
                keys.append(pa.array([row[1] for row in rows], pa.int64()))
                last = rows[-1][1]
        self._ids = pa.concat_arrays(ids) if ids else pa.array([], pa.string())
        self._keys = pa.concat_arrays(keys) if keys else pa.array([], pa.int64())

    def keys_of(self, refs: Any) -> Any:
        """The keys of the customers with these ids; NULL for an unknown one."""
        return self._keys.take(pc.index_in(refs, options=pc.SetLookupOptions(value_set=self._ids, skip_nulls=True)))


def _begin(storing: Storing, waiting: WaitingFiles, done: dict[str, int], order_count: int, save: Save) -> None:
    """Make the profiles that are missing, mark all buyers as due, reserve the orders' ids; one transaction."""
    refs = _buyers(waiting)
    with transaction.atomic():
        unknown = refs.filter(pc.is_null(_Customers().keys_of(refs))).to_pylist()
        if unknown:
            columns = {"ref": unknown, **_addresses(waiting, unknown)}
            storing.run(
                f"{CREATED} SELECT ref, %(source)s, email, email_key, phone, phone_key, '', '', '', '', 'unknown', 'unknown',"  # noqa: S608
                f" '', '', '[]', '{{}}', %(now)s, 0, 0 FROM unnest({', '.join(f'%({name})s::text[]' for name in columns)})"
                f" AS p ({', '.join(columns)})",
                **columns,
            )
            storing.summary.count("customers", new=len(unknown), changed=0, rows=len(unknown))
        _mark_due(storing, refs)
        sequence = "pg_get_serial_sequence('customers_order', 'id')"
        [(base,)] = storing.fetch(f"SELECT nextval({sequence})")
        storing.fetch(f"SELECT setval({sequence}, %(last)s)", last=base + order_count)
        done |= {"base": base, "orders": 0, "lines": 0}
        save()


def _addresses(waiting: WaitingFiles, refs: list[str]) -> dict[str, list[str]]:
    """The columns `_ADDRESSES` of these customers as far as their orders tell them, "" where they do not."""
    told = dict.fromkeys(refs, ("",) * len(_ADDRESSES))
    for batch in waiting.batches("orders", ["ref", *_ADDRESSES]):
        telling = batch.filter(pc.or_(pc.is_valid(batch.column("email")), pc.is_valid(batch.column("phone"))))
        columns = (pc.fill_null(telling.column(name), "").to_pylist() for name in _ADDRESSES)
        found = zip(telling.column("ref").to_pylist(), zip(*columns, strict=True), strict=True)
        told |= {ref: addresses for ref, addresses in found if ref in told}
    return {name: list(column) for name, column in zip(_ADDRESSES, zip(*told.values(), strict=True), strict=True)}


def _order_blocks(
    storing: Storing, waiting: WaitingFiles, places: NDArray[np.int32], done: dict[str, int]
) -> Iterator[tuple[int, "_Block"]]:
    """The blocks of orders that are not stored yet, each with the number of orders up to its end."""
    customers = _Customers()
    checksums = _checksums(waiting, places, waiting.order_count())
    for start, rows in _blocks(waiting, "orders", ORDERS_AT_ONCE):
        end, begin = start + rows.num_rows, max(start, done["orders"])
        if begin < end:
            yield end, _Orders(storing, rows.slice(begin - start), customers, done["base"] + begin, checksums[begin:end])


def _line_blocks(
    storing: Storing, waiting: WaitingFiles, places: NDArray[np.int32], done: dict[str, int]
) -> Iterator[tuple[int, "_Block"]]:
    """The blocks of lines that are not stored yet, each with the number of lines up to its end."""
    products = _products(storing)
    seen = np.zeros(waiting.order_count(), dtype=np.int32)
    for start, rows in _blocks(waiting, "lines", LINES_AT_ONCE, list(_LINE)):
        end, begin = start + rows.num_rows, max(start, done["lines"])
        order = places[start:end]
        position = _positions(order, seen)
        if begin < end:
            new = begin - start
            yield end, _Lines(rows.slice(new), order[new:], position[new:], products, done["base"])


class _Block(Protocol):
    """Rows that are copied in one transaction, and then counted."""

    def copy(self) -> None: ...
    def count(self, summary: Summary) -> None: ...


class _Orders:
    def __init__(
        self, storing: Storing, rows: pa.Table, customers: _Customers, first: int, checksums: NDArray[np.int64]
    ) -> None:
        size = rows.num_rows

        def known(name: str, otherwise: Any) -> Any:
            return pc.fill_null(rows.column(name), otherwise)

        self._columns = {
            "id": pa.array(np.arange(first, first + size, dtype=np.int64)),
            "order_id": rows.column("order_id"),
            "number": known("number", ""),
            "customer_id": customers.keys_of(rows.column("ref")),
            "placed_at": rows.column("placed_at"),
            "currency": known("currency", storing.shop.currency),
            "total": rows.column("total"),
            "discounts": known("discounts", 0),
            "refunded": _constant(0, size, pa.int64()),
            "financial_status": known("financial_status", ""),
            "fulfillment_status": known("fulfillment_status", ""),
            "cancelled_at": rows.column("cancelled_at"),
            "is_test": known("is_test", False),
            "tracking_numbers": known("tracking_numbers", "[]"),
            "attributes": known("attributes", "{}"),
            "source": _constant(storing.source, size, pa.string()),
            "stored_at": _constant(storing.as_of, size, pa.timestamp("us", tz="UTC")),
            "lines_checksum": pa.array(checksums),
        }
        self._columns["left_out"] = _left_out(self._columns, storing.shop.currency, storing.as_of)

    def copy(self) -> None:
        with connection.cursor() as cursor:
            copy_in(cursor, "customers_order", pa.table(self._columns), never_null=_NEVER_NULL)

    def count(self, summary: Summary) -> None:
        size = len(self._columns["id"])
        summary.count("orders", new=size, changed=0, rows=size)
        for reason in pc.value_counts(self._columns["left_out"]).to_pylist():
            if reason["values"]:
                counted = summary.orders_left_out
                counted[reason["values"]] = counted.get(reason["values"], 0) + reason["counts"]


class _Lines:
    def __init__(
        self,
        rows: pa.Table,
        order: NDArray[np.int32],
        position: NDArray[np.int32],
        products: NDArray[np.int64],
        base: int,
    ) -> None:
        kept = order >= 0
        product, quantity, unit_price, discount = (rows.column(name).to_numpy()[kept] for name in _LINE)
        self._columns = {
            "order_id": base + order[kept].astype(np.int64),
            "position": position[kept],
            "product_id": products[product],
            "quantity": quantity.astype(np.int32),
            "unit_price": unit_price,
            "discount": discount,
        }

    def copy(self) -> None:
        write_columns("customers_lineitem", self._columns)

    def count(self, summary: Summary) -> None:
        size = len(self._columns["order_id"])
        summary.count("lines", new=size, changed=0, rows=size)


def _checksums(waiting: WaitingFiles, places: NDArray[np.int32], order_count: int) -> NDArray[np.int64]:
    """The sum of the line hashes of every order."""
    sums = np.zeros(order_count, dtype=np.int64)
    at = 0
    for batch in waiting.batches("lines", ["hash"]):
        order = places[at : at + batch.num_rows]
        kept = order >= 0
        np.add.at(sums, order[kept], batch.column(0).to_numpy()[kept])
        at += batch.num_rows
    return sums


def _products(storing: Storing) -> NDArray[np.int64]:
    """Product keys by the import's numbers."""
    rows = (
        storing.fetch(
            "SELECT s.no, p.id"  # noqa: S608
            f" FROM {storing.staging.everything('products')} s JOIN customers_product p ON p.fingerprint = s.fingerprint"
        )
        if storing.has("products")
        else []
    )
    keys = np.zeros(max((no for no, _ in rows), default=0) + 1, dtype=np.int64)
    for no, key in rows:
        keys[no] = key
    return keys


def _positions(order: NDArray[np.int32], seen: NDArray[np.int32]) -> NDArray[np.int32]:
    """Each line's number within its order, from 1, going on from `seen` lines of every order; `seen` is brought up to date."""
    kept = np.flatnonzero(order >= 0)
    by_order = kept[np.argsort(order[kept], kind="stable")]
    groups, first, counts = np.unique(order[by_order], return_index=True, return_counts=True)
    position = np.zeros(len(order), dtype=np.int32)
    position[by_order] = np.arange(len(by_order)) - np.repeat(first, counts) + 1 + np.repeat(seen[groups], counts)
    seen[groups] += counts.astype(np.int32)
    return position


def _left_out(orders: dict[str, Any], shop_currency: str, some_time: datetime) -> Any:
    """`left_out_reason` for a block of orders: asked once for every combination that occurs."""
    status = _one(orders["financial_status"]).dictionary_encode()
    facts = (
        pc.is_valid(orders["cancelled_at"]),
        orders["is_test"],
        pc.less_equal(orders["total"], 0),
        pc.not_equal(orders["currency"], shop_currency),
    )
    code = status.indices.to_numpy().astype(np.int64)
    for fact in facts:
        code = 2 * code + np.asarray(_one(fact).to_numpy(zero_copy_only=False), dtype=np.int64)
    codes, which = np.unique(code, return_inverse=True)
    words = status.dictionary.to_pylist()
    reasons = [
        left_out_reason(
            words[c >> 4],
            some_time if c & 8 else None,
            bool(c & 4),
            0 if c & 2 else 1,
            "" if c & 1 else shop_currency,
            shop_currency,
        )
        for c in codes.tolist()
    ]
    return pa.array(reasons, pa.string()).take(pa.array(which))


def _blocks(waiting: WaitingFiles, name: str, size: int, columns: list[str] | None = None) -> Iterator[tuple[int, pa.Table]]:
    """The rows of a file in blocks of at least `size`, in the order of the file; each with the number of rows before it."""
    batches: list[Any] = []
    start = rows = 0
    for batch in waiting.batches(name, columns):
        batches.append(batch)
        rows += batch.num_rows
        if rows >= size:
            yield start, pa.Table.from_batches(batches).combine_chunks()
            batches, start, rows = [], start + rows, 0
    if batches:
        yield start, pa.Table.from_batches(batches).combine_chunks()


def _one(values: Any) -> Any:
    """A column as one array."""
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _constant(value: Any, size: int, kind: Any) -> Any:
    return pa.repeat(pa.scalar(value, kind), size)
