"""The files of `import_tables` as batches of cells: text with NULL for an empty cell, each row with its place in the file."""

import csv
import gzip
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from customers.importing.faults import ImportRefused
from customers.importing.records import Reject
from customers.importing.rows import KEPT_OF_A_ROW, UNEVEN
from customers.importing.table_columns import Table

BLOCK = 2 << 20
"""Bytes of text that become one batch."""


class Cells(NamedTuple):
    """Some rows of a file, with the line on which each begins (of parquet the number of the row); what stands among them and is
    no row, and how much of the file is read (0 to 1)."""

    rows: pa.RecordBatch
    lines: Any
    broken: list[Reject]
    share: float


def cells_of(table: Table, path: Path) -> Iterator[Cells]:
    """The rows of a table's file, but for blank ones; raises `ImportRefused` with one sentence if it cannot be read."""
    return _parquet(table, path) if path.suffix == ".parquet" else _text(table, path)


def _text(table: Table, path: Path) -> Iterator[Cells]:
    header, delimiter = _header(table, path)
    counting = _Counting()

    def not_a_row(row: Any) -> str:
        told = f"This row has {row.actual_columns} cells and the header {row.expected_columns}"
        counting.pass_over(row.number, row.text, f"{told}; look for a stray quote or separator.")
        return "skip"

    with path.open("rb") as raw, _unpacked(path, raw) as stream:
        try:
            reader = pa.csv.open_csv(
                stream,
                pa.csv.ReadOptions(
                    use_threads=False, block_size=BLOCK, column_names=header, skip_rows=0, skip_rows_after_names=1
                ),
                pa.csv.ParseOptions(
                    delimiter=delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=len(header) == 1,  # of several columns they are no row, and are counted
                    invalid_row_handler=not_a_row,
                ),
                pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""], check_utf8=True
                ),
            )
            size = max(1, path.stat().st_size)
            for batch in reader:
                lines, broken = counting.count(batch)
                yield _without_blank_rows(Cells(batch, lines, broken, min(1.0, raw.tell() / size)))
            if broken := counting.rest():
                nothing = pa.RecordBatch.from_pylist([], pa.schema([(name, pa.string()) for name in header]))
                yield Cells(nothing, _numbers(0, 0), broken, 1.0)
        except (pa.ArrowInvalid, EOFError, OSError) as problem:
            raise ImportRefused(_plainly(path, problem)) from problem


class _Counting:
    """Tells on which line of the file each row begins. A row may go over several lines, and the parser passes over what is no
    row: it numbers that too, and is some rows ahead of the batches."""

    def __init__(self) -> None:
        self._number, self._breaks = 2, 0  # of the next row; line breaks within the rows before it
        self._passed_over: dict[int, tuple[str, str]] = {}

    def pass_over(self, number: int, text: str, reason: str) -> None:
        """The parser leaves out this row."""
        self._passed_over[number] = (text, reason)

    def count(self, batch: pa.RecordBatch) -> tuple[Any, list[Reject]]:
        """The lines of a batch's rows, and what was passed over between them."""
        size = batch.num_rows
        numbers = np.arange(self._number, self._number + size + len(self._passed_over), dtype=np.int64)
        numbers = numbers[~np.isin(numbers, list(self._passed_over))][:size]
        breaks = np.zeros(size, dtype=np.int64)
        for column in batch.columns:
            if pc.any(pc.match_substring(column, "\n")).as_py():
                breaks += pc.fill_null(pc.count_substring(column, "\n"), 0).to_numpy(zero_copy_only=False)
        last = int(numbers[-1]) if size else 0
        return self._lines(numbers, breaks, sorted(number for number in self._passed_over if number < last))

    def rest(self) -> list[Reject]:
        """What was passed over after the last batch."""
        nothing = np.zeros(0, dtype=np.int64)
        return self._lines(nothing, nothing, sorted(self._passed_over))[1]

    def _lines(self, numbers: NDArray[np.int64], breaks: NDArray[np.int64], passed: list[int]) -> tuple[Any, list[Reject]]:
        """The lines of the rows with these numbers, and the rejects; both go on from the rows before them."""
        texts = [self._passed_over.pop(number) for number in passed]
        numbers = np.concatenate([numbers, np.array(passed, dtype=np.int64)])
        breaks = np.concatenate([breaks, np.array([text.count("\n") for text, _ in texts], dtype=np.int64)])
        order = np.argsort(numbers)
        lines = np.empty_like(numbers)
        lines[order] = numbers[order] + self._breaks + np.cumsum(breaks[order]) - breaks[order]
        self._number = max(self._number, int(numbers.max(initial=0)) + 1)
        self._breaks += int(breaks.sum())
        size = len(numbers) - len(passed)
        rejects = [
            Reject(int(line), "", reason, text[:KEPT_OF_A_ROW], cause=UNEVEN)
            for line, (text, reason) in zip(lines[size:], texts, strict=True)
            if text.strip()
        ]
        return pa.array(lines[:size]), rejects


def _without_blank_rows(cells: Cells) -> Cells:
    """Rows with nothing in any cell, as spreadsheets leave them below a table, are none."""
    if not cells.rows.num_rows or not all(column.null_count for column in cells.rows.columns):
        return cells
    filled = pc.invert(reduce(pc.and_, (pc.is_null(column) for column in cells.rows.columns)))
    return cells._replace(rows=cells.rows.filter(filled), lines=cells.lines.filter(filled))


def _parquet(table: Table, path: Path) -> Iterator[Cells]:
    try:
        file = pyarrow.parquet.ParquetFile(path)
        _check_header(table, path, file.schema_arrow.names)
        done, total = 0, max(1, file.metadata.num_rows)
        for batch in file.iter_batches(batch_size=20_000):
            text = pa.RecordBatch.from_arrays([_as_text(column) for column in batch.columns], names=batch.schema.names)
            share = (done + batch.num_rows) / total
            yield _without_blank_rows(Cells(text, _numbers(done + 1, batch.num_rows), [], share))
            done += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as problem:
        raise ImportRefused(_plainly(path, problem)) from problem


def _as_text(column: Any) -> Any:
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
