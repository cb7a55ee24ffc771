"""What the loader's tests share: batches of rows with names, an import to load them with, and a picture of all rows."""

import itertools
import secrets
from datetime import UTC, datetime
from typing import Any

from accounts.models import Shop
from customers.importing.loading import load
from customers.importing.records import (
    CUSTOMER_COLUMNS,
    LINE_COLUMNS,
    MESSAGE_COLUMNS,
    ORDER_COLUMNS,
    REFUND_COLUMNS,
    TICKET_COLUMNS,
    Batch,
    Reject,
    Row,
)
from customers.importing.summary import Summary
from customers.models import Customer, DataImport, LineItem, Order, Product, Refund
from customers.money import UNIT
from tests.factories import NOW

_position = itertools.count(1)


def at(month: int, day: int) -> int:
    """Noon of a day in 2026, in microseconds."""
    return int(datetime(2026, month, day, 12, tzinfo=UTC).timestamp()) * 1_000_000


def day(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def _row(columns: tuple[str, ...], values: dict[str, Any]) -> Row:
    assert set(values) <= set(columns)
    return tuple(values.get(name) for name in columns)


def customer(customer_id: str | None = "C1", **values: Any) -> Row:
    return _row(CUSTOMER_COLUMNS, {"customer_id": customer_id, **values})


def order(order_id: str = "1", total: float | None = 50, **values: Any) -> Row:
    """A paid order of customer C1 on 2 March 2026, in dollars."""
    base = {"order_id": order_id, "customer_id": "C1", "placed_at": at(3, 2), "currency": "USD", "financial_status": "paid"}
    return _row(ORDER_COLUMNS, {**base, "total": None if total is None else round(total * UNIT), **values})


def line(order_id: str = "1", title: str = "Loom", price: float = 50, **values: Any) -> Row:
    base = {"order_id": order_id, "position": next(_position), "title": title, "quantity": 1, "unit_price": round(price * UNIT)}
    return _row(LINE_COLUMNS, {**base, **values})


def refund(refund_id: str = "R1", order_id: str | None = "1", amount: float = 10, **values: Any) -> Row:
    base = {"refund_id": refund_id, "order_id": order_id, "created_at": at(3, 9), "amount": round(amount * UNIT)}
    return _row(REFUND_COLUMNS, {**base, **values})


def ticket(ticket_id: str = "T1", **values: Any) -> Row:
    return _row(TICKET_COLUMNS, {"ticket_id": ticket_id, "created_at": at(4, 1), **values})


def message(message_id: str = "M1", ticket_id: str = "T1", **values: Any) -> Row:
    return _row(MESSAGE_COLUMNS, {"message_id": message_id, "ticket_id": ticket_id, "created_at": at(4, 2), **values})


def batch(rejects: list[Reject] | None = None, **rows: list[Row]) -> Batch:
    """A batch that counts what it carries."""
    rejects = rejects or []
    return Batch(**rows, rejects=rejects, rows_read=sum(map(len, rows.values())) + len(rejects))


def new_import(kind: str = "orders", path: str = "none") -> DataImport:
    return DataImport.objects.create(token=secrets.token_hex(16), kind=kind, path=path, original_name="orders.csv")


def store(*batches: Batch, data_import: DataImport | None = None, as_of: datetime = NOW) -> Summary:
    """Load `batches` as one file."""
    return load(iter(batches), data_import or new_import(), shop=Shop.current(), as_of=as_of)


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every value of every row, `stored_at` and keys included."""
    return {
        model.__name__: [
            {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}
            for row in model.objects.order_by("pk").values()
        ]
        for model in (Customer, Order, LineItem, Refund, Product)
    }
