"""Emptying the database after a test that committed, or after all tests of a file that only read.

Django's own way empties every table, full or not, and then makes content types and permissions anew: a tenth to four tenths of
a second after each such test. Here only tables with rows are emptied, and what the migrations wrote about the models stays.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection, transaction

WRITTEN_BY_MIGRATIONS = {"django_content_type", "auth_permission", "auth_group_permissions"}
FEW = 500
"""Up to so many rows are deleted one by one; PostgreSQL then asks every table that could point at them."""

_files_that_keep_rows: list[object] = []


@contextmanager
def kept_rows(blocker: Any, write: Callable[[], object]) -> Iterator[None]:
    """What `write` has written and committed stays for all tests of a file, which only read it; for a browser, for example.

    For a fixture of a file (`scope="module"`) that asks for `django_db_setup`; `blocker` is `django_db_blocker`.
    """
    with blocker.unblock():
        write()
    _files_that_keep_rows.append(write)
    try:
        yield
    finally:
        _files_that_keep_rows.remove(write)
        with blocker.unblock():
            empty_the_database()


def tidy_up_after_a_test() -> None:
    """Empty the database, unless its rows are there for other tests of the file too."""
    if not _files_that_keep_rows:
        empty_the_database()


def empty_the_database() -> None:
    """Delete all rows but content types and permissions; a few milliseconds for few rows, 0.1 s for a shop of hundreds.

    Waits, as `flush` does, for whoever is still writing: rows that come in later would be the next test's.
    """
    if connection.in_atomic_block:
        raise RuntimeError("A test that commits is in a file of tests.standing: move it to a file of its own.")
    if connection.vendor == "sqlite":
        connection.disable_constraint_checking()  # with it on, every row that goes is looked for in every other table
        try:
            _delete()
        finally:
            connection.enable_constraint_checking()
    else:
        _delete()


def _delete() -> None:
    tables = [
        connection.ops.quote_name(table)
        for table in sorted(
            {model._meta.db_table for model in apps.get_models(include_auto_created=True) if model._meta.managed}
        )
        if table not in WRITTEN_BY_MIGRATIONS
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")
        cursor.execute(
            "SELECT " + ", ".join(f"(SELECT COUNT(*) FROM (SELECT 1 FROM {table} LIMIT {FEW + 1}) AS few)" for table in tables)
        )
        rows = dict(zip(tables, cursor.fetchone(), strict=True))
        full = [table for table in tables if rows[table]]
        if connection.vendor == "postgresql" and max(rows.values()) > FEW:
            cursor.execute(f"TRUNCATE {', '.join(full)} CASCADE")
            return
        for table in full:
            cursor.execute(f"DELETE FROM {table}")
