"""Hand-made batches, and everything that the shop has stored as text that can be compared to the byte."""

import csv
import gzip
import io
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
from django.conf import settings
from django.db import connection

from accounts.models import Shop
from customers.importing import records
from customers.importing.loading import load
from customers.importing.rejects import path_of
from customers.importing.summary import Summary
from customers.models import Customer, DataImport, LineItem, MetricsDue, Order, Refund
from support.models import Ticket, TicketMessage
from tests.factories import NOW

TABLES = (
    "customers_customer", "customers_product", "customers_order", "customers_lineitem", "customers_refund",
    "customers_metricsdue", "support_ticket", "support_ticketmessage",
)  # fmt: skip

ENDLESS = (
    "SELECT pg_sleep(3600)"
    if connection.vendor == "postgresql"
    else "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
)
"""A statement that does not end by itself while a test waits for it."""


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def day(month: int, day: int) -> datetime:
    """Noon of a day in 2026."""
    return datetime(2026, month, day, 12, tzinfo=UTC)


def at(month: int, of_month: int) -> int:
    """The same in microseconds."""
    return int(day(month, of_month).timestamp()) * 1_000_000


def row(columns: tuple[str, ...], values: dict[str, Any]) -> tuple[Any, ...]:
    assert set(values) <= set(columns), set(values) - set(columns)
    return tuple(values.get(column) for column in columns)


def customer(customer_id: str | None = None, **values: Any) -> tuple[Any, ...]:
    return row(records.CUSTOMER_COLUMNS, {"customer_id": customer_id, **values})


def order(order_id: str, customer_id: str | None = None, **values: Any) -> tuple[Any, ...]:
    usual = {"placed_at": micros("2026-03-01"), "total": 50_0000, "currency": "USD", "financial_status": "paid"}
    return row(records.ORDER_COLUMNS, {"order_id": order_id, "customer_id": customer_id, **usual, **values})


def line(order_id: str, position: int = 1, title: str = "Rose thread", **values: Any) -> tuple[Any, ...]:
    usual = {"quantity": 1, "unit_price": 50_0000, "discount": 0}
    return row(records.LINE_COLUMNS, {"order_id": order_id, "position": position, "title": title, **usual, **values})


def refund(refund_id: str, order_id: str | None, amount: int, **values: Any) -> tuple[Any, ...]:
    return row(records.REFUND_COLUMNS, {"refund_id": refund_id, "order_id": order_id, "amount": amount, **values})


def ticket(ticket_id: str = "T1", **values: Any) -> tuple[Any, ...]:
    return row(records.TICKET_COLUMNS, {"ticket_id": ticket_id, "created_at": at(4, 1), **values})


def message(message_id: str = "M1", ticket_id: str = "T1", **values: Any) -> tuple[Any, ...]:
    return row(records.MESSAGE_COLUMNS, {"message_id": message_id, "ticket_id": ticket_id, "created_at": at(4, 2), **values})


def batch(**rows: Any) -> records.Batch:
    read = sum(len(each) for name, each in rows.items() if name != "rows_read")
    return records.Batch(**{"rows_read": read, **rows})


def an_import(path: Path | None = None, kind: str = "orders") -> DataImport:
    return DataImport.objects.create(
        token=secrets.token_hex(16),
        kind=kind,
        path=str(path or settings.IMPORTS_FOLDER / "orders.csv"),
        original_name="orders.csv",
    )


def bring(*batches: records.Batch, data_import: DataImport | None = None, **more: Any) -> Summary:
    """Load the batches as a file of their own."""
    return load(batches, data_import or an_import(), shop=Shop.current(), as_of=more.pop("as_of", NOW), **more)


