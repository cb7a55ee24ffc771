"""What is staged of customers, orders, lines and refunds: the same for every source and every database."""

import hashlib
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.importing.catalogue import PRODUCT_COLUMNS, STAGED_PRODUCT_COLUMNS, Catalogue
from customers.importing.facts import Arrays, Column, Facts, Parent
from customers.importing.hashing import hash_lines
from customers.models import email_key, phone_key

MOST_UNITS = 2**31 - 1
STAMP = pa.timestamp("us", tz="UTC")
_TELEPHONE = re.compile(r"^\+?[\d\s()./-]{7,}$")

PEOPLE_COLUMNS = (
    Column("ref", "text"),
    Column("has_id", "flag"),
    Column("email", "text"),
    Column("email_key", "text"),
    Column("phone", "text"),
    Column("phone_key", "text"),
)


def derived_id(email: str, phone: str) -> str:
    """The customer id of somebody whom the source knows by e-mail or phone only: stable, and tells neither."""
    known_by = f"email:{email}" if email else f"phone:{phone}"
    return "guest_" + hashlib.blake2b(known_by.encode(), digest_size=10).hexdigest()


def people(columns: Arrays) -> Arrays:
    """`PEOPLE_COLUMNS` from customer_id, email and phone; `ref` is NULL for an anonymous guest."""
    ids, size = columns["customer_id"], len(columns["customer_id"])
    email, phone = columns.get("email"), columns.get("phone")
    email = pa.nulls(size, pa.string()) if email is None else email
    phone = pa.nulls(size, pa.string()) if phone is None else phone
    email_keys, phone_keys = _keys(email, email_key), _keys(phone, phone_key)
    refs = ids
    if ids.null_count:
        known = zip(ids.to_pylist(), email_keys.to_pylist(), phone_keys.to_pylist(), strict=True)
        refs = pa.array([i or (derived_id(e or "", p or "") if e or p else None) for i, e, p in known], pa.string())
    return {
        "ref": refs, "has_id": pc.is_valid(ids),
        "email": email, "email_key": email_keys, "phone": phone, "phone_key": phone_keys,
    }  # fmt: skip


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
    """Refunds; where the source has no customer ids, `customer_id` of an orderless return is an e-mail address or a phone."""
    ids = columns["customer_id"]
    if ids.null_count < len(ids):
        texts, orders = ids.to_pylist(), columns["order_id"].to_pylist()
        email = [t if t and o is None and "@" in t else None for t, o in zip(texts, orders, strict=True)]
        phone = [
            t if t and o is None and t.startswith("+") and _TELEPHONE.match(t) else None
            for t, o in zip(texts, orders, strict=True)
        ]
        ids = pa.array([None if e or p else t for t, e, p in zip(texts, email, phone, strict=True)], pa.string())
        person = people({"customer_id": ids, "email": pa.array(email, pa.string()), "phone": pa.array(phone, pa.string())})
    else:
        person = people({"customer_id": ids})
    amount = pc.abs(columns["amount"])
    same = {"refund_id": columns["refund_id"], "order_id": columns["order_id"], "amount": amount}
    return {**person, **same, "created_at": instant(columns["created_at"])}


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
        Column("customer_id", "text", 254),
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
    one_of=(("order_id", "created_at"), ("order_id", "customer_id")),
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
