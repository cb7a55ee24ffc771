"""What a storing step works with: the staged rows, the work tables of one chunk, and the counts so far."""

# ruff: noqa: S608  (names of tables and columns are our own; values go as parameters)

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import Shop
from customers.importing.breaking_off import StopIfAsked, nobody_asks
from customers.importing.dialect import Dialect
from customers.importing.facts import Column
from customers.importing.staging import Staging
from customers.importing.summary import Summary


@dataclass
class Storing:
    """One import being stored.

    `nameless`: some rows name their customer by address only. `lines_alone`: the file has lines of orders that are stored but
    not in the file. `first_orders`: no order was stored before this import, so none needs to be looked for. `stop_if_asked`
    raises when it should end.
    """

    staging: Staging
    shop: Shop
    as_of: datetime
    source: str
    summary: Summary
    nameless: bool = False
    lines_alone: bool = False
    first_orders: bool = False
    stop_if_asked: StopIfAsked = nobody_asks
    _asked: tuple[tuple[str, int, str], bool] = (("", 0, ""), False)

    @property
    def dialect(self) -> Dialect:
        """How this database wants things said."""
        return self.staging.dialect

    def has(self, name: str) -> bool:
        """Whether the file brought any rows of these facts."""
        return bool(self.staging.counts.get(name))

    def run(self, sql: str, **more: Any) -> int:
        """Execute one statement with the import's parameters; the number of rows it touched."""
        with connection.cursor() as cursor:
            cursor.execute(sql, self._parameters() | more)
            return int(cursor.rowcount)

    def fetch(self, sql: str, **more: Any) -> list[tuple[Any, ...]]:
        """The rows of a query with the import's parameters."""
        with connection.cursor() as cursor:
            cursor.execute(sql, self._parameters() | more)
            return list(cursor.fetchall())

    def work_table(self, name: str, columns: str, *indexes: str) -> None:
        """A temporary table of this connection, empty."""
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({columns})")
            for index in indexes:
                if statement := self.dialect.index_of_work_table(name, index):
                    cursor.execute(statement)
            cursor.execute(self.dialect.empty(name))

    def latest(self, name: str, bucket: int, key: str, columns: Iterable[Column]) -> str:
        """The staged rows of a bucket with one row for each `key`: where a key comes twice, the latest known values."""
        rows = self.staging.bucket(name, bucket)
        if self.is_distinct(name, bucket, key):
            return rows
        known = ", ".join(f"{self.dialect.last_known(c.name)} AS {c.name}" for c in columns if c.name != key)
        return f"(SELECT max(seq) AS seq, {key}, {known} FROM {rows} s GROUP BY {key})"

    def is_distinct(self, name: str, bucket: int, key: str) -> bool:
        """Whether no `key` comes twice in a bucket; asked once a bucket."""
        if self._asked[0] != (name, bucket, key):
            rows = self.staging.bucket(name, bucket)
            [(total, distinct)] = self.fetch(f"SELECT count({key}), count(DISTINCT {key}) FROM {rows} s")
            self._asked = ((name, bucket, key), total == distinct)
        return self._asked[1]

    def count(self, name: str, work_table: str, changed: str = "is_changed") -> None:
        """Add the new, changed and unchanged rows of a work table to the summary."""
        [(rows, new, others)] = self.fetch(
            f"SELECT count(*), sum(CASE WHEN is_new THEN 1 ELSE 0 END),"
            f" sum(CASE WHEN ({changed}) AND NOT is_new THEN 1 ELSE 0 END) FROM {work_table}"
        )
        self.summary.count(name, new=int(new or 0), changed=int(others or 0), rows=int(rows))

    def _parameters(self) -> dict[str, Any]:
        return {"source": self.source, "shop_currency": self.shop.currency, "now": self.dialect.instant(self.as_of)}
