"""The few places where PostgreSQL and SQLite want different words. All merging is the same SQL otherwise."""

# ruff: noqa: S608  (names of tables and columns are our own; values go as parameters)

from datetime import UTC, datetime
from typing import Any

from django.db import connection

from customers.importing.facts import Kind


class Dialect:
    """SQLite; `PostgresDialect` differs."""

    types: dict[Kind, str] = {
        "text": "text", "integer": "integer", "time": "text", "flag": "integer", "json": "text", "bytes": "blob",
    }  # fmt: skip

    def differs(self, one: str, other: str) -> str:
        """Whether two values differ, NULL being a value."""
        return f"({one} IS NOT {other})"

    def greatest(self, one: str, other: str) -> str:
        """The larger of two values."""
        return f"max({one}, {other})"

    def merged_json(self, old: str, new: str) -> str:
        """The object `old` with the keys of `new` written over it; either may be NULL."""
        return f"json_patch(coalesce({old}, '{{}}'), coalesce({new}, '{{}}'))"

    def same_json(self, value: str) -> str:
        """Stored JSON as it is compared."""
        return f"json({value})"

    def last_known(self, column: str) -> str:
        """Aggregate: the value of the latest row (by `seq`) in which `column` is known."""
        return f"last_known({column}, seq)"

    def keys(self, parameter: str) -> str:
        """What stands after IN for many keys at once: `parameter` is a JSON list of them."""
        return f"(SELECT value FROM json_each({parameter}))"

    def new_ids(self, table: str) -> str:
        """An expression for the ids of rows that will be inserted into `table`; distinct within one statement."""
        return f"coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0) + row_number() OVER (ORDER BY m.seq)"

    def instant(self, moment: datetime) -> Any:
        """A time as a parameter, as Django stores it."""
        return str(moment.astimezone(UTC).replace(tzinfo=None))

    def empty(self, table: str) -> str:
        """A statement that leaves the table without rows."""
        return f"DELETE FROM {table}"

    def index_of_work_table(self, table: str, column: str) -> str:
        """Small joins on PostgreSQL hash; SQLite wants an index."""
        return f"CREATE INDEX IF NOT EXISTS temp.{table}_{column} ON {table} ({column})"

    def before_chunk(self) -> str:
        """Settings of a transaction that stores a chunk; empty if there are none."""
        return ""

    def by_index(self) -> str:
        """Settings of a transaction that touches few rows of large tables; empty if there are none."""
        return ""

    def prepare(self) -> None:
        """Make this connection ready; once before storing."""
        connection.ensure_connection()
        connection.connection.create_aggregate("last_known", 2, _LastKnown)


class PostgresDialect(Dialect):
    """PostgreSQL 14 and later."""

    types: dict[Kind, str] = {
        "text": "text", "integer": "bigint", "time": "timestamptz", "flag": "boolean", "json": "jsonb", "bytes": "bytea",
    }  # fmt: skip

    def differs(self, one: str, other: str) -> str:
        """Whether two values differ, NULL being a value."""
        return f"({one} IS DISTINCT FROM {other})"

    def greatest(self, one: str, other: str) -> str:
        """The larger of two values."""
        return f"greatest({one}, {other})"

    def merged_json(self, old: str, new: str) -> str:
        """The object `old` with the keys of `new` written over it; either may be NULL."""
        return f"(coalesce({old}, '{{}}'::jsonb) || coalesce({new}, '{{}}'::jsonb))"

    def same_json(self, value: str) -> str:
        """Stored JSON as it is compared."""
        return value

    def last_known(self, column: str) -> str:
        """Aggregate: the value of the latest row (by `seq`) in which `column` is known."""
        return f"(array_agg({column} ORDER BY seq DESC) FILTER (WHERE {column} IS NOT NULL))[1]"

    def keys(self, parameter: str) -> str:
        """What stands after IN for many keys at once: `parameter` is a JSON list of them."""
        return f"(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST({parameter} AS json)))"

    def new_ids(self, table: str) -> str:
        # The name of the sequence, looked up once: inside the statement it would be looked up for every row.
        """An expression for the ids of rows that will be inserted into `table`; distinct within one statement."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
            return f"nextval('{cursor.fetchone()[0]}')"

    def instant(self, moment: datetime) -> Any:
        """A time as a parameter, as Django stores it."""
        return moment

    def empty(self, table: str) -> str:
        """A statement that leaves the table without rows."""
        return f"TRUNCATE {table}"

    def index_of_work_table(self, table: str, column: str) -> str:
        """Small joins on PostgreSQL hash; SQLite wants an index."""
        return ""

    def before_chunk(self) -> str:
        # Compiling a statement costs more than these chunks; 32 MB keep their sorts and hashes out of files.
        """Settings of a transaction that stores a chunk; empty if there are none."""
        return "SET LOCAL jit = off; SET LOCAL work_mem = '32MB'"

    def by_index(self) -> str:
        # A chunk's rows are found by index, not by reading a table that grows with the shop.
        """Settings of a transaction that touches few rows of large tables; empty if there are none."""
        return "SET LOCAL random_page_cost = 1.1"

    def prepare(self) -> None:
        """Make this connection ready; once before storing."""
        connection.ensure_connection()


class _LastKnown:
    """SQLite's half of `Dialect.last_known`."""

    def __init__(self) -> None:
        self.at, self.value = -1, None

    def step(self, value: Any, seq: int) -> None:
        if value is not None and seq > self.at:
            self.at, self.value = seq, value

    def finalize(self) -> Any:
        return self.value


def dialect() -> Dialect:
    """The dialect of the default database."""
    return PostgresDialect() if connection.vendor == "postgresql" else Dialect()
