"""Staging on PostgreSQL: unlogged tables filled by COPY."""

# ruff: noqa: S608  (names of tables and columns are our own; values go as parameters)

from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.db import connection

from customers.importing.copying import copy_in
from customers.importing.dialect import PostgresDialect
from customers.importing.facts import FACTS, Column
from customers.importing.staging import Staging


class PostgresStaging(Staging):
    """Unlogged tables, one a bucket, under a partitioned table for each kind of facts.

    A thread with a connection of its own writes while the next rows are read; inside a caller's transaction all goes over the
    caller's connection.
    """

    dialect = PostgresDialect()

    def __init__(self, token: str, buckets: int, folder: Path) -> None:
        super().__init__(token, buckets, folder)
        self._thread: ThreadPoolExecutor | None = None
        self._under_way: Future[None] | None = None
        self._own: Any = connection

    def begin(self) -> None:
        """Throw away what an earlier attempt left."""
        self.drop()
        if not connection.in_atomic_block:
            self._thread = ThreadPoolExecutor(1, "staging")
            self._own = connection.copy()
            self._own.inc_thread_sharing()

    def finish(self) -> None:
        """All rows are staged: make them fit for reading."""
        self._wait()
        self._let_go()

    def open(self, counts: dict[str, int], *, verify: bool = True) -> bool:
        """Make the rows readable on the default connection; False if they are not those of `counts` any more."""
        self.counts = dict(counts)
        with connection.cursor() as cursor:
            for name, rows in counts.items() if verify else ():
                cursor.execute("SELECT to_regclass(%s)", [self.everything(name)])
                if cursor.fetchone() == (None,):
                    return False
                cursor.execute(f"SELECT count(*) FROM {self.everything(name)}")
                if cursor.fetchone() != (rows,):  # a crash of the server empties unlogged tables
                    return False
        return True

    def bucket(self, name: str, bucket: int) -> str:
        """What stands after FROM for one bucket of the facts `name`."""
        return f"{self.everything(name)}_{bucket}"

    def everything(self, name: str) -> str:
        """What stands after FROM for all rows of the facts `name`."""
        return f"stage_{self.token}_{name}"

    def drop(self) -> None:
        """Throw everything away."""
        self.leave()
        for name in FACTS:
            self._remove(name)
        self.counts = {}

    def _remove(self, name: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {self.everything(name)}")

    def leave(self) -> None:
        """Let go of connections and files, and leave the rows to whoever has the import now."""
        if self._under_way is not None:
            wait([self._under_way])
        self._let_go()

    def at_work(self) -> list[Any]:
        """The connections of the driver on which rows are being staged, but for the default one."""
        return [] if self._thread is None else [self._own.connection]

    def _let_go(self) -> None:
        if self._thread is not None:
            self._thread.shutdown()
            self._own.close()
            self._thread, self._own, self._under_way = None, connection, None

    def _wait(self) -> None:
        if self._under_way is not None:
            self._under_way.result()
            self._under_way = None

    def _create(self, name: str, columns: tuple[Column, ...]) -> None:
        self._wait()
        table = self.everything(name)
        parts = (
            f"CREATE UNLOGGED TABLE {table}_{at} PARTITION OF {table} FOR VALUES IN ({at}) WITH (autovacuum_enabled = false)"
            for at in range(self.buckets)
        )
        with self._own.cursor() as cursor:
            whole = f"CREATE TABLE {table} ({self._columns(columns)}) PARTITION BY LIST (bucket)"
            cursor.execute(";".join((whole, *parts)))

    def _write(self, name: str, table: pa.Table) -> None:
        self._wait()
        if self._thread is None:
            self._copy(name, table)
        else:
            self._under_way = self._thread.submit(self._copy, name, table)

    def _copy(self, name: str, table: pa.Table) -> None:
        with self._own.cursor() as cursor:
            copy_in(cursor, self.everything(name), table)
