"""The loader's own look at what a parser hands over: nothing may reach the database that it would refuse, or that would lie.

Parsers reject what is wrong in their file's own words; what is caught here is the same for every source.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from customers.importing.causes import thing, without
from customers.importing.facts import Arrays, Column, Facts
from customers.importing.records import Reject, Row
from customers.importing.rows import as_text

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


class Wrong(NamedTuple):
    """What is wrong with a row: the file's name of the column, a sentence, and the cause in words that many rows share."""

    column: str
    reason: str
    cause: str


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
    wrongs: dict[int, Wrong] = {}
    called = names or {}
    latest = int((as_of + timedelta(days=2)).timestamp()) * 1_000_000
    kept = dict(columns)
    for column in facts.received:
        values = kept.get(column.name)
        if values is None:
            kept[column.name] = pa.nulls(size, ARROW[column.kind])
            continue
        if column.kind == "text":
            values = kept[column.name] = _clean(values, column)
        for mask, wrong in _problems(column, called.get(column.name, column.name), values, latest):
            wrongs |= dict.fromkeys(np.flatnonzero(mask & ~bad).tolist(), wrong)
            bad |= mask
    for group in facts.one_of:
        mask = np.logical_and.reduce([pc.is_null(kept[name]).to_numpy(zero_copy_only=False) for name in group])
        asked_for = [called.get(name, name) for name in group if name in columns] or list(group)
        wrongs |= dict.fromkeys(np.flatnonzero(mask & ~bad).tolist(), _none_of(asked_for))
        bad |= mask
    if not wrongs:
        return kept, []
    rejects = _rejects(facts, columns, wrongs) if original is None else rejects_of(original, columns["line"], wrongs)
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


def _none_of(names: list[str]) -> Wrong:
    """None of these columns has a value, and one of them must."""
    things = [thing(name, "") for name in names]
    if len(names) == 1:
        return Wrong(names[0], f"{names[0]} is empty.", without(things[0]))
    cause = without(f"{', '.join(things[:-1])} or {things[-1]}")
    return Wrong(names[0], f"{', '.join(names[:-1])} and {names[-1]} are empty; one of them is needed.", cause)


def _problems(column: Column, name: str, values: Any, latest: int) -> list[tuple[NDArray[np.bool_], Wrong]]:
    """What is wrong with a column that the file calls `name`, as masks of rows; masks without a row are left out."""
    a = thing(column.name, "date" if column.kind == "time" else column.kind)
    found: list[tuple[Any, str, str]] = []
    if column.required and values.null_count:
        found.append((pc.is_null(values), "is empty.", without(a)))
    if column.exact and column.limit:
        long = pc.greater(pc.utf8_length(values), column.limit)
        found.append((long, f"is longer than {column.limit} characters, so it cannot be an id.", f"with {a} that is too long"))
    if column.kind == "time":
        no_date = "lies before 1971, which is how many systems write 'no date'."
        found.append((pc.less(values, EARLIEST), no_date, f"with {a} before 1971"))
        ahead = "lies in the future; check the date order and the clock of the source."
        found.append((pc.greater(values, latest), ahead, f"with {a} in the future"))
    if column.kind == "integer":
        least, most = column.least if column.least is not None else -LARGEST, column.most or LARGEST
        found.append((pc.less(values, least), "is smaller than it can be.", f"with {a} that is too small"))
        found.append((pc.greater(values, most), "is larger than it can be.", f"with {a} that is too large"))
    return [
        (np.asarray(pc.fill_null(mask, False).to_numpy(zero_copy_only=False), dtype=bool), Wrong(name, f"{name} {told}", cause))
        for mask, told, cause in found
        if pc.any(mask).as_py()
    ]


def _rejects(facts: Facts, columns: Arrays, wrongs: dict[int, Wrong]) -> list[Reject]:
    lines = columns.get("line")
    rejects = []
    for at, wrong in sorted(wrongs.items()):
        row = tuple(columns[column.name][at].as_py() if column.name in columns else None for column in facts.received)
        rejects.append(
            Reject(lines[at].as_py() if lines is not None else 0, wrong.column, wrong.reason, _as_text(row), cause=wrong.cause)
        )
    return rejects


def rejects_of(original: Any, lines: Any, wrongs: dict[int, Wrong]) -> list[Reject]:
    """Rejects for rows of a record batch, by their positions."""
    return [
        Reject(
            lines[at].as_py(),
            wrong.column,
            wrong.reason,
            _as_text(tuple(column[at].as_py() for column in original.columns)),
            cause=wrong.cause,
        )
        for at, wrong in sorted(wrongs.items())
    ]


def _as_text(row: Row) -> str:
    return as_text(["" if value is None else str(value) for value in row], ",")
