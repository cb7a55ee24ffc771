"""Orders whole: the rows of one order together, however the file has spread them, in memory that stays flat."""

import marshal
import tempfile
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
from django.conf import settings

from customers.importing.options import UnreadableFile
from customers.importing.records import Batch
from customers.importing.rows import Block, Fault

MOST_ROWS_OF_AN_ORDER = 100_000
BYTES_PER_PART = 4 << 20
MOST_PARTS = 256
ROWS_PER_BLOCK = 10_000
PARTS = "parts-"  # begins the name of a folder of part files, beside those of the imports

# The key of each row of a block: rows with the same key are one order. "" belongs to nobody and stands alone.
Keys = Callable[[list[list[str]]], list[str]]
LOOKED = 0.3
"""Which part of reading the first pass is."""


def orders_together(
    first_pass: Iterator[Block], second_pass: Iterator[Block], keys: Keys, size: int
) -> Iterator[Batch | Block]:
    """Blocks that hold whole orders only, from two passes over a file of `size` bytes; empty batches are signs of life.

    The first pass looks whether each order's rows stand together; the second one reads them, gathering them where they do not.
    How far into the file they are grows over both.
    """
    scattered, looked = False, 0
    for sign in is_scattered(first_pass, keys):
        if isinstance(sign, Batch):
            looked = sign.bytes_read = int(LOOKED * sign.bytes_read)
            yield sign
        else:
            scattered = sign
    for read in gathered(second_pass, keys, size) if scattered else whole_orders(second_pass, keys):
        if isinstance(read, Batch):
            read.bytes_read += looked - int(LOOKED * read.bytes_read)
        else:
            read.on_disk += looked - int(LOOKED * read.on_disk)
        yield read


def whole_orders(blocks: Iterator[Block], keys: Keys) -> Iterator[Block]:
    """The same rows, with no order cut between two blocks. An order's rows have to be next to each other."""
    kept = Block()
    for block in blocks:
        joined = _join(kept, block) if kept.rows else block
        if not joined.rows:
            yield joined
            continue
        names = keys(joined.rows)
        cut = len(names) - 1
        while cut > 0 and names[cut - 1] == names[-1] and names[-1]:
            cut -= 1
        if len(names) - cut > MOST_ROWS_OF_AN_ORDER:
            raise UnreadableFile(
                f"More than {MOST_ROWS_OF_AN_ORDER:,} rows have the same order id: look which column holds the orders' ids."
            )
        kept = _part(joined, cut, len(names))
        yield _part(joined, 0, cut)
    if kept.rows:
        yield kept


def _join(first: Block, second: Block) -> Block:
    shift = len(first)
    faults = first.faults | {place + shift: fault for place, fault in second.faults.items()}
    return Block(first.rows + second.rows, first.lines + second.lines, faults, second.on_disk)


def _part(block: Block, start: int, stop: int) -> Block:
    faults = {place - start: fault for place, fault in block.faults.items() if start <= place < stop}
    return Block(block.rows[start:stop], block.lines[start:stop], faults, block.on_disk)


def is_scattered(blocks: Iterator[Block], keys: Keys) -> Iterator[Batch | bool]:
    """Whether rows of one order stand apart: empty batches as signs of life, at last the answer.

    Keeps eight bytes per order: 40 MB for five million.
    """
    seen = array("q")
    last = ""
    for block in blocks:
        for key in keys(block.rows):
            if key != last:
                if key:
                    seen.append(hash(key))
                last = key
        yield Batch(bytes_read=block.on_disk)
    hashes = np.frombuffer(seen, dtype=np.int64) if seen else np.zeros(0, dtype=np.int64)
    hashes.sort()  # in place: a set of them, or `np.unique`, would take ten times the memory
    yield bool((hashes[1:] == hashes[:-1]).any())


def gathered(blocks: Iterator[Block], keys: Keys, size: int) -> Iterator[Batch | Block]:
    """The blocks of a scattered file with each order's rows together: empty batches while it is sorted, then blocks.

    Rows go to part files by the key's checksum, so that one part fits into memory; an order lies within one part. The
    result is the same each time, only not in the order of the file. The part files are gone when the iterator ends.
    """
    parts = min(MOST_PARTS, 1 + size // BYTES_PER_PART)
    beside_imports = Path(settings.IMPORTS_FOLDER)
    beside_imports.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=PARTS, dir=beside_imports) as folder:
        files = [(Path(folder) / f"{number}").open("w+b") for number in range(parts)]
        try:
            half = 0
            for block in blocks:
                _spread(block, keys(block.rows), files)
                half = block.on_disk // 2
                yield Batch(bytes_read=half)
            for number, file in enumerate(files, 1):
                part = _read_back(file, half + half * number // parts)
                names = keys(part.rows)
                first: dict[str, int] = {}
                ranks = [first.setdefault(name, place) if name else place for place, name in enumerate(names)]
                order = sorted(range(len(names)), key=ranks.__getitem__)
                moved = {old: new for new, old in enumerate(order)}
                rows, lines = [part.rows[old] for old in order], [part.lines[old] for old in order]
                faults = {moved[old]: fault for old, fault in part.faults.items()}
                whole = Block(rows, lines, faults, part.on_disk)
                cuts = [*range(0, len(rows), ROWS_PER_BLOCK), len(rows)]
                yield from whole_orders((_part(whole, start, stop) for start, stop in pairwise(cuts)), keys)
        finally:
            for file in files:
                file.close()


def _spread(block: Block, names: list[str], files: Sequence[IO[bytes]]) -> None:
    shares: dict[int, tuple[list[list[str]], list[int], dict[int, tuple[str, list[str]]]]] = {}
    for place, name in enumerate(names):
        number = zlib.crc32(name.encode("utf-8", "surrogateescape")) % len(files)
        rows, lines, faults = shares.setdefault(number, ([], [], {}))
        fault = block.faults.get(place)
        if fault is not None:
            faults[len(rows)] = (fault.reason, fault.cells)
        rows.append(block.rows[place])
        lines.append(block.lines[place])
    for number, share in shares.items():
        marshal.dump(share, files[number])


def _read_back(file: IO[bytes], on_disk: int) -> Block:
    end = file.tell()
    file.seek(0)
    part = Block(on_disk=on_disk)
    while file.tell() < end:
        rows, lines, faults = _share(marshal.load(file))  # noqa: S302 - our own part file, written a moment ago
        shift = len(part)
        part.faults.update({place + shift: Fault(reason, cells) for place, (reason, cells) in faults.items()})
        part.rows += rows
        part.lines += lines
    return part


def _share(loaded: Any) -> tuple[list[list[str]], list[int], dict[int, tuple[str, list[str]]]]:
    rows, lines, faults = loaded
    return rows, lines, faults
