"""Some thousand rows of a file, from its head and from some spots further in, whatever its size."""

import codecs
import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from customers.importing.sniffing import HEAD, Sniffed

MOST_SAMPLED = 5_000
SPOTS = (0.25, 0.5, 0.75, 0.98)
BYTES_A_SPOT = 1 << 17
FORGIVEN_FROM = 0.05
"""Where more rows than this share lack their last cells, it is a habit of the export and nothing is wrong with them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows as wide as the header, and how many in the head of the file do not fit it (`misfits`).

    `is_whole`: these are all the rows that the file has.
    """

    rows: list[list[str]]
    misfits: int
    forgive_short: bool
    is_whole: bool


def sample(path: Path, sniffed: Sniffed, encoding: str, delimiter: str, header: tuple[str, ...]) -> Sample:
    """Cut the head of the file and pieces of 128 KB further in into rows."""
    found = _Found(header, is_whole=sniffed.is_whole)
    for number, lines in enumerate(_pieces(path, sniffed, encoding)):
        try:
            found.take(csv.reader(lines, delimiter=delimiter), in_head=number == 0)
        except csv.Error:
            found.is_whole = False  # the reader refuses such a row by its line; a sample can do without
    return found.sample()


def _pieces(path: Path, sniffed: Sniffed, encoding: str) -> Iterator[list[str]]:
    """The lines of the head, then those of each piece; lines that were cut are left out."""
    cut = len(sniffed.head) >= HEAD // 4 and sniffed.head_on_disk < sniffed.size
    yield sniffed.head.splitlines(keepends=True)[: -1 if cut else None]
    if not sniffed.compressed and sniffed.size > 2 * HEAD and not encoding.startswith("utf-16"):
        with path.open("rb") as file:
            for spot in SPOTS:
                file.seek(int(sniffed.size * spot))
                yield codecs.decode(file.read(BYTES_A_SPOT), encoding, "replace").splitlines(keepends=True)[1:-1]


class _Found:
    """The rows found so far. Short ones are kept, filled up, until it is known whether to forgive them."""

    def __init__(self, header: tuple[str, ...], *, is_whole: bool) -> None:
        self.header, self.is_whole = header, is_whole
        self.rows: list[list[str]] = []
        self.short: set[int] = set()
        self.seen = self.misfits = self.short_in_head = 0

    def take(self, rows: Iterable[list[str]], *, in_head: bool) -> None:
        """Take some thousand rows of one piece."""
        before, header_seen = len(self.rows), not in_head
        for row in rows:
            if not any(row) or (header_seen and tuple(row) == self.header):
                continue
            if not header_seen:
                header_seen = not row[0].lower().startswith("sep=")
                continue
            self._take(row, in_head)
            if len(self.rows) - before >= MOST_SAMPLED:
                self.is_whole = False
                break

    def _take(self, row: list[str], in_head: bool) -> None:
        width = len(self.header)
        self.seen += 1
        if len(row) < width:
            self.short.add(len(self.rows))
            self.short_in_head += in_head
            self.rows.append(row + [""] * (width - len(row)))
        elif any(cell.strip() for cell in row[width:]):
            self.misfits += in_head
        else:
            self.rows.append(row[:width])
        if len(row) != width and any("\n" in cell for cell in row):
            self.is_whole = False  # a quote that was never closed has swallowed rows

    def sample(self) -> Sample:
        """What was found; where all rows are short, none fits."""
        forgive_short = len(self.short) > FORGIVEN_FROM * max(self.seen, 1)
        if forgive_short and len(self.short) < len(self.rows):
            return Sample(self.rows, self.misfits, forgive_short, self.is_whole)
        fitting = [row for place, row in enumerate(self.rows) if place not in self.short]
        return Sample(fitting, self.misfits + self.short_in_head, forgive_short, self.is_whole)
