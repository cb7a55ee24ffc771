"""The six tables of `import_tables`: customers, orders, line_items, refunds, tickets, messages as .csv, .csv.gz or .parquet.

UTF-8 with a header row, times in ISO 8601 (without an offset they are UTC), amounts with a decimal point, an empty cell is
unknown; columns that are not named here are kept as attributes of customers and orders. Read column by column, which is what
makes this the fast way in: about 2 µs a row.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from customers.importing.cells import Converted, attributes, convert, derived_ids, hide_addresses
from customers.importing.column_batches import ColumnBatch
from customers.importing.faults import ImportRefused
from customers.importing.reading_ahead import reading_ahead
from customers.importing.records import Reject
from customers.importing.soundness import rejects_of
from customers.importing.table_columns import TABLES, Table

BLOCK = 2 << 20
"""Bytes of text that become one batch."""


def read(folder: Path, guest_key: str) -> Iterator[ColumnBatch]:
    """The tables of `folder`, parents first, in batches of some ten thousand rows; raises `ImportRefused` with one sentence.

    `guest_key`, the shop's secret, goes into the ids of customers whose id is an address or a number.
    """
    found = tables_in(folder)
    before = 0
    for table, path in found.items():
        size = path.stat().st_size
        for batch, share in reading_ahead(_batches(table, path, guest_key)):
            batch.bytes_read = before + int(share * size)
            yield batch
        before += size


def tables_in(folder: Path) -> dict[Table, Path]:
    """Which tables the folder has, in the order in which they are read. Raises `ImportRefused` if there is none."""
    if not folder.is_dir():
        raise ImportRefused(f"{folder} is not a folder; give the folder that holds customers.csv, orders.csv and the others.")
    found: dict[Table, Path] = {}
    for table in TABLES:
        paths = [folder / f"{table.name}{ending}" for ending in (".parquet", ".csv.gz", ".csv")]
        present = [path for path in paths if path.is_file()]
        if len(present) > 1:
            raise ImportRefused(f"{folder} holds {present[0].name} and {present[1].name}; keep the one that is meant.")
        if present:
            found[table] = present[0]
    if not found:
        names = ", ".join(table.name for table in TABLES)
        raise ImportRefused(f"{folder} holds none of the six tables ({names} as .csv, .csv.gz or .parquet).")
    return found


def _batches(table: Table, path: Path, guest_key: str) -> Iterator[tuple[ColumnBatch, float]]:
    rows = 0
    source = _parquet_batches if path.suffix == ".parquet" else _csv_batches
    for original, lines, broken, share in source(table, path):
        yield _converted(table, original, lines, broken, guest_key), share
        rows += original.num_rows + len(broken)
    if not rows:
        yield ColumnBatch(table.facts, {}, rows_read=0), 1.0


def _converted(table: Table, original: pa.RecordBatch, lines: Any, broken: list[Reject], guest_key: str) -> ColumnBatch:
    """A batch of cells as text -> the contract's columns."""
    have = {name.strip().lower(): original.column(at) for at, name in enumerate(original.schema.names)}
    converted = Converted(original.num_rows)
    for column in table.columns:
        if column.name in have:
            convert(converted, column, have[column.name])
    arrays = converted.arrays
    for column in table.columns:
        if column.to not in arrays and column.default is not None:
            arrays[column.to] = pa.array(np.full(original.num_rows, column.default, dtype=np.int64))
        elif column.default is not None:
            arrays[column.to] = pc.fill_null(arrays[column.to], column.default)
    if "customer_id" in arrays:
        hide_addresses(arrays, guest_key)
    if table.derived_id:
        derived_ids(arrays, *table.derived_id, size=original.num_rows)
    extra = {name: values for name, values in have.items() if name not in {column.name for column in table.columns}}
    if table.keeps_attributes and extra:
        arrays["attributes"] = attributes(extra)
    if table.facts == "lines":
        arrays["position"] = lines
    arrays["line"] = lines
    names = {column.to: column.name for column in table.columns}
    rejects = broken
    if converted.problems:
        rejects = [*broken, *rejects_of(original, lines, converted.problems)]
        keep = np.ones(original.num_rows, dtype=bool)
        keep[list(converted.problems)] = False
        mask = pa.array(keep)
        arrays = {name: values.filter(mask) for name, values in arrays.items()}
        original = original.filter(mask)
    return ColumnBatch(table.facts, arrays, original, names, rejects=rejects, rows_read=len(lines) + len(broken))


# --- files -----------------------------------------------------------------------------------------------------------

Read = tuple[pa.RecordBatch, Any, list[Reject], float]


