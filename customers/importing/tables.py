"""The six tables of `import_tables`: customers, orders, line_items, refunds, tickets, messages as .csv, .csv.gz or .parquet.

UTF-8 with a header row, times in ISO 8601 (without an offset they are UTC), amounts with a decimal point, an empty cell is
unknown; columns that are not named here are kept as attributes of customers and orders. Read column by column, which is what
makes this the fast way in: about 2 µs a row.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.importing.cells import Converted, attributes, convert, derived_ids, hide_addresses
from customers.importing.column_batches import ColumnBatch
from customers.importing.faults import ImportRefused
from customers.importing.reading_ahead import reading_ahead
from customers.importing.soundness import rejects_of
from customers.importing.table_columns import TABLES, Table
from customers.importing.table_files import Cells, cells_of


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
    for cells in cells_of(table, path):
        batch = _converted(table, cells, guest_key)
        batch.file = path.name
        yield batch, cells.share
        rows += batch.rows_read
    if not rows:
        yield ColumnBatch(table.facts, {}, file=path.name), 1.0


def _converted(table: Table, cells: Cells, guest_key: str) -> ColumnBatch:
    """A batch of cells as text -> the contract's columns."""
    original, lines, size = cells.rows, cells.lines, cells.rows.num_rows
    have = {name.strip().lower(): original.column(at) for at, name in enumerate(original.schema.names)}
    converted = Converted(size)
    for column in table.columns:
        if column.name in have:
            convert(converted, column, have[column.name])
    arrays = converted.arrays
    for column in table.columns:
        if column.to not in arrays and column.default is not None:
            arrays[column.to] = pa.array(np.full(size, column.default, dtype=np.int64))
        elif column.default is not None:
            arrays[column.to] = pc.fill_null(arrays[column.to], column.default)
    if "customer_id" in arrays:
        hide_addresses(arrays, guest_key)
    if table.derived_id:
        derived_ids(arrays, *table.derived_id, size=size)
    extra = {name: values for name, values in have.items() if name not in {column.name for column in table.columns}}
    if table.keeps_attributes and extra:
        arrays["attributes"] = attributes(extra)
    if table.facts == "lines":
        arrays["position"] = lines
    arrays["line"] = lines
    names = {column.to: column.name for column in table.columns}
    rejects = cells.broken
    rows_read = size + len(rejects)
    if converted.wrong:
        rejects = [*rejects, *rejects_of(original, lines, converted.wrong)]
        keep = np.ones(size, dtype=bool)
        keep[list(converted.wrong)] = False
        mask = pa.array(keep)
        arrays = {name: values.filter(mask) for name, values in arrays.items()}
        original = original.filter(mask)
    return ColumnBatch(table.facts, arrays, original, names, rejects=rejects, rows_read=rows_read)
