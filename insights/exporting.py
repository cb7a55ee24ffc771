"""Everybody as a file, written while it is sent: memory holds one batch, whatever the size of the shop."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from typing import Any

COLUMNS = (
    "customer_id", "tier", "archetype_id", "lifetime_value", "total_orders", "last_order_at", "churn_risk_score",
    "lapse_risk_score", "lapse_horizon_days", "value_at_risk", "predicted_value_180", "is_active",
)  # fmt: skip
CONTACT_COLUMNS = ("name", "email", "phone", "email_consent", "sms_consent")

Row = dict[str, Any]
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z", re.ASCII)
# What a spreadsheet takes for the beginning of a formula, in either width; blanks before it do not stop every one of them.
_FORMULA = re.compile(r"[ \0\u3000]*[=+\-@\t\r\n＝＋－＠]")


def csv_chunks(batches: Iterable[list[Row]], columns: tuple[str, ...]) -> Iterator[str]:
    """The header, then a piece of CSV for each batch that has rows; nulls are empty cells."""
    yield _csv_text([columns])
    for rows in batches:
        if rows:
            yield _csv_text([[cell(row[name]) for name in columns] for row in rows])


def ndjson_chunks(batches: Iterable[list[Row]]) -> Iterator[str]:
    """A piece of NDJSON for each batch that has rows; nulls with their reasons, as in the list."""
    for rows in batches:
        if rows:
            yield "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def cell(value: object) -> object:
    """A value as a cell that no spreadsheet takes for a formula: an apostrophe goes before what looks like one.

    Numbers are as they are, also those that came as text; nothing at all is an empty cell.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str) or _NUMBER.match(value):
        return value
    return f"'{value}" if _FORMULA.match(value) else value


def _csv_text(rows: Iterable[Iterable[object]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


FORMATS: dict[str, tuple[str, Callable[[Iterable[list[Row]], tuple[str, ...]], Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", csv_chunks),
    "ndjson": ("application/x-ndjson", lambda batches, columns: ndjson_chunks(batches)),
}
"""{format: (content type, what writes it)}."""
