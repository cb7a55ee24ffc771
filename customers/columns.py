"""Rows of the database as numpy arrays, for the few queries that read millions of them.

On PostgreSQL the rows come by binary COPY: with fixed-width, never-null columns every row has the same number of bytes, so a
block of rows is an array already and no Python object is made for a value. Elsewhere they come by the cursor in batches.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray

from customers.money import UNIT

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["int64", "int32", "int16", "bool", "money", "seconds"]

# How each kind travels in a binary COPY, and the whole number of units that make one of ours.
_WIRE = {"int64": ">i8", "int32": ">i4", "int16": ">i2", "bool": ">i1", "money": ">i8", "seconds": ">i8"}
_NATIVE = {"int64": "i8", "int32": "i4", "int16": "i2", "bool": "?", "money": "f8", "seconds": "i8"}
_POSTGRES_EPOCH_SECONDS = 946_684_800  # 2000-01-01, from which a binary timestamp counts microseconds
_COPY_HEADER_BYTES = 19
_BLOCK_BYTES = 16 * 1024 * 1024
_ROWS_A_WRITE = 20_000


@dataclass(frozen=True)
class Column:
    """One column to read: an SQL expression that is never null, and what it is."""

    sql: str
    kind: Kind


class Table:
    """Named arrays of one length. A data frame costs a millisecond to make; one customer's history has six of them."""

    def __init__(self, **columns: NDArray[Any]) -> None:
        self.columns = columns

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def frame(self) -> "pd.DataFrame":
        """The same as a data frame, to look at."""
        import pandas as pd

        return pd.DataFrame(self.columns)


def read_columns(columns: Mapping[str, Column], source: str, params: tuple[Any, ...] = ()) -> Table:
    """Read `SELECT columns FROM source` into one array a column, in the order the database gives.

    Parameters
    ----------
    columns
        Name to `Column`. Kinds: ``int64``, ``int32``, ``int16``, ``bool``; ``money`` becomes float64 in currency units;
        ``seconds`` is a time stamp and becomes int64 seconds since 1970 UTC, rounded down.
    source
        What stands after FROM, with ``%s`` for each of `params`.

    Notes
    -----
    One statement. Peak memory is the arrays plus one block of 16 MB. About 0.4 µs a row on PostgreSQL, 2 to 4 on SQLite.
    """
    blocks = list(
        _postgres_blocks(columns, source, params)
        if connection.vendor == "postgresql"
        else _cursor_blocks(columns, source, params)
    )
    if not blocks:
        return Table(**{name: np.empty(0, dtype=_NATIVE[column.kind]) for name, column in columns.items()})
    return Table(**{name: np.concatenate([block[name] for block in blocks]) for name in columns})


def _postgres_blocks(columns: Mapping[str, Column], source: str, params: tuple[Any, ...]) -> Iterator[dict[str, NDArray[Any]]]:
    expressions = ", ".join(f"({column.sql}){_CASTS.get(column.kind, '')}" for column in columns.values())
    row = np.dtype(
        [("fields", ">i2")]
        + [
            part
            for i, column in enumerate(columns.values())
            for part in ((f"width{i}", ">i4"), (f"value{i}", _WIRE[column.kind]))
        ]
    )
    statement = f"COPY (SELECT {expressions} FROM {source}) TO STDOUT (FORMAT BINARY)"  # noqa: S608  (constants of our code)
    buffer = bytearray()
    head = _COPY_HEADER_BYTES
    for chunk in _copied_rows(statement, params):
        buffer += chunk
        if len(buffer) >= _BLOCK_BYTES:
            whole = (len(buffer) - head) // row.itemsize * row.itemsize
            yield _decode(bytes(memoryview(buffer)[head : head + whole]), row, columns)
            del buffer[: head + whole]
            head = 0
    tail = bytes(memoryview(buffer)[head : len(buffer) - 2])  # a last field count of -1 ends the stream
    if len(tail) % row.itemsize:
        raise ValueError(f"a column of {list(columns)} is null or not of the width it was declared with")
    if tail:
        yield _decode(tail, row, columns)


_CASTS = {
    "int64": "::int8",
    "int32": "::int4",
    "int16": "::int2",
    "bool": "::bool",
    "money": "::int8",
    "seconds": "::timestamptz",
}


