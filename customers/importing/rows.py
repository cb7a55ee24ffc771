"""The rows of a delimited file, block by block, with the physical line each begins on. Memory is that of one block."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from customers.importing.options import UnreadableFile
from customers.importing.sniffing import LONGEST_CELL, MOST_COLUMNS, Source

LINES_PER_BLOCK = 10_000
KEPT_OF_A_ROW = 20_000
UNEVEN = "with more or fewer cells than the header"
NEVER_CLOSED = "with a quote that is never closed"
_NEVER_CLOSED = "The row has a quote that is never closed, or a cell larger than 1 MB."


@dataclass(slots=True)
class Fault:
    """What is wrong with the form of a row, and the row as it stood (its cells in the block are made to fit)."""

    reason: str
    cells: list[str]

    @property
    def cause(self) -> str:
        """The reason in words that many rows share."""
        return NEVER_CLOSED if self.reason == _NEVER_CLOSED else UNEVEN


@dataclass(slots=True)
class Block:
    """Some rows, each as wide as the header; `faults` is by position in `rows`, `on_disk` how far into the file it ends."""

    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    faults: dict[int, Fault] = field(default_factory=dict)
    on_disk: int = 0

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is cut. `forgive_short` takes rows whose last cells are missing (a habit of some exports)."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    forgive_short: bool = False


def header_of(head: str, delimiter: str) -> tuple[str, ...]:
    """The column names, each once and none empty.

    Raises `UnreadableFile` for a file without rows below the header, and for one with too many columns.
    """
    csv.field_size_limit(LONGEST_CELL)
    try:
        rows = (
            row for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter) if any(cell.strip() for cell in row)
        )
        first = next(rows, [])
        if first and first[0].lstrip("\ufeff").strip().lower().startswith("sep=") and not any(first[1:]):
            first = next(rows, [])
        below = next(rows, None)
    except csv.Error as problem:
        raise UnreadableFile(
            "The first rows cannot be read: a cell is larger than 1 MB, or a quote is never closed."
        ) from problem
    if len(first) > MOST_COLUMNS:
        raise UnreadableFile(
            f"The file has {len(first):,} columns, more than {MOST_COLUMNS:,}: export only the columns that matter."
        )
    if below is None:
        raise UnreadableFile("The file has one row only: it needs a header row and at least one row below it.")
    names: list[str] = []
    for position, cell in enumerate(first, 1):
        name = "".join(c for c in cell if c.isprintable()).strip()[:200] or f"Column {position}"
        again = 2
        while name in names:
            name, again = f"{name.removesuffix(f' ({again - 1})')} ({again})", again + 1
        names.append(name)
    return tuple(names)


def blocks(path: Path, layout: Layout) -> Iterator[Block]:
    """The rows below the header. Blank rows and repeated headers are skipped; about 10,000 lines a block."""
    csv.field_size_limit(LONGEST_CELL)
    errors = "replace" if layout.encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    source = Source(path)
    with io.TextIOWrapper(io.BufferedReader(source, 1 << 20), layout.encoding, errors, newline="") as stream:
        line = 1
        header: list[str] | None = None
        while lines := list(islice(stream, LINES_PER_BLOCK)):
            block = _block(lines, stream, line, layout)
            line += len(lines)
            if header is None:
                header = _take_header(block)
            if header in block.rows:  # exports that were put together keep theirs
                _keep(block, [row != header for row in block.rows])
            block.on_disk = source.on_disk
            yield block


def _block(lines: list[str], stream: Iterator[str], first_line: int, layout: Layout) -> Block:
    """The rows of `lines`, to which the lines are added that its last row still needs."""
    block = Block()
    rows, starts, width = block.rows, block.lines, len(layout.header)

    def more() -> Iterator[str]:
        for line in stream:
            lines.append(line)
            yield line

    done = 0
    while done < len(lines):
        reader = csv.reader(chain(islice(lines, done, len(lines)), more()), delimiter=layout.delimiter)
        base = done
        try:
            for row in reader:
                end = base + reader.line_num
                if len(row) != width:
                    if end - done > 1 and len(row) > 0:
                        break  # a quote that was never closed has swallowed the lines after it
                    if any(row):
                        _make_fit(row, width, block, layout.forgive_short)
                        rows.append(row)
                        starts.append(first_line + done)
                elif row[0] or any(row):
                    rows.append(row)
                    starts.append(first_line + done)
                done = end
                if done >= len(lines):
                    break
            else:
                break
            if done >= len(lines):
                break
        except csv.Error:
            pass
        # The line at `done` is broken: it is refused alone, and reading goes on with the line after it.
        broken = lines[done].rstrip("\r\n")
        cells = broken[:KEPT_OF_A_ROW].split(layout.delimiter)
        block.faults[len(rows)] = Fault(_NEVER_CLOSED, cells)
        rows.append((cells + [""] * width)[:width])
        starts.append(first_line + done)
        done += 1
    return block


def _make_fit(row: list[str], width: int, block: Block, forgive_short: bool) -> None:
    original = list(row)
    if len(row) > width:
        if any(cell.strip() for cell in row[width:]):
            block.faults[len(block.rows)] = Fault(f"The row has {len(row)} cells where the header has {width}.", original)
        del row[width:]
        return
    if not forgive_short:
        block.faults[len(block.rows)] = Fault(f"The row has {len(row)} cells where the header has {width}.", original)
    row.extend([""] * (width - len(row)))


def _take_header(block: Block) -> list[str] | None:
    """Take the header row, and a spreadsheet's "sep=;" line before it, off the first block; its cells as they stand."""
    for position, row in enumerate(block.rows):
        if not row[0].lstrip("\ufeff").strip().lower().startswith("sep="):
            _keep(block, [place > position for place in range(len(block))])
            return row
    return None


def _keep(block: Block, kept: list[bool]) -> None:
    """Keep the rows of `block` whose flag is set."""
    places = {old: new for new, old in enumerate(i for i, keep in enumerate(kept) if keep)}
    block.rows = [block.rows[old] for old in places]
    block.lines = [block.lines[old] for old in places]
    block.faults = {places[old]: fault for old, fault in block.faults.items() if old in places}


def as_text(cells: list[str], delimiter: str) -> str:
    """A row as a line of a CSV file, at most 20,000 characters of it."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="").writerow(cells)
    return out.getvalue()[:KEPT_OF_A_ROW].encode("utf-8", "replace").decode().replace("\0", "")
