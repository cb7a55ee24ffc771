"""Cells of the six tables -> columns of the loader, a column at a time; what does not fit is told row by row."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.importing.causes import thing, unreadable
from customers.importing.guests import guest_id, told_apart
from customers.importing.soundness import Wrong
from customers.importing.table_columns import TableColumn
from customers.importing.values import Bad, currency
from customers.money import UNIT, to_units

_TRUE, _FALSE = {"true", "t", "yes", "y", "1"}, {"false", "f", "no", "n", "0"}
_CONSENTS = {
    "subscribed": "subscribed", "true": "subscribed", "yes": "subscribed", "1": "subscribed",
    "unsubscribed": "unsubscribed", "redacted": "unsubscribed", "pending": "pending",
    "unknown": "unknown", "not_subscribed": "unknown", "invalid": "unknown",
    "false": "unknown", "no": "unknown", "0": "unknown",
}  # fmt: skip
_HELP = {
    "time": "is not a time in ISO 8601; write it like 2026-05-04T13:30:00Z.",
    "money": "is not an amount; write it with a decimal point and nothing else, like 1234.50.",
    "whole": "is not a whole number.",
    "flag": "is neither true nor false.",
    "consent": "is not one of subscribed, unsubscribed, pending, unknown.",
    "currency": "is no currency; write its code, like USD.",
}
_STAMP = pa.timestamp("us", tz="UTC")


class Converted:
    """The columns of one batch so far, and what is `wrong` with its rows, by their positions; of a row the first thing."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.arrays: dict[str, Any] = {}
        self.wrong: dict[int, Wrong] = {}

    def fail(self, at: int, column: TableColumn, cell: str) -> None:
        """Note that this cell cannot be read."""
        reason = f"{cell[:40]!r} {_HELP[column.holds]}"
        self.wrong.setdefault(at, Wrong(column.name, reason, unreadable(thing(column.to, column.holds))))


def convert(converted: Converted, column: TableColumn, cells: Any) -> None:
    """Add `cells` (strings, NULL where empty) to `converted` as the column that they become."""
    if cells.null_count == len(cells):
        values = pa.nulls(len(cells), _TYPES[column.holds])
    elif column.holds in _FAST:
        try:
            values = _FAST[column.holds](cells)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            values = _one_by_one(converted, column, cells)
    elif column.holds == "text":
        values = pc.utf8_trim_whitespace(cells)
    else:
        values = _by_word(converted, column, cells)
    converted.arrays[column.to] = values


def hide_addresses(arrays: dict[str, Any], guest_key: str) -> None:
    """Give customers whose id is an e-mail address or an international number a guest's id, the same in all tables.

    It stays an id, which other tables name. The address goes to where addresses are, if there is no other.
    """
    ids = arrays["customer_id"]
    may_be = pc.or_(pc.match_substring(ids, "@"), pc.match_substring(ids, "+"))
    if not pc.any(may_be).as_py():
        return
    size = len(ids)
    given, nobody = ids.to_pylist(), [None] * size
    people = told_apart(given, nobody, nobody)
    arrays["customer_id"] = pa.array(
        [guest_id(email, phone, guest_key) if email or phone else known for known, email, phone in zip(*people, strict=True)],
        pa.string(),
    )
    for name, found in (("email", people.emails), ("phone", people.phones)):
        addresses = pa.array(found, pa.string())
        arrays[name] = pc.coalesce(arrays[name], addresses) if name in arrays else addresses


def derived_ids(arrays: dict[str, Any], name: str, *of: str, size: int) -> None:
    """Fill unknown ids with a hash of other columns, so that the same row has the same id next time."""
    ids = arrays.get(name, pa.nulls(size, pa.string()))
    if not ids.null_count:
        return
    parts = [arrays[column].to_pylist() if column in arrays else [None] * size for column in of]
    arrays[name] = pa.array(
        [
            known or "row_" + hashlib.blake2b(repr(values).encode(), digest_size=12).hexdigest()
            for known, values in zip(ids.to_pylist(), zip(*parts, strict=True), strict=True)
        ],
        pa.string(),
    )


