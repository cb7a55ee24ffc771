"""What is staged of customers, orders, lines and refunds: the same for every source and every database."""

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.importing.catalogue import PRODUCT_COLUMNS, STAGED_PRODUCT_COLUMNS, Catalogue
from customers.importing.facts import Arrays, Column, Facts, Parent
from customers.importing.guests import guest_id
from customers.importing.hashing import hash_lines
from customers.models import email_key, phone_key

MOST_UNITS = 2**31 - 1
STAMP = pa.timestamp("us", tz="UTC")

PEOPLE_COLUMNS = (
    Column("ref", "text"),
    Column("has_id", "flag"),
    Column("email", "text"),
    Column("email_key", "text"),
    Column("phone", "text"),
    Column("phone_key", "text"),
)


def people(columns: Arrays) -> Arrays:
    """`PEOPLE_COLUMNS` from customer_id, email and phone; `ref` is the source's id, and NULL for guests until `name_guests`."""
    ids, size = columns["customer_id"], len(columns["customer_id"])
    email, phone = columns.get("email"), columns.get("phone")
    email = pa.nulls(size, pa.string()) if email is None else email
    phone = pa.nulls(size, pa.string()) if phone is None else phone
    email_keys, phone_keys = _keys(email, email_key), _keys(phone, phone_key)
    return {
        "ref": ids, "has_id": pc.is_valid(ids),
        "email": email, "email_key": email_keys, "phone": phone, "phone_key": phone_keys,
    }  # fmt: skip


def name_guests(shaped: Arrays, guest_key: str) -> Arrays:
    """The same rows with a `ref` for each guest with an address or a number; an anonymous guest's stays NULL.

    Rows that name nobody (lines, messages) are returned as they are. `guest_key` is the shop's; see `guest_id`.
    """
    if "ref" not in shaped or not shaped["ref"].null_count:
        return shaped
    known = zip(*(shaped[name].to_pylist() for name in ("ref", "email_key", "phone_key")), strict=True)
    refs = [ref or (guest_id(email or "", phone or "", guest_key) if email or phone else None) for ref, email, phone in known]
    return {**shaped, "ref": pa.array(refs, pa.string())}


def instant(values: Any) -> Any:
    """Microseconds since 1970 as the time stamps that are staged."""
    return values.cast(pa.timestamp("us")).cast(STAMP)


def shape_customers(columns: Arrays, catalogue: Catalogue) -> Arrays:
    """Profiles, with the lower-case names that the list searches by."""
    consents = ("email_consent", "sms_consent")
    plain = ("first_name", "last_name", "time_zone", "country", "tags", "attributes", *consents)
    return {
        **people(columns),
        **{name: columns[name] for name in plain},
        "created_at": instant(columns["created_at"]),
        "first_key": _keys(columns["first_name"], _words),
        "last_key": _keys(columns["last_name"], _words),
    }


def shape_orders(columns: Arrays, catalogue: Catalogue) -> Arrays:
    """Orders; the status in lower case with underscores, as `customers.importing.validity` reads it."""
    same = ("order_id", "number", "currency", "total", "discounts", "is_test", "tracking_numbers", "attributes")
    statuses = {name: _status(columns[name]) for name in ("financial_status", "fulfillment_status")}
    times = {name: instant(columns[name]) for name in ("placed_at", "cancelled_at")}
    return {**people(columns), **{name: columns[name] for name in same}, **statuses, **times}


def shape_lines(columns: Arrays, catalogue: Catalogue) -> Arrays:
    """Order lines, the product as a number of `catalogue`, with the hash that tells whether they changed."""
    product, product_hash = catalogue.number(columns)
    numbers = {name: pc.fill_null(columns[name], 0) for name in ("quantity", "unit_price", "discount")}
    hashes = hash_lines(product_hash, *(values.to_numpy(zero_copy_only=False) for values in numbers.values()))
    return {
        "order_id": columns["order_id"], "position": columns["position"], "product": pa.array(product),
        **numbers, "hash": pa.array(hashes),
    }  # fmt: skip


def shape_refunds(columns: Arrays, catalogue: Catalogue) -> Arrays:
    """Refunds, the amount without its sign."""
    same = {"refund_id": columns["refund_id"], "order_id": columns["order_id"], "amount": pc.abs(columns["amount"])}
    return {**people(columns), **same, "created_at": instant(columns["created_at"])}


def _keys(texts: Any, key: Any) -> Any:
    if texts.null_count == len(texts):
        return texts
    return pa.array([(key(text) or None) if text else None for text in texts.to_pylist()], pa.string())


def _words(text: str) -> str:
    return " ".join(text.lower().split())


def _status(texts: Any) -> Any:
    if texts.null_count == len(texts):
        return texts
    encoded = pc.utf8_lower(texts).dictionary_encode()
    names = pa.array([re.sub(r"[\s-]+", "_", text.strip()) for text in encoded.dictionary.to_pylist()], pa.string())
    return names.take(encoded.indices)


