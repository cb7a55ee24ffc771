"""The loader's own look at what a parser hands over: nothing may reach the database that it would refuse, or that would lie.

Parsers reject what is wrong in their file's own words; what is caught here is the same for every source.
"""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from customers.importing.facts import Arrays, Column, Facts
from customers.importing.records import Reject, Row

ARROW = {
    "text": pa.string(),
    "integer": pa.int64(),
    "time": pa.int64(),
    "flag": pa.bool_(),
    "json": pa.string(),
    "bytes": pa.binary(),
}
LARGEST = 10**17
"""Ten million millions of any currency, in ten-thousandths: sums over a shop stay within 64 bits."""
EARLIEST = int(datetime(1971, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000


def arrays_of(facts: Facts, rows: list[Row]) -> tuple[Arrays, list[Reject]]:
    """A parser's rows as columns of the right type; rows with a value that no column can hold are rejected."""
    try:
        return _columns(facts, rows), []
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
        sound, rejects = [], []
        for row in rows:
            try:
                _columns(facts, [row])
                sound.append(row)
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
                rejects.append(
                    Reject(0, facts.name, "A value in this row cannot be stored; correct it in the file.", _as_text(row))
                )
        return _columns(facts, sound), rejects


def checked(
    facts: Facts, columns: Arrays, as_of: datetime, original: Any = None, names: dict[str, str] | None = None
) -> tuple[Arrays, list[Reject]]:
    """The rows that may be stored, with text cleaned and clipped, and the others as rejects.

    `columns` may have an extra array ``line`` with each row's place in the file; `original` are the rows as they stood in it
    (else the reject file shows `columns`), `names` the file's names of columns. One pass over every column.
    """
    size = len(next(iter(columns.values())))
    bad = np.zeros(size, dtype=bool)
    reasons: dict[int, tuple[str, str]] = {}
    latest = int((as_of + timedelta(days=2)).timestamp()) * 1_000_000
    kept = dict(columns)
    for column in facts.received:
        values = kept.get(column.name)
        if values is None:
            kept[column.name] = pa.nulls(size, ARROW[column.kind])
            continue
        if column.kind == "text":
            values = kept[column.name] = _clean(values, column)
        for wrong, reason in _problems(column, values, latest):
            for at in np.flatnonzero(wrong & ~bad):
                reasons[int(at)] = (column.name, reason)
            bad |= wrong
    for group in facts.one_of:
        missing = np.logical_and.reduce([pc.is_null(kept[name]).to_numpy(zero_copy_only=False) for name in group])
        for at in np.flatnonzero(missing & ~bad):
            all_of_them = f"{', '.join(group[:-1])} and {group[-1]}"
            reasons[int(at)] = (group[1], f"{all_of_them} are missing; one of them is needed.")
        bad |= missing
    if not reasons:
        return kept, []
    reasons = {at: ((names or {}).get(name, name), reason) for at, (name, reason) in reasons.items()}
    rejects = _rejects(facts, columns, reasons) if original is None else rejects_of(original, columns["line"], reasons)
    mask = pa.array(~bad)
    return {name: values.filter(mask) for name, values in kept.items()}, rejects


def _columns(facts: Facts, rows: list[Row]) -> Arrays:
    values = zip(*rows, strict=True) if rows else ((),) * len(facts.received)
    return {
        column.name: pa.array(_json(each) if column.kind == "json" else each, ARROW[column.kind])
        for column, each in zip(facts.received, values, strict=True)
    }


def _json(values: tuple[Any, ...]) -> list[str | None]:
    import json

    return [None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values]


def _clean(values: Any, column: Column) -> Any:
    """Empty text is unknown, NUL is dropped (PostgreSQL cannot hold it), long text is clipped."""
    if pc.any(pc.match_substring(values, "\0")).as_py():
        values = pc.replace_substring(values, "\0", "")
    empty = pc.equal(values, "")
    if pc.any(empty).as_py():
        values = pc.if_else(empty, pa.scalar(None, pa.string()), values)
    if column.limit and not column.exact and (pc.max(pc.utf8_length(values)).as_py() or 0) > column.limit:
        values = pc.utf8_slice_codeunits(values, 0, column.limit)
    return values


def _problems(column: Column, values: Any, latest: int) -> list[tuple[NDArray[np.bool_], str]]:
    """What is wrong with a column, as masks with a reason each; masks without a row are left out."""
    found = []
    if column.required and values.null_count:
        found.append((pc.is_null(values), f"{column.name} is missing."))
    if column.exact and column.limit:
        long = pc.greater(pc.utf8_length(values), column.limit)
        found.append((long, f"{column.name} is longer than {column.limit} characters, so it cannot be an id."))
    if column.kind == "time":
        found.append((pc.less(values, EARLIEST), f"{column.name} lies before 1971, which is how many systems write 'no date'."))
        found.append(
            (pc.greater(values, latest), f"{column.name} lies in the future; check the date order and the clock of the source.")
        )
    if column.kind == "integer":
        least, most = column.least if column.least is not None else -LARGEST, column.most or LARGEST
        found.append((pc.less(values, least), f"{column.name} is smaller than it can be."))
        found.append((pc.greater(values, most), f"{column.name} is larger than it can be."))
    masks = (
        (pc.fill_null(mask, False).to_numpy(zero_copy_only=False), reason) for mask, reason in found if pc.any(mask).as_py()
    )
    return [(np.asarray(mask, dtype=bool), reason) for mask, reason in masks]


def _rejects(facts: Facts, columns: Arrays, reasons: dict[int, tuple[str, str]]) -> list[Reject]:
    lines = columns.get("line")
    rejects = []
    for at, (name, reason) in sorted(reasons.items()):
        row = tuple(columns[column.name][at].as_py() if column.name in columns else None for column in facts.received)
        rejects.append(Reject(lines[at].as_py() if lines is not None else 0, name, reason, _as_text(row)))
    return rejects


def rejects_of(original: Any, lines: Any, reasons: dict[int, tuple[str, str]]) -> list[Reject]:
    """Rejects for rows of a record batch: position -> (column, reason)."""
    return [
        Reject(lines[at].as_py(), name, reason, _as_text(tuple(column[at].as_py() for column in original.columns)))
        for at, (name, reason) in sorted(reasons.items())
    ]


def _as_text(row: Row) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(["" if value is None else value for value in row])
    return out.getvalue()
