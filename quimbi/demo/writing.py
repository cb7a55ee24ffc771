"""Rows into the database as they are: COPY on PostgreSQL, `executemany` elsewhere.

The importers' loader compares every row with what is stored, which an empty shop does not need: this road takes about a third
of the time. `tests/quimbi/test_demo_shop.py` checks that the figures which the loader would have counted are the same.
"""

from typing import Any

import numpy as np
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Max, Model
from django.db.models.fields import NOT_PROVIDED
from numpy.typing import NDArray

from customers.models import Customer, LineItem, Order, Product, Refund
from quimbi.demo.tables import Table
from support.models import Ticket, TicketMessage

TABLES: tuple[type[Model], ...] = (Product, Customer, Order, LineItem, Refund, Ticket, TicketMessage)


def next_keys() -> dict[type[Model], int]:
    """The first free key of each table; one query a table."""
    return {model: (model._default_manager.aggregate(last=Max("pk"))["last"] or 0) + 1 for model in TABLES}


def stamps(seconds: NDArray[np.int64]) -> list[str | None]:
    """Seconds since 1970 UTC as this database reads them; 0 is none."""
    ending = "+00" if connection.vendor == "postgresql" else ""
    texts = np.datetime_as_string(seconds.astype("datetime64[s]"), unit="s").tolist()
    return [text.replace("T", " ") + ending if at else None for text, at in zip(texts, seconds.tolist(), strict=True)]


def write(tables: list[Table]) -> None:
    """Store `tables` in one transaction; a column that a table does not give takes its default."""
    with transaction.atomic():
        for table in tables:
            if len(table):
                _write(table)


def reset_sequences() -> None:
    """Let the database number on after the rows that were written with keys of their own."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(TABLES)):
            cursor.execute(statement)


def _write(table: Table) -> None:
    columns = {**table.columns, **_defaults(table)}
    names = ", ".join(connection.ops.quote_name(name) for name in columns)
    rows = zip(*columns.values(), strict=True)
    where = connection.ops.quote_name(table.model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {where} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {where} ({names}) VALUES ({places})", list(rows))  # noqa: S608  (names of our own tables)


def _defaults(table: Table) -> dict[str, list[Any]]:
    """One column of defaults for each column of the model that is neither given nor defaulted by the database."""
    missing = [
        field
        for field in table.model._meta.concrete_fields
        if field.column and field.column not in table.columns and field.db_default is NOT_PROVIDED and not field.null
    ]
    return {str(field.column): [field.get_db_prep_save(field.get_default(), connection)] * len(table) for field in missing}
