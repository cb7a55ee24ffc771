"""Values as a person reads them in the preview of an import."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from customers.importing.causes import Causes
from customers.importing.options import Field, Preview, Shown
from customers.importing.records import CUSTOMER_COLUMNS, ORDER_COLUMNS, Batch
from customers.importing.values import Bad
from customers.money import from_units


def show(field: Field, value: Any, column: str, time_zone: str, *, is_day: bool = False) -> Shown:
    """One parsed cell as text, or what is wrong with it; an instant in `time_zone`, and without its time where `is_day`."""
    if isinstance(value, Bad):
        return Shown("", f"{column} {value.reason}.")
    if value is None:
        return Shown("")
    if field.holds == "date":
        moment = datetime.fromtimestamp(value / 1_000_000, ZoneInfo(time_zone))
        return Shown(f"{moment.day} {moment:%b %Y}" if is_day else f"{moment.day} {moment:%b %Y, %H:%M}")
    if field.holds in ("money", "quantity"):
        amount = from_units(value)
        return Shown(f"{amount:,.0f}" if field.holds == "quantity" and amount == int(amount) else f"{amount:,f}")
    if isinstance(value, bool):
        return Shown("yes" if value else "no")
    return Shown(", ".join(value) if isinstance(value, list) else str(value))


_OF_ORDERS = ("order_id", "number", "customer_id", "placed_at", "currency", "total", "discounts", "financial_status")
_OF_CUSTOMERS = ("customer_id", "email", "phone", "first_name", "last_name", "created_at", "email_consent", "country")
_HOLDS = {"placed_at": "date", "created_at": "date", "total": "money", "discounts": "money"}


def preview_of_bulk(batch: Batch, rows: int, time_zone: str) -> Preview:
    """The first orders (or customers, where there are no orders) of a bulk file; it has no columns that could be mapped."""
    names, columns, found = (
        (_OF_ORDERS, ORDER_COLUMNS, batch.orders) if batch.orders else (_OF_CUSTOMERS, CUSTOMER_COLUMNS, batch.customers)
    )
    fields = tuple(Field(name, name.replace("_", " ").capitalize(), _HOLDS.get(name, "name")) for name in names)
    shown = tuple(
        {field.name: show(field, row[columns.index(field.name)], field.label, time_zone) for field in fields}
        for row in found[:rows]
    )
    causes = Causes()
    for reject in batch.rejects:
        causes.add(reject)
    return Preview(
        fields,
        shown,
        dict.fromkeys(names, 1 - len(batch.rejects) / max(batch.rows_read, 1)),
        batch.rows_read,
        rejected=len(batch.rejects),
        causes=causes.most(),
        time_zone=time_zone,
    )