ORDER_ID = Column("order_id", "text", 64, exact=True, required=True)
ORDER_PARENT = Parent("order_id", "orders", "customers_order", "order")

CUSTOMERS = Facts(
    "customers",
    received=(
        Column("customer_id", "text", 64, exact=True),
        Column("email", "text", 254),
        Column("phone", "text", 40),
        Column("first_name", "text", 120),
        Column("last_name", "text", 120),
        Column("created_at", "time"),
        Column("email_consent", "text", 12),
        Column("sms_consent", "text", 12),
        Column("time_zone", "text", 64),
        Column("country", "text", 64),
        Column("tags", "json"),
        Column("attributes", "json"),
    ),
    staged=(
        *PEOPLE_COLUMNS,
        *(Column(name, "text") for name in ("first_name", "last_name", "first_key", "last_key")),
        *(Column(name, "text") for name in ("email_consent", "sms_consent", "time_zone", "country")),
        Column("created_at", "time"),
        Column("tags", "json"),
        Column("attributes", "json"),
    ),
    bucket_by=("ref",),
    shape=shape_customers,
    one_of=(("customer_id", "email", "phone"),),
)
ORDERS = Facts(
    "orders",
    received=(
        ORDER_ID,
        Column("number", "text", 64),
        Column("customer_id", "text", 64, exact=True),
        Column("email", "text", 254),
        Column("phone", "text", 40),
        Column("placed_at", "time", required=True),
        Column("currency", "text", 3, exact=True),
        Column("total", "integer", required=True),
        Column("discounts", "integer"),
        Column("financial_status", "text", 24),
        Column("fulfillment_status", "text", 24),
        Column("cancelled_at", "time"),
        Column("is_test", "flag"),
        Column("tracking_numbers", "json"),
        Column("attributes", "json"),
    ),
    staged=(
        *PEOPLE_COLUMNS,
        Column("order_id", "text"),
        Column("number", "text"),
        Column("placed_at", "time"),
        Column("currency", "text"),
        Column("total", "integer"),
        Column("discounts", "integer"),
        Column("financial_status", "text"),
        Column("fulfillment_status", "text"),
        Column("cancelled_at", "time"),
        Column("is_test", "flag"),
        Column("tracking_numbers", "json"),
        Column("attributes", "json"),
    ),
    bucket_by=("order_id",),
    shape=shape_orders,
)
PRODUCTS = Facts("products", (), STAGED_PRODUCT_COLUMNS, ("identity",), lambda columns, catalogue: columns)
LINES = Facts(
    "lines",
    received=(
        ORDER_ID,
        Column("position", "integer", required=True),
        *PRODUCT_COLUMNS,
        Column("quantity", "integer", least=-MOST_UNITS, most=MOST_UNITS),
        Column("unit_price", "integer"),
        Column("discount", "integer"),
    ),
    staged=(
        Column("order_id", "text"),
        Column("position", "integer"),
        Column("product", "integer"),
        Column("quantity", "integer"),
        Column("unit_price", "integer"),
        Column("discount", "integer"),
        Column("hash", "integer"),
    ),
    bucket_by=("order_id",),
    shape=shape_lines,
    parent=ORDER_PARENT,
)
REFUNDS = Facts(
    "refunds",
    received=(
        Column("refund_id", "text", 96, exact=True, required=True),
        Column("order_id", "text", 64, exact=True),
        Column("customer_id", "text", 64, exact=True),
        Column("email", "text", 254),
        Column("phone", "text", 40),
        Column("created_at", "time"),
        Column("amount", "integer", required=True),
    ),
    staged=(
        *PEOPLE_COLUMNS,
        Column("refund_id", "text"),
        Column("order_id", "text"),
        Column("created_at", "time"),
        Column("amount", "integer"),
    ),
    bucket_by=("order_id", "ref"),
    shape=shape_refunds,
    parent=ORDER_PARENT,
    one_of=(("order_id", "created_at"), ("order_id", "customer_id", "email", "phone")),
)


def kept_columns(arrays: Arrays, staged: tuple[Column, ...]) -> pa.Table:
    """The staged columns in order."""
    return pa.table({column.name: arrays[column.name] for column in staged})


def bucket_key(arrays: Arrays, names: tuple[str, ...]) -> Any:
    """The text whose hash is a row's bucket: the first of `names` that is known."""
    return pc.coalesce(*(arrays[name] for name in names)) if len(names) > 1 else arrays[names[0]]


def row_count(arrays: Arrays) -> int:
    """How many rows the columns have."""
    return len(next(iter(arrays.values()))) if arrays else 0


def running_numbers(first: int, count: int) -> Any:
    """`count` numbers from `first`."""
    return pa.array(np.arange(first, first + count, dtype=np.int64))
