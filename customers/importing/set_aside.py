"""A large shop's first import on PostgreSQL: what only serves pages and guards is set aside, and built again afterwards.

Keeping a dozen indexes and the foreign keys up to date row by row costs more than all else together. Primary keys and the
unique ids of customers and orders stay, so nothing can come twice. What is set aside is written to the import's checkpoint in
the transaction that drops it; `put_back` builds it again, also when the import fails, and the next import puts back what a
killed one left; what a cancelled one left `customers.tasks.mend` builds. Not done for a shop that has orders already.
"""

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import QuerySet

from customers.models import DataImport

ORDER_TABLES = ("customers_order", "customers_lineitem")
CUSTOMER_TABLES = ("customers_customer",)
WORTH_IT = 50_000
"""Staged orders from which on it pays."""

_CONSTRAINTS = (
    "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE conrelid = ANY(%s::regclass[]) AND (contype = 'f' OR conname = 'line_position_once') ORDER BY contype DESC, 1, 2"
)
_INDEXES = (
    "SELECT indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
    " WHERE indrelid = ANY(%s::regclass[]) AND NOT indisunique ORDER BY 1, 2"
)
_NEEDED = ("(email_key)", "(phone_key)")  # an import looks people up by these


def worth_it(staged_orders: int) -> bool:
    """Whether a first import of so many orders should set things aside."""
    return connection.vendor == "postgresql" and staged_orders >= WORTH_IT and not connection.in_atomic_block


def set_aside(data_import: DataImport) -> None:
    """Drop indexes and foreign keys, noting in the checkpoint how to make them again; one transaction.

    Raises `django.db.OperationalError` if somebody holds one of the tables for more than ten seconds.
    """
    tables = [*ORDER_TABLES, *CUSTOMER_TABLES]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '10s'")
        cursor.execute(_CONSTRAINTS, [tables])
        constraints = cursor.fetchall()
        cursor.execute(_INDEXES, [tables])
        indexes = [row for row in cursor.fetchall() if not row[2].endswith(_NEEDED)]
        for table, name, _ in constraints:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for _, name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        note = [[table, definition] for table, _, definition in indexes]
        note += [
            [table, f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}'] for table, name, definition in constraints
        ]
        _note(data_import, note)


def put_back(data_import: DataImport, tables: Iterable[str] = (*ORDER_TABLES, *CUSTOMER_TABLES)) -> None:
    """Build again what was set aside of `tables`; one transaction for each index, so that a kill costs one."""
    wanted = set(tables)
    while waiting := [entry for entry in data_import.checkpoint.get("set_aside", ()) if entry[0] in wanted]:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL maintenance_work_mem = '128MB'; SET LOCAL work_mem = '64MB'")
            cursor.execute(waiting[0][1])
            _note(data_import, [entry for entry in data_import.checkpoint["set_aside"] if entry != waiting[0]])


def put_back_leftovers(except_for: DataImport) -> None:
    """Build what imports that never came to their end had set aside."""
    for other in leftovers().exclude(pk=except_for.pk):
        put_back(other)


def leftovers() -> QuerySet[DataImport]:
    """Imports that have something set aside."""
    return DataImport.objects.filter(checkpoint__set_aside__0__isnull=False)


def _note(data_import: DataImport, entries: list[list[str]]) -> None:
    data_import.checkpoint["set_aside"] = entries
    DataImport.objects.filter(pk=data_import.pk).update(checkpoint=data_import.checkpoint)