def rejects_of(data_import: DataImport) -> list[dict[str, str]]:
    """The rows of its reject file."""
    with path_of(data_import.token).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def everything_stored(*, with_stamps: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table; without stamps and keys, what two databases have in common after the same import."""
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT * FROM {table} LIMIT 0")
            names = [column[0] for column in cursor.description]
            cursor.execute(f"SELECT * FROM {table}")
            kept = [at for at, name in enumerate(names) if with_stamps or name not in {"id", "stored_at"}]
            found[table] = sorted(
                tuple(bytes(v) if isinstance(v, memoryview) else v for v in (r[at] for at in kept))
                for r in map(_plain, cursor.fetchall())
            )
    return found


def _plain(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple("" if value is None else repr(value) if isinstance(value, (dict, list)) else value for value in values)


def what_is_known() -> dict[str, list[tuple[Any, ...]]]:
    """Every fact by the names that the sources gave, so that two databases can be compared."""
    asked = {
        Customer: (
            "customer_id",
            "email",
            "name_key",
            "tags",
            "order_count",
            "lifetime_value",
            "first_order_at",
            "last_order_at",
        ),
        Order: ("order_id", "number", "customer__customer_id", "placed_at", "total", "refunded", "left_out", "lines_checksum"),
        LineItem: ("order__order_id", "position", "product__title", "product__sku", "quantity", "unit_price", "discount"),
        Refund: ("refund_id", "order__order_id", "customer__customer_id", "created_at", "amount"),
        Ticket: ("ticket_id", "customer__customer_id", "channel", "topic", "subject", "created_at", "closed_at", "tags"),
        TicketMessage: ("message_id", "ticket__ticket_id", "created_at", "from_agent", "body_text"),
        MetricsDue: ("customer_id",),
    }
    return {
        model.__name__: sorted((tuple(map(str, row)) for row in model.objects.values_list(*fields)), key=repr)
        for model, fields in asked.items()
    }


def indexes_and_keys() -> str:
    """The indexes and keys of the tables from which a large import sets them aside."""
    with connection.cursor() as cursor:
        found = {
            table: sorted(
                (tuple(constraint["columns"]), constraint["index"], constraint["unique"], constraint["foreign_key"])
                for constraint in connection.introspection.get_constraints(cursor, table).values()
                if not constraint["check"]
            )
            for table in ("customers_customer", "customers_order", "customers_lineitem")
        }
    return repr(found)


def write_tables(folder: Path, *, customers: int = 40, orders: int = 400, ending: str = ".csv") -> Path:
    """The six tables of an invented shop: every customer with tickets, every fifth order with a refund, two or three lines."""
    folder.mkdir(parents=True, exist_ok=True)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    moment = [(start + timedelta(hours=n)).isoformat() for n in range(orders)]
    rows = {
        "customers": [("customer_id", "email", "first_name", "last_name", "email_consent", "tags", "loom")]
        + [(f"c{n}", f"c{n}@example.com", "Ann", f"Lee {n}", "subscribed", "vip;wool", "table loom") for n in range(customers)],
        "orders": [("order_id", "order_number", "customer_id", "created_at", "currency", "total_price", "financial_status")]
        + [(f"o{n}", f"#{n}", f"c{n * 7 % customers}", moment[n], "USD", f"{20 + n}.50", "paid") for n in range(orders)],
        "line_items": [("order_id", "sku", "title", "quantity", "price")]
        + [(f"o{n}", f"S{n % 9}", f"Yarn {n % 9}", 1 + n % 3, "9.50") for n in range(orders) for _ in range(2 + n % 2)],
        "refunds": [("refund_id", "order_id", "created_at", "amount")]
        + [(f"r{n}", f"o{n}", moment[n], "5.25") for n in range(0, orders, 5)],
        "tickets": [("ticket_id", "customer_id", "channel", "subject", "created_at", "closed_at", "tags")]
        + [(f"t{n}", f"c{n}", "chat", "Where is my parcel?", moment[n], moment[n + 1], "late") for n in range(customers)],
        "messages": [("message_id", "ticket_id", "created_at", "from_agent", "body_text")]
        + [
            (f"m{n}-{k}", f"t{n}", moment[n + k], "false" if k == 0 else "true", 'Hello,\n"dear" shop')
            for n in range(customers)
            for k in (0, 1)
        ],
    }  # fmt: skip
    for name, table in rows.items():
        text = io.StringIO()
        csv.writer(text).writerows(table)
        if ending == ".csv":
            (folder / f"{name}.csv").write_text(text.getvalue(), encoding="utf-8")
        elif ending == ".csv.gz":
            (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.getvalue().encode()))
        else:
            columns = dict(zip(table[0], map(list, zip(*table[1:], strict=True)), strict=True))
            for column in ("created_at", "closed_at"):
                if column in columns:
                    columns[column] = [datetime.fromisoformat(value) for value in columns[column]]
            pyarrow.parquet.write_table(pyarrow.table(columns), folder / f"{name}.parquet")
    return folder
