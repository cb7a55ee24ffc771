"""Where a file's rows wait between reading and storing: apart from everything else, in buckets, thrown away afterwards.

A bucket holds the rows whose key has the same hash, children with their parents, so that each can be stored in one short
transaction by small joins, whatever the order of the rows in the file. On PostgreSQL a bucket is an unlogged table, filled by
COPY; on SQLite it is an indexed part of a database file in the import's own folder, filled by `executemany` on a connection
of its own, so that reading a file never holds the write lock of the shop's database.
"""

import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import connection

from customers.importing.dialect import Dialect
from customers.importing.facts import FACTS, Arrays, Column
from customers.importing.hashing import hash_text
from customers.importing.shapes import bucket_key, kept_columns, row_count, running_numbers

PLACE = (Column("bucket", "integer"), Column("seq", "integer"))


class Staging(ABC):
    """The waiting rows of one import. `buckets` is fixed for its life; `counts` tells the rows staged of each kind."""

    dialect: Dialect

    def __init__(self, token: str, buckets: int, folder: Path) -> None:
        self.token = re.sub(r"\W", "", token)[:32]
        self.buckets = buckets
        self.folder = folder
        self.counts: dict[str, int] = {}

    def add(self, name: str, arrays: Arrays) -> None:
        """Stage rows of the facts `name`; a column ``line`` gives their places in the file, else they are numbered."""
        facts, size = FACTS[name], row_count(arrays)
        if not size:
            return
        if name not in self.counts:
            self._create(name, (*PLACE, *facts.staged))
            self.counts[name] = 0
        hashes = hash_text(bucket_key(arrays, facts.bucket_by))
        seq = arrays.get("line", running_numbers(self.counts[name] + 1, size))
        table = kept_columns(arrays, facts.staged)
        table = table.add_column(0, "seq", seq).add_column(
            0, "bucket", pa.array((hashes % np.uint64(self.buckets)).astype(np.int64))
        )
        self._write(name, table)
        self.counts[name] += size

    @abstractmethod
    def begin(self) -> None:
        """Throw away what an earlier attempt left."""

    @abstractmethod
    def finish(self) -> None:
        """All rows are staged: make them fit for reading."""

    @abstractmethod
    def open(self, counts: dict[str, int], *, verify: bool = True) -> bool:
        """Make the rows readable on the default connection; False if they are not those of `counts` any more."""

    @abstractmethod
    def bucket(self, name: str, bucket: int) -> str:
        """What stands after FROM for one bucket of the facts `name`."""

    @abstractmethod
    def everything(self, name: str) -> str:
        """What stands after FROM for all rows of the facts `name`."""

    @abstractmethod
    def drop(self) -> None:
        """Throw everything away."""

    @abstractmethod
    def leave(self) -> None:
        """Let go of connections and files, and leave the rows to whoever has the import now."""

    @abstractmethod
    def at_work(self) -> list[Any]:
        """The connections of the driver on which rows are being staged, but for the default one."""

    @abstractmethod
    def _create(self, name: str, columns: tuple[Column, ...]) -> None: ...

    @abstractmethod
    def _write(self, name: str, table: pa.Table) -> None: ...

    def _columns(self, columns: tuple[Column, ...]) -> str:
        return ", ".join(f"{column.name} {self.dialect.types[column.kind]}" for column in columns)


def staging_for(token: str, buckets: int, folder: Path) -> Staging:
    """The staging area of the import `token`, on the default database."""
    from customers.importing.staging_postgres import PostgresStaging
    from customers.importing.staging_sqlite import SqliteStaging

    kind: type[Staging] = PostgresStaging if connection.vendor == "postgresql" else SqliteStaging
    return kind(token, buckets, folder)


def buckets_for(size_bytes: int) -> int:
    """How many buckets for a file of `size_bytes` (unpacked): seconds each to store at most.

    PostgreSQL gets 54 MB of a file at once (each is a pass over a large table), SQLite 600 kB (its write lock is held).
    """
    a_bucket, most = (54_000_000, 512) if connection.vendor == "postgresql" else (600_000, 4096)
    return max(1, min(most, -(-size_bytes // a_bucket)))
