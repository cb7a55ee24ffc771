"""From bytes to text: is it a table at all, compressed or not, in which encoding, cut by which sign.

Everything here looks at bounded pieces of the file, so it costs the same for two kilobytes and for two gigabytes.
"""

import codecs
import csv
import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from customers.importing.encodings import ask_for_encoding
from customers.importing.options import Question, UnreadableFile

HEAD = 1 << 20
SCANNED_FOR_ENCODING = 64 << 20
LONGEST_CELL = 1 << 20
LONGEST_LINE = 16 << 20
MOST_COLUMNS = 1_000
DELIMITERS = ",;\t|"
# Tables of text shrink to a tenth or a thirtieth; a bomb to a thousandth. Small files may do what they like.
BOMB_RATIO = 250
BOMB_FROM = 64 << 20

_KINDS = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive", "save the sheet as CSV (UTF-8), or unpack the archive"),
    (b"PK\x05\x06", "an empty zip archive", "choose the CSV file itself"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV (UTF-8)"),
    (b"%PDF", "a PDF", "export the data as CSV"),
    (b"\x89PNG", "a picture", "choose a CSV file"),
    (b"\xff\xd8\xff", "a picture", "choose a CSV file"),
    (b"GIF8", "a picture", "choose a CSV file"),
    (b"RIFF", "a picture or a sound", "choose a CSV file"),
    (b"PAR1", "a Parquet file", "import it with the six tables, or export it as CSV"),
    (b"SQLite format 3", "a database", "export the table as CSV"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it and choose the CSV file"),
    (b"Rar!", "a RAR archive", "unpack it and choose the CSV file"),
    (b"BZh", "a bzip2 archive", "unpack it, or compress it with gzip"),
    (b"\xfd7zXZ", "an xz archive", "unpack it, or compress it with gzip"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it, or compress it with gzip"),
    (b"\x7fELF", "a program", "choose a CSV file"),
    (b"MZ\x90", "a program", "choose a CSV file"),
    (b"{\\rtf", "a text document", "export the data as CSV"),
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Source(io.RawIOBase):
    """The bytes of a file, unpacked if it is a .gz, with a count of how far into the file on disk we are.

    Refuses, while reading, a file that unpacks to an absurd size, and a line without end.
    """

    def __init__(self, path: Path) -> None:
        self._disk: IO[bytes] = path.open("rb")
        self.compressed = self._disk.read(2) == b"\x1f\x8b"
        self._disk.seek(0)
        self._bytes: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=self._disk) if self.compressed else self._disk
        self._given = 0
        self._line = 0

    @property
    def on_disk(self) -> int:
        """Bytes of the file on disk that were read so far."""
        return self._disk.tell() if not self._disk.closed else 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: "memoryview[int] | bytearray", /) -> int:  # type: ignore[override]
        """As `io.RawIOBase.readinto`. Raises `UnreadableFile`."""
        try:
            data = self._bytes.read(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
            raise UnreadableFile("The compressed file is damaged or cut off: copy or compress it again.") from problem
        buffer[: len(data)] = data
        self._given += len(data)
        if self.compressed and self._given > BOMB_FROM and self._given > BOMB_RATIO * max(self.on_disk, 1):
            raise UnreadableFile("The compressed file unpacks to an absurd size: unpack it yourself and look what is in it.")
        last = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._line = len(data) - last - 1 if last >= 0 else self._line + len(data)
        if self._line > LONGEST_LINE:
            raise UnreadableFile("The file has a line of more than 16 MB, so it is not a table of text: export it as CSV.")
        return len(data)

    def close(self) -> None:
        """Close both files; harmless when they are closed."""
        self._bytes.close()
        self._disk.close()
        super().close()


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What the bytes say. `encoding` is certain, or the answer that was given; else "" and `question` asks for it.
    `is_whole`: the head is all that the file holds."""

    compressed: bool
    encoding: str
    question: Question | None
    head: str
    size: int
    head_on_disk: int
    is_whole: bool = False


def sniff(path: Path, encoding: str = "") -> Sniffed:
    """Look at the bytes of `path`; `encoding` is the answer to an earlier question.

    Raises `UnreadableFile` for everything that is no table of text.
    """
    name = path.name
    if not path.is_file():
        raise UnreadableFile(f"There is no file {name}: check the path.")
    size = path.stat().st_size
    if size == 0:
        raise UnreadableFile("The file is empty: export it again.")
    with Source(path) as source:
        data = _read(source, HEAD)
        on_disk = source.on_disk
        whole = len(data) < HEAD
        _refuse_other_kinds(data)
        found = _bom(data) or _without_bom_but_wide(data)
        guess: Question | None = None
        if encoding:
            _check_name(encoding)
            found = found or encoding
        elif not found:
            strange = _not_utf8(source, data)
            found = "" if strange else "utf-8"
            guess = ask_for_encoding(strange) if strange else None
    shown = found or (guess.suggestion if guess else "") or "cp1252"
    decoder = codecs.getincrementaldecoder(shown)(errors="replace")
    head = decoder.decode(data, final=whole).removeprefix("\ufeff")
    if not head.strip():
        raise UnreadableFile("The file holds nothing but blanks: export it again.")
    return Sniffed(source.compressed, found, guess, head, size, on_disk, whole)


def _read(source: Source, size: int) -> bytes:
    pieces = []
    while size > 0 and (piece := source.read(min(size, 1 << 18))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _refuse_other_kinds(data: bytes) -> None:
    if not data:
        raise UnreadableFile("The file is empty: export it again.")
    for magic, what, do in _KINDS:
        if data.startswith(magic):
            raise UnreadableFile(f"The file is {what}, not a table of text: {do}.")
    if data.startswith(b"\x1f\x8b"):
        raise UnreadableFile("The file is compressed twice: unpack it once.")
    if data[257:262] == b"ustar":
        raise UnreadableFile("The file is a tar archive: unpack it and choose the CSV file.")
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg")):
        raise UnreadableFile("The file is a web page or XML, not a table of text: export the data as CSV.")
    if start.startswith(b"[") and start[1:].lstrip()[:1] in (b"{", b"]"):
        raise UnreadableFile("The file is one JSON list: export it as CSV, or as JSON with one object per line.")


def _bom(data: bytes) -> str:
    return next((name for mark, name in _BOMS if data.startswith(mark)), "")


def _without_bom_but_wide(data: bytes) -> str:
    """UTF-16 without its mark: nearly every second byte is zero. Zeros all over mean that this is no text."""
    sample = data[:4096]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = max(len(sample) // 2, 1)
    if odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.1 * half:
        return "utf-16-be"
    controls = sum(byte < 32 and byte not in b"\t\r\n\x0c\x1a\0" for byte in sample)
    if even + odd > 0.1 * len(sample) or controls > 0.05 * len(sample):
        raise UnreadableFile("The file is not text: choose a CSV file, or a .gz with one in it.")
    return ""


def _not_utf8(source: Source, head: bytes) -> bytes:
    """Lines with bytes that are not UTF-8, from the first 64 MB (the first umlaut may come late); b"" if there are none."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    piece, seen = head, 0
    while piece and seen < SCANNED_FOR_ENCODING:
        try:
            decoder.decode(piece)
        except UnicodeDecodeError:
            lines = [line for line in piece.splitlines() if any(byte > 127 for byte in line)]
            return b"\n".join(lines)[: 1 << 16]
        seen += len(piece)
        piece = _read(source, HEAD)
    try:
        decoder.decode(b"", final=not piece)
    except UnicodeDecodeError:
        return b"\n".join(line for line in head.splitlines()[-3:] if any(byte > 127 for byte in line)) or head[-64:]
    return b""


def _check_name(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError as problem:
        raise UnreadableFile(f"There is no encoding called {encoding!r}: write for example utf-8 or cp1252.") from problem


def delimiter_of(head: str) -> str:
    """The sign that cuts the lines of `head` into the most even rows; "," if none cuts them at all."""
    lines = head.splitlines(keepends=True)
    if lines and lines[0].strip().lower().startswith("sep=") and len(lines[0].strip()) == 5:
        return lines[0].strip()[4]
    if len(lines) > 1:
        lines = lines[:-1] if len(head) >= HEAD // 2 else lines  # the last one may be cut
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        try:
            rows = [row for row in csv.reader(lines[:200], delimiter=delimiter) if any(row)]
        except csv.Error:
            continue
        if not rows or len(rows[0]) < 2:
            continue
        even = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        score = (round(even, 1), len(rows[0]))
        if score > best_score:
            best, best_score = delimiter, score
    return best
