"""Staging for a shop's first large import of tables on PostgreSQL: orders and lines wait in files, not in tables.

They are stored by COPY straight into their tables (`first_import`), which spares writing them twice. Everything else waits
in tables as ever; so do orders and lines after `fall_back`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection
from numpy.typing import NDArray

from customers.importing.breaking_off import StopIfAsked
from customers.importing.facts import FACTS, Arrays, Column
from customers.importing.hashing import hash_text
from customers.importing.shapes import kept_columns, row_count
from customers.importing.soundness import ARROW
from customers.importing.staging_postgres import PostgresStaging

LINE = Column("line", "integer")
MOST_ORDERS = 2_000_000
"""More go through tables: their ids would not fit the memory that an import may take."""


class WaitingFiles(PostgresStaging):
    """Arrow files `orders.arrow` and `lines.arrow`; of refunds only which orders they name."""

    def __init__(self, token: str, buckets: int, folder: Path) -> None:
        super().__init__(token, buckets, folder)
        self._writers: dict[str, Any] = {}
        self._line_orders: NDArray[np.int32] | None = None
        self._index: _Index | None = None
        self.columns = {
            "orders": (*FACTS["orders"].staged, LINE),
            "lines": (*FACTS["lines"].staged, LINE),
            "refunds": (Column("order_id", "text"), LINE),
        }

    def add(self, name: str, arrays: Arrays) -> None:
        """As ever, but orders and lines into their files."""
        if name in self.columns and row_count(arrays):
            self._hold(name, arrays)
        if name not in {"orders", "lines"}:
            super().add(name, arrays)
        elif row_count(arrays):
            self.counts[name] = self.counts.get(name, 0) + row_count(arrays)

    def finish(self) -> None:
        """All rows are there: end the files and the tables."""
        super().finish()
        self._close()

    def open(self, counts: dict[str, int], *, verify: bool = True) -> bool:
        """As ever; the files are looked through too."""
        in_tables = {name: rows for name, rows in counts.items() if name not in {"orders", "lines"}}
        whole = super().open(in_tables, verify=verify)
        self.counts = dict(counts)
        if not verify:
            return whole
        return whole and all(self._rows_of(name) == counts[name] for name in ("orders", "lines") if name in counts)

    def leave(self) -> None:
        """Let go of connections and files, and leave the rows to whoever has the import now."""
        self._close()
        super().leave()

    def drop(self) -> None:
        """Throw away files and tables."""
        self._close()
        for name in self.columns:
            self._path(name).unlink(missing_ok=True)
        super().drop()

    def fall_back(self, stop_if_asked: StopIfAsked) -> None:
        """Put orders and lines into tables after all, on the default connection."""
        self._line_orders = self._index = None
        for name in ("orders", "lines"):
            if self.counts.pop(name, 0):
                self._remove(name)  # of an attempt that was killed here
                for batch in self.batches(name):
                    stop_if_asked()
                    super().add(name, dict(zip(batch.schema.names, batch.columns, strict=True)))
        super().finish()

    # --- what waits --------------------------------------------------------------------------------------------------

    def batches(self, name: str, columns: list[str] | None = None) -> Any:
        """The record batches of a file as they were written, with all columns or only `columns` (no others are read)."""
        if not self._path(name).exists():
            return
        at: list[Any] = [at for at, column in enumerate(self.columns[name]) if columns is None or column.name in columns]
        options = pa.ipc.IpcReadOptions(included_fields=at)
        with pa.OSFile(str(self._path(name)), "rb") as source, pa.ipc.open_file(source, options=options) as reader:
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)

    def order_count(self) -> int:
        """How many orders wait."""
        return self.counts.get("orders", 0)

    def is_fit(self) -> bool:
        """Whether the orders are few enough to have their ids in memory, and none comes twice."""
        return self.order_count() <= MOST_ORDERS and self._orders().is_distinct

    def line_orders(self) -> NDArray[np.int32]:
        """For every line the place of its order among those that wait, in the order of the file; -1 without one."""
        if self._line_orders is None:
            self._line_orders = self._places("lines")
        return self._line_orders

    def orphans(self, name: str) -> Iterator[list[tuple[int, str]]]:
        """Lines or refunds that name an order which does not wait here: place in the file, the id they name; batch by batch."""
        places = self.line_orders() if name == "lines" else self._places(name)
        at = 0
        for batch in self.batches(name, ["order_id", "line"]):
            here = pa.array(np.flatnonzero(places[at : at + batch.num_rows] < 0))
            at += batch.num_rows
            rows = zip(batch.column(1).take(here).to_pylist(), batch.column(0).take(here).to_pylist(), strict=True)
            if strays := [(line, order) for line, order in rows if order is not None]:
                yield strays

    def _orders(self) -> "_Index":
        if self._index is None:
            # Copies, because a column as it was read keeps the whole batch in memory.
            parts = [pa.concat_arrays([batch.column(0)]) for batch in self.batches("orders", ["order_id"])]
            self._index = _Index(parts)
        return self._index

    def _places(self, name: str) -> NDArray[np.int32]:
        parts = [self._orders().places_of(batch.column(0)) for batch in self.batches(name, ["order_id"])]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int32)

    def _hold(self, name: str, arrays: Arrays) -> None:
        schema = pa.schema([(column.name, self._type(column)) for column in self.columns[name]])
        if name not in self._writers:
            self._writers[name] = pa.ipc.new_file(str(self._path(name)), schema)
        table = kept_columns(arrays, self.columns[name]).cast(schema)
        self._writers[name].write_table(table.combine_chunks())

    def _type(self, column: Column) -> Any:
        return pa.timestamp("us", tz="UTC") if column.kind == "time" else ARROW[column.kind]

    def _rows_of(self, name: str) -> int:
        try:
            return sum(batch.num_rows for batch in self.batches(name, ["order_id"]))
        except (pa.ArrowInvalid, OSError):  # killed while it was being written
            return -1

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.arrow"

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()


class _Index:
    """Finds ids in a list by their hashes, and compares the texts: about 40 bytes an id, no wrong answer."""

    def __init__(self, parts: list[Any]) -> None:
        self._ids = pa.concat_arrays(parts) if parts else pa.array([], pa.string())
        hashes = np.concatenate([hash_text(part) for part in parts]) if parts else np.empty(0, dtype=np.uint64)
        self._order = np.argsort(hashes, kind="stable").astype(np.int32)
        self._hashes = hashes[self._order]
        self.is_distinct = bool((self._hashes[1:] != self._hashes[:-1]).all())

    def places_of(self, wanted: Any) -> NDArray[np.int32]:
        """The place of each text among the ids; -1 if it is none of them."""
        if not len(self._ids):
            return np.full(len(wanted), -1, dtype=np.int32)
        at = np.searchsorted(self._hashes, hash_text(wanted))
        places = self._order[np.minimum(at, len(self._order) - 1)]
        same = pc.fill_null(pc.equal(self._ids.take(pa.array(places)), wanted), False)
        return np.where(same.to_numpy(zero_copy_only=False), places, np.int32(-1)).astype(np.int32)


def fits(kind: str, size_bytes: int) -> bool:
    """Whether files of this kind and size may wait like this: tables, large, on PostgreSQL, outside of any transaction."""
    return connection.vendor == "postgresql" and kind == "tables" and size_bytes >= LARGE and not connection.in_atomic_block


LARGE = 20_000_000
