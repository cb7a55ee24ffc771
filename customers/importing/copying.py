"""COPY of Arrow tables into PostgreSQL."""

import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv


def copy_in(cursor: Any, into: str, table: pa.Table, *, never_null: Sequence[str] = ()) -> None:
    """COPY the columns of `table` into the table `into`, over a Django cursor; about 2 µs a row.

    An empty text is NULL but in the columns of `never_null`. Columns without a value are left to their defaults.
    """
    table = table.select([at for at, column in enumerate(table.columns) if column.null_count < table.num_rows])
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):  # the session's zone is UTC; Arrow writes an offset at 2 µs a cell
            table = table.set_column(at, field.name, table.column(at).cast(pa.timestamp("us")))
        if pa.types.is_binary(field.type):
            written = [None if value is None else f"\\x{value.hex()}" for value in table.column(at).to_pylist()]
            table = table.set_column(at, field.name, pa.array(written, pa.string()))
    out = io.BytesIO()
    pa.csv.write_csv(table, out, pa.csv.WriteOptions(include_header=False, quoting_style="needed"))
    forced = f", FORCE_NOT_NULL ({', '.join(never_null)})" if never_null else ""
    statement = f"COPY {into} ({', '.join(table.column_names)}) FROM STDIN (FORMAT csv{forced})"
    with cursor.db.wrap_database_errors, cursor.cursor.copy(statement) as copy:
        copy.write(out.getbuffer())