def _csv_batches(table: Table, path: Path) -> Iterator[Read]:
    header, delimiter = _header(table, path)
    broken: list[Reject] = []

    def not_a_row(row: Any) -> str:
        cells = f"This row has {row.actual_columns} cells and the header {row.expected_columns}"
        reason = f"{cells}; look for a stray quote or separator."
        broken.append(Reject(row.number or 0, "", reason, row.text))
        return "skip"

    with path.open("rb") as raw, _unpacked(path, raw) as stream:
        try:
            reader = pa.csv.open_csv(
                stream,
                pa.csv.ReadOptions(
                    use_threads=False, block_size=BLOCK, column_names=header, skip_rows=0, skip_rows_after_names=1
                ),
                pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=not_a_row),
                pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""], check_utf8=True
                ),
            )
            size, record, newlines = max(1, path.stat().st_size), 2, 0
            for batch in reader:
                lines, newlines, record = _line_numbers(batch, record, newlines, broken)
                yield batch, lines, broken.copy(), min(1.0, raw.tell() / size)
                broken.clear()
            if broken:
                yield (
                    pa.RecordBatch.from_pylist([], pa.schema([(name, pa.string()) for name in header])),
                    _numbers(0, 0),
                    broken,
                    1.0,
                )
        except (pa.ArrowInvalid, EOFError, OSError) as problem:
            raise ImportRefused(_plainly(path, problem)) from problem


def _line_numbers(batch: pa.RecordBatch, record: int, newlines: int, broken: list[Reject]) -> tuple[Any, int, int]:
    """The line in the file on which each row begins; rows that were skipped and line breaks inside cells count."""
    size = batch.num_rows
    skipped = sorted(reject.line for reject in broken if reject.line)
    at = np.arange(record, record + size + len(skipped), dtype=np.int64)
    if skipped:
        at = at[~np.isin(at, skipped)][:size] if len(at) else at
    at = at[:size]
    record += size + len(skipped)
    breaks = np.zeros(size, dtype=np.int64)
    for column in batch.columns:
        if pc.any(pc.match_substring(column, "\n")).as_py():
            breaks += pc.fill_null(pc.count_substring(column, "\n"), 0).to_numpy(zero_copy_only=False)
    before = np.concatenate([[0], np.cumsum(breaks)])
    return pa.array(at + newlines + before[:-1]), newlines + int(before[-1]), record


def _parquet_batches(table: Table, path: Path) -> Iterator[Read]:
    try:
        file = pyarrow.parquet.ParquetFile(path)
        _check_header(table, path, file.schema_arrow.names)
        done, total = 0, max(1, file.metadata.num_rows)
        for batch in file.iter_batches(batch_size=20_000):
            text = pa.RecordBatch.from_arrays([_as_cells(column) for column in batch.columns], names=batch.schema.names)
            yield text, _numbers(done + 1, batch.num_rows), [], (done + batch.num_rows) / total
            done += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as problem:
        raise ImportRefused(_plainly(path, problem)) from problem


def _as_cells(column: Any) -> Any:
    """A typed column as text, so that one set of rules reads both kinds of file."""
    if pa.types.is_nested(column.type):
        joined = [";".join(map(str, value)) if isinstance(value, list) else value for value in column.to_pylist()]
        return pa.array([None if value is None else str(value) for value in joined], pa.string())
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp("us", "UTC"))
    return column.cast(pa.string())


def _numbers(first: int, count: int) -> Any:
    return pa.array(np.arange(first, first + count, dtype=np.int64))


def _unpacked(path: Path, raw: Any) -> Any:
    return gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else pa.PythonFile(raw, mode="r")


def _header(table: Table, path: Path) -> tuple[list[str], str]:
    import csv

    try:
        with path.open("rb") as raw:
            start = (gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw).read(64 * 1024)
        line = start.decode("utf-8-sig", errors="strict" if len(start) < 64 * 1024 else "ignore").splitlines()
    except UnicodeDecodeError as problem:
        raise ImportRefused(_plainly(path, problem)) from problem
    except (OSError, EOFError) as problem:
        raise ImportRefused(f"{path.name} is not a readable .gz file; it may be cut off: export it again.") from problem
    if not line or not line[0].strip():
        raise ImportRefused(f"{path.name} is empty; it needs a header row and rows below it.")
    delimiter = max(",;\t|", key=line[0].count)
    header = next(csv.reader([line[0]], delimiter=delimiter))
    _check_header(table, path, header)
    return header, delimiter


def _check_header(table: Table, path: Path, header: list[str]) -> None:
    names = [name.strip().lower() for name in header]
    missing = [column.name for column in table.columns if column.required and column.name not in names]
    if missing:
        raise ImportRefused(f"{path.name} has no column {', '.join(missing)}; its columns are {', '.join(header[:20])}.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ImportRefused(f"{path.name} has two columns {twice!r}; keep the one that is meant.")


def _plainly(path: Path, problem: Exception) -> str:
    text = str(problem).lower()
    if "utf8" in text or "utf-8" in text or isinstance(problem, UnicodeDecodeError):
        return f"{path.name} is not UTF-8; save it as 'CSV UTF-8' and import it again."
    if path.suffix == ".parquet":
        return f"{path.name} is not a readable parquet file; export it again."
    if isinstance(problem, EOFError | OSError):
        return f"{path.name} cannot be read to its end; it may be cut off: export it again."
    return f"{path.name} cannot be read as a table with a header row; look for a quote that is never closed."