def attributes(columns: dict[str, Any]) -> Any:
    """Extra columns as one JSON object a row, without the empty cells; NULL for a row that has none."""
    names = list(columns)
    rows = zip(*(values.to_pylist() for values in columns.values()), strict=True)
    objects = ({name: value for name, value in zip(names, row, strict=True) if value} for row in rows)
    return pa.array(
        [json.dumps(each, ensure_ascii=False, separators=(",", ":")) if each else None for each in objects], pa.string()
    )


def _times(cells: Any) -> Any:
    """Microseconds since 1970; all cells with an offset, or none."""
    try:
        stamps = cells.cast(_STAMP)
    except pa.ArrowInvalid:
        stamps = cells.cast(pa.timestamp("us"))
    return stamps.cast(pa.int64())


def _amounts(cells: Any) -> Any:
    """Ten-thousandths. The 128-bit decimals of 18 digits fit their lower half, which is read as it lies in memory."""
    decimals = cells.cast(pa.decimal128(18, 4))
    halves = np.frombuffer(decimals.buffers()[1], dtype=np.int64)[2 * decimals.offset :: 2][: len(decimals)]
    missing = pc.is_null(decimals).to_numpy(zero_copy_only=False) if decimals.null_count else None
    return pa.array(halves, mask=missing)


def _whole(cells: Any) -> Any:
    return cells.cast(pa.int64())


_FAST: dict[str, Callable[[Any], Any]] = {"time": _times, "money": _amounts, "whole": _whole}
_TYPES = {"time": pa.int64(), "money": pa.int64(), "whole": pa.int64(), "flag": pa.bool_(), "text": pa.string(),
          "consent": pa.string(), "list": pa.string(), "currency": pa.string()}  # fmt: skip


def _one_by_one(converted: Converted, column: TableColumn, cells: Any) -> Any:
    """The slow way, for a batch in which some cell is unusual or wrong."""
    read = {"time": _time, "money": _amount, "whole": _number}[column.holds]
    values: list[int | None] = []
    for at, cell in enumerate(cells.to_pylist()):
        try:
            values.append(None if cell is None or not cell.strip() else read(cell.strip()))
        except (ValueError, ArithmeticError):
            values.append(None)
            converted.fail(at, column, cell)
    return pa.array(values, pa.int64())


def _by_word(converted: Converted, column: TableColumn, cells: Any) -> Any:
    """Columns with few different words: each word is understood once."""
    encoded = cells.dictionary_encode()
    meanings: list[Any] = []
    wrong: list[int] = []
    for code, word in enumerate(encoded.dictionary.to_pylist()):
        meaning = _meaning(column, word)
        meanings.append(meaning)
        if meaning is None and word.strip():
            wrong.append(code)
    if wrong:
        mask = pc.is_in(encoded.indices, pa.array(wrong, pa.int32()))
        for at in np.flatnonzero(mask.to_numpy(zero_copy_only=False)):
            converted.fail(int(at), column, cells[int(at)].as_py())
    return pa.array(meanings, _TYPES[column.holds]).take(encoded.indices)


def _meaning(column: TableColumn, word: str) -> Any:
    if column.holds == "list":
        parts = [part.strip() for part in word.replace(",", ";").split(";")]
        return json.dumps([part for part in parts if part], ensure_ascii=False, separators=(",", ":"))
    if column.holds == "currency":
        code = currency(word)
        return None if isinstance(code, Bad) else code
    lowered = word.strip().lower().replace(" ", "_")
    if column.holds == "consent":
        return _CONSENTS.get(lowered)
    return True if lowered in _TRUE else False if lowered in _FALSE else None


def _time(cell: str) -> int:
    moment = datetime.fromisoformat(cell)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000 + moment.microsecond


def _amount(cell: str) -> int:
    try:
        amount = Decimal(cell)
    except InvalidOperation as problem:
        raise ValueError(cell) from problem
    if not amount.is_finite() or abs(amount) >= Decimal(2**63 // UNIT):
        raise ValueError(cell)
    return to_units(amount)


def _number(cell: str) -> int:
    amount = Decimal(cell)
    if amount != amount.to_integral_value() or abs(amount) >= 2**63:
        raise ValueError(cell)
    return int(amount)