def _copied_rows(statement: str, params: tuple[Any, ...]) -> Iterator[memoryview]:
    """The bytes of each row that a COPY sends.

    By libpq's own call: `cursor.copy()` makes a generator step of every row, which takes longer than the row.
    """
    connection.ensure_connection()
    pgconn = connection.connection.pgconn
    text = psycopg.ClientCursor(connection.connection).mogrify(statement, params) if params else statement
    started = pgconn.exec_(text.encode())
    if started.status != psycopg.pq.ExecStatus.COPY_OUT:
        raise psycopg.errors.error_from_result(started)
    while True:
        size, data = pgconn.get_copy_data(0)
        if size <= 0:
            break
        yield data
    while ended := pgconn.get_result():
        if ended.status == psycopg.pq.ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(ended)


def _decode(data: bytes, row: np.dtype[Any], columns: Mapping[str, Column]) -> dict[str, NDArray[Any]]:
    rows = np.frombuffer(data, dtype=row)
    for i, column in enumerate(columns.values()):
        width = np.dtype(_WIRE[column.kind]).itemsize
        if (rows[f"width{i}"] != width).any():
            raise ValueError(f"{column.sql} is null or not {width} bytes wide")
    return {name: _native(rows[f"value{i}"], column.kind) for i, (name, column) in enumerate(columns.items())}


def _native(values: NDArray[Any], kind: Kind) -> NDArray[Any]:
    if kind == "seconds":
        return values.astype("i8") // 1_000_000 + _POSTGRES_EPOCH_SECONDS
    return values.astype("f8") / UNIT if kind == "money" else values.astype(_NATIVE[kind])


def _cursor_blocks(columns: Mapping[str, Column], source: str, params: tuple[Any, ...]) -> Iterator[dict[str, NDArray[Any]]]:
    expressions = ", ".join(
        f"CAST(strftime('%%s', {column.sql}) AS INTEGER)" if column.kind == "seconds" else column.sql
        for column in columns.values()
    )
    statement = f"SELECT {expressions} FROM {source}"  # noqa: S608  (constants of our code)
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        while rows := cursor.fetchmany(50_000):
            yield {
                name: np.asarray(values, dtype="i8").astype("f8") / UNIT
                if column.kind == "money"
                else np.asarray(values, dtype=_NATIVE[column.kind])
                for (name, column), values in zip(columns.items(), zip(*rows, strict=True), strict=True)
            }


def write_columns(table: str, columns: Mapping[str, NDArray[Any]]) -> None:
    """Insert one row for each position of the arrays; the reverse of `read_columns`.

    Numbers (int16, int32, int64, float64) go in as they are, ``datetime64[us]`` as UTC time stamps, fixed-width bytes (``S``)
    as text, raw rows (``V``) as bytes. Call it inside a transaction. About 1 µs a row on PostgreSQL (one binary COPY), else 5.
    """
    if connection.vendor == "postgresql":
        _copy_in(table, columns)
    else:
        _execute_many(table, columns)


def _copy_in(table: str, columns: Mapping[str, NDArray[Any]]) -> None:
    wire = {name: _wire_values(values) for name, values in columns.items()}
    row = np.dtype(
        [("fields", ">i2")]
        + [part for i, v in enumerate(wire.values()) for part in ((f"width{i}", ">i4"), (f"value{i}", v.dtype))]
    )
    rows = np.zeros(len(next(iter(wire.values()))), dtype=row)
    rows["fields"] = len(wire)
    for i, values in enumerate(wire.values()):
        rows[f"width{i}"] = values.dtype.itemsize
        rows[f"value{i}"] = values
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.cursor.copy(f"COPY {table} ({', '.join(wire)}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for start in range(0, len(rows), _ROWS_A_WRITE):
            copy.write(rows[start : start + _ROWS_A_WRITE].tobytes())
        copy.write(b"\xff\xff")


def _wire_values(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind == "M":
        since_2000 = values.astype("datetime64[us]").astype("i8") - _POSTGRES_EPOCH_SECONDS * 1_000_000
        return since_2000.astype(">i8")
    return values.astype(values.dtype.newbyteorder(">")) if values.dtype.kind in "if" else values


def _execute_many(table: str, columns: Mapping[str, NDArray[Any]]) -> None:
    places = ", ".join(["%s"] * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608  (constants of our code)
    lists = [_plain_values(values) for values in columns.values()]
    with connection.cursor() as cursor:
        cursor.executemany(statement, list(zip(*lists, strict=True)))


def _plain_values(values: NDArray[Any]) -> list[Any]:
    if values.dtype.kind == "M":
        return [str(value).replace("T", " ") for value in values.astype("datetime64[us]")]
    if values.dtype.kind == "S":
        return [value.decode() for value in values.tolist()]
    return [value.tobytes() for value in values] if values.dtype.kind == "V" else values.tolist()
