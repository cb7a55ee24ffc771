"""Cells to values: text, ids, addresses, yes and no, whole numbers. Dates and money have files of their own.

A parser takes the text of a cell and returns the value, None for an empty cell, or `Bad` with the reason. It never raises.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from babel.numbers import list_currencies

MISSING = frozenset({"", "-", "nan", "null", "none", "n/a", "na", "#n/a", "undefined", "nat"})
CURRENCIES = frozenset(list_currencies()) - {"XXX", "XTS"}
LARGEST_QUANTITY = 2**31 - 1

_LOSSY_ID = re.compile(r"[0-9][.,]?[0-9]*[eE]\+[0-9]+")
_WHOLE_AS_FLOAT = re.compile(r"([0-9]+)\.0+")
_GUARDED = re.compile(r"'[-=+@0-9\t]")
_YES_NO = {
    **dict.fromkeys(("yes", "y", "true", "t", "1", "ja", "oui", "si", "sí", "x"), True),
    **dict.fromkeys(("no", "n", "false", "f", "0", "nein", "non"), False),
}


@dataclass(frozen=True, slots=True)
class Bad:
    """A cell that could not be read; `reason` completes the sentence that begins with the column's name.

    `cause` completes "an order id …" and is the same for many cells, so that they can be counted.
    """

    reason: str
    cause: str = field(default="that cannot be read", compare=False)


Parser = Callable[[str], Any]


class Cached(dict[str, Any]):
    """A parser that remembers: columns repeat themselves, and looking a text up is ten times faster than reading it again.

    Holds at most `limit` texts and then starts afresh, so memory stays flat.
    """

    def __init__(self, parse: Parser, limit: int = 20_000) -> None:
        super().__init__()
        self.parse = parse
        self.limit = limit

    def __missing__(self, text: str) -> Any:
        value = self.parse(text)
        if len(self) >= self.limit:
            self.clear()
        self[text] = value
        return value

    def column(self, texts: Iterable[str]) -> list[Any]:
        """The values of a whole column."""
        return list(map(self.__getitem__, texts))


def text(longest: int) -> Parser:
    """Trimmed text without control characters, clipped to `longest`; line breaks and tabs become spaces."""

    def parse(cell: str) -> str | Bad:
        if not cell.isprintable():
            cell = cell.translate(_CONTROLS)
            if _SURROGATE.search(cell):
                return Bad("is not readable in this encoding: say which encoding the file has")
        cell = cell.strip()
        if _GUARDED.match(cell):
            cell = cell[1:]
        return cell[:longest]

    return parse


# Controls go; those that part words become a space. What decoding could not read stands as a lone surrogate.
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160))) | dict.fromkeys((9, 10, 11, 12, 13, 0x85, 0x2028, 0x2029), " ")
_SURROGATE = re.compile("[\ud800-\udfff]")
_clean_id = text(10_000)


def identifier(longest: int = 64) -> Parser:
    """An id as text: one leading apostrophe and a spreadsheet's ".0" are taken off, "nan" and the like are empty.

    An id in scientific notation has lost its last digits and is refused, not repaired.
    """

    def parse(cell: str) -> str | Bad:
        if "\0" in cell:
            return Bad("holds a NUL character: export the file again")
        value = _clean_id(cell)
        if isinstance(value, Bad):
            return value
        if _LOSSY_ID.fullmatch(value):
            return Bad(
                f"was shortened to {value} by a spreadsheet and its last digits are lost: "
                "export again and do not open the file in a spreadsheet",
                "that a spreadsheet has shortened",
            )
        if len(value) > longest:
            return Bad(f"is longer than {longest} characters")
        if value.lower() in MISSING:
            return ""
        whole = _WHOLE_AS_FLOAT.fullmatch(value)
        return whole[1] if whole else value

    return parse


def email(cell: str) -> str:
    """The address, or "" for what is none (also when it is longer than addresses may be)."""
    value = _clean_id(cell)
    if isinstance(value, Bad) or not 3 <= len(value) <= 254 or " " in value:
        return ""
    mailbox, _, domain = value.rpartition("@")
    return value if mailbox and domain else ""


def phone(cell: str) -> str:
    """The number as it was written, or "" for what has fewer than five digits or was shortened by a spreadsheet."""
    value = _clean_id(cell)
    if isinstance(value, Bad) or len(value) > 40 or _LOSSY_ID.fullmatch(value):
        return ""
    return value if sum(c.isdecimal() for c in value) >= 5 else ""


_id = identifier()


def customer(cell: str) -> str | Bad:
    """An id, or in its place an e-mail address, which may be longer (`guests.told_apart` tells which it is)."""
    return ("@" in cell and email(cell)) or _id(cell)


def yes_no(cell: str) -> bool | Bad | None:
    """True, False, or None for an empty cell."""
    word = cell.strip().lower()
    if word in MISSING:
        return None
    answer = _YES_NO.get(word)
    return Bad(f"is {cell.strip()[:40]!r}, neither yes nor no") if answer is None else answer


_CONSENT = {
    "not_subscribed": "unknown",
    "never_subscribed": "unknown",
    "redacted": "unsubscribed",
    "invalid": "unsubscribed",
    "opted_out": "unsubscribed",
    "opted_in": "subscribed",
}


def consent(cell: str) -> str | Bad | None:
    """A word of `customers.models.Consent`, or None for an empty cell.

    "no" is "unknown": it does not tell a withdrawn consent from one that was never asked for.
    """
    word = cell.strip().lower().replace(" ", "_")
    if word in ("subscribed", "unsubscribed", "pending", "unknown"):
        return word
    if word in MISSING or word in _CONSENT:
        return _CONSENT.get(word)
    answer = _YES_NO.get(word)
    if answer is None:
        return Bad(f"is {cell.strip()[:40]!r}, which says neither yes nor no")
    return "subscribed" if answer else "unknown"


def whole_number(cell: str) -> int | Bad | None:
    """A whole number ("3", "3.0", "-2"), or None for an empty cell."""
    try:
        number = int(cell)
    except ValueError:
        word = cell.strip()
        if word.lower() in MISSING:
            return None
        whole = re.fullmatch(r"([+-]?[0-9]{1,12})[.,]0*", word)
        if not whole:
            return Bad(f"is {word[:40]!r}, not a whole number")
        number = int(whole[1])
    return number if abs(number) <= LARGEST_QUANTITY else Bad("is too large")


def currency(cell: str) -> str | Bad | None:
    """A currency code in capitals, or None for an empty cell. A lone € or £ is understood, a lone $ is not."""
    code = {"€": "EUR", "£": "GBP"}.get(cell.strip(), cell.strip().upper())
    if code.lower() in MISSING:
        return None
    return code if code in CURRENCIES else Bad(f"is {cell.strip()[:40]!r}, which is no currency code like USD")


def tags(cell: str) -> list[str] | None:
    """The tags of a comma list, each once and in its order; None for an empty cell."""
    value = _clean_id(cell)
    if isinstance(value, Bad) or not value:
        return None
    return list(dict.fromkeys(tag.strip()[:120] for tag in value.split(",") if tag.strip()))[:250]


def normalised(name: str) -> str:
    """How column names are compared: lower case, letters and digits only, without accents ("Numéro" is `numero`)."""
    plain = name.lower()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain)
    return "".join(c for c in plain if c.isalnum())
