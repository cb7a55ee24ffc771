"""Staging on SQLite: a database file of the import's own, filled by `executemany`."""

# ruff: noqa: S608  (names of tables and columns are our own; values go as parameters)

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import OperationalError, connection

from customers.importing.dialect import Dialect
from customers.importing.facts import FACTS, Column
from customers.importing.staging import PLACE, Staging


class SqliteStaging(Staging):
    """One database file, attached to the default connection for storing.

    Inside a caller's transaction SQLite lets go of no attached file, so there the rows are copied into temporary tables.
    """

    dialect = Dialect()

    def __init__(self, token: str, buckets: int, folder: Path) -> None:
        super().__init__(token, buckets, folder)
        self.path = folder / "staged.sqlite3"
        self._schema = f"stage_{self.token}."
        self._writer: sqlite3.Connection | None = None

    def begin(self) -> None:
        """Throw away what an earlier attempt left."""
        self.drop()
        self._writer = sqlite3.connect(self.path, isolation_level=None)
        # Nothing here outlives a crash on purpose: an attempt that is killed reads the file again.
        self._writer.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-64000; PRAGMA page_size=8192"
        )

    def finish(self) -> None:
        """All rows are staged: make them fit for reading."""
        assert self._writer is not None  # noqa: S101
        for name in self.counts:
            self._writer.execute(f"CREATE INDEX {name}_by_bucket ON {name} (bucket)")
        self._writer.execute("ANALYZE")
        self._writer.close()
        self._writer = None

    def open(self, counts: dict[str, int], *, verify: bool = True) -> bool:
        """Make the rows readable on the default connection; False if they are not those of `counts` any more."""
        self.counts = dict(counts)
        if not self.path.exists():
            return not counts
        if connection.in_atomic_block:
            self._copy_in()
            return True
        self._detach()
        with connection.cursor() as cursor:
            cursor.execute(f"ATTACH DATABASE %s AS {self._schema.rstrip('.')}", [f"file:{self.path}?mode=ro"])
            try:
                for name, rows in counts.items() if verify else ():
                    cursor.execute(f"SELECT count(*) FROM {self.everything(name)} NOT INDEXED")
                    if cursor.fetchone() != (rows,):
                        return False
            except OperationalError:  # killed while the file was being filled
                return False
        return True

    def bucket(self, name: str, bucket: int) -> str:
        """What stands after FROM for one bucket of the facts `name`."""
        return f"(SELECT * FROM {self.everything(name)} WHERE bucket = {int(bucket)})"

    def everything(self, name: str) -> str:
        """What stands after FROM for all rows of the facts `name`."""
        return f"{self._schema}{name}"

    def drop(self) -> None:
        """Throw everything away."""
        self.leave()
        self.path.unlink(missing_ok=True)
        self.counts = {}

    def leave(self) -> None:
        """Let go of connections and files, and leave the rows to whoever has the import now."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._detach()

    def at_work(self) -> list[Any]:
        """The connections of the driver on which rows are being staged, but for the default one."""
        return [] if self._writer is None else [self._writer]

    def _detach(self) -> None:
        """Let go of this file, and of any that an earlier import left attached."""
        if connection.in_atomic_block:
            return
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA database_list")
            for _, schema, _ in cursor.fetchall():
                if schema.startswith("stage_"):
                    cursor.execute(f"DETACH DATABASE {schema}")

    def _copy_in(self) -> None:
        self._schema = "temp.staged_"
        with closing(sqlite3.connect(self.path)) as source, connection.cursor() as cursor:
            for name in self.counts:
                columns = self._columns((*PLACE, *FACTS[name].staged))
                rows = source.execute(f"SELECT * FROM {name}").fetchall()
                cursor.execute(f"DROP TABLE IF EXISTS {self.everything(name)}")
                cursor.execute(f"CREATE TEMPORARY TABLE staged_{name} ({columns})")
                places = ", ".join(["%s"] * len(rows[0])) if rows else ""
                cursor.executemany(f"INSERT INTO {self.everything(name)} VALUES ({places})", rows)

    def _create(self, name: str, columns: tuple[Column, ...]) -> None:
        assert self._writer is not None  # noqa: S101
        self._writer.execute(f"CREATE TABLE {name} ({self._columns(columns)})")

    def _write(self, name: str, table: pa.Table) -> None:
        assert self._writer is not None  # noqa: S101
        statement = f"INSERT INTO {name} VALUES ({', '.join('?' * table.num_columns)})"
        columns = [_plain(column) for column in table.columns]
        self._writer.execute("BEGIN")
        self._writer.executemany(statement, zip(*columns, strict=True))
        self._writer.execute("COMMIT")


def _plain(column: Any) -> list[Any]:
    """A column as SQLite stores it; times as Django writes them, without a fraction where there is none."""
    if not pa.types.is_timestamp(column.type):
        values: list[Any] = column.to_pylist()
        return values
    whole = pc.strftime(column.cast(pa.timestamp("s", tz="UTC"), safe=False), "%Y-%m-%d %H:%M:%S").to_pylist()
    micro = pc.microsecond(column).to_pylist()
    milli = pc.millisecond(column).to_pylist()
    return [
        text if not (part := 1000 * (thousandths or 0) + (rest or 0)) else f"{text}.{part:06d}"
        for text, thousandths, rest in zip(whole, milli, micro, strict=True)
    ]
