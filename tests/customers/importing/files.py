"""Invented files for the tests of reading, and everything that came of one."""

import gzip
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from customers.importing.reading import ReadOptions, read
from customers.importing.records import CUSTOMER_COLUMNS, LINE_COLUMNS, ORDER_COLUMNS, REFUND_COLUMNS, TICKET_COLUMNS, Reject

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
GUEST_KEY = "5e" * 32


@dataclass
class Read:
    """All batches of a file as dicts by column name."""

    customers: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    tickets: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    bytes_read: int = 0

    def order(self, order_id: str) -> dict[str, Any]:
        [found] = [order for order in self.orders if order["order_id"] == order_id]
        return found

    def lines_of(self, order_id: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["order_id"] == order_id]


def write(folder: Path, content: str | bytes, name: str = "file.csv", encoding: str = "utf-8") -> Path:
    """A file; packed if its name ends with .gz."""
    data = content if isinstance(content, bytes) else content.encode(encoding)
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def read_all(path: Path, **options: Any) -> Read:
    """The whole file, read with these options."""
    found = Read()
    kinds: Iterable[tuple[str, tuple[str, ...]]] = (
        ("customers", CUSTOMER_COLUMNS),
        ("orders", ORDER_COLUMNS),
        ("lines", LINE_COLUMNS),
        ("refunds", REFUND_COLUMNS),
        ("tickets", TICKET_COLUMNS),
    )
    for batch in read(path, ReadOptions(**options), now=NOW, guest_key=GUEST_KEY):
        for kind, columns in kinds:
            getattr(found, kind).extend(dict(zip(columns, row, strict=True)) for row in getattr(batch, kind))
        found.rejects += batch.rejects
        found.left_out.update(batch.left_out)
        found.rows += batch.rows_read
        found.bytes_read = max(found.bytes_read, batch.bytes_read)
    return found


def at(*moment: int) -> int:
    """A moment in UTC as the parsers give it."""
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc]
