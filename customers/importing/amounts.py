"""Money in cells, to whole ten-thousandths (`customers.money`), and which sign marks the decimals in a column.

"1,234" is a thousand in one country and little more than one in another. The sign is decided for a column, from its own
values, or asked for; a value that does not fit the decision is refused.
"""

import re
from collections.abc import Iterable
from decimal import Decimal

from customers.importing.values import CURRENCIES, MISSING, Bad, Parser
from customers.money import PLACES, UNIT, to_units

LARGEST = 10**12 * UNIT
IN_ANOTHER_CURRENCY = "in another currency"

_PLAIN = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,4})?")
_UNSIGNED = re.compile(r"[0-9]+([.,][0-9]+)*")
_DIGITS = re.compile(r"[0-9][0-9.,]*|[.,][0-9]+")
_GROUPED = {
    ".": re.compile(r"([0-9]+|[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3})?(\.[0-9]*)?"),
    ",": re.compile(r"([0-9]+|[0-9]{1,3}(\.[0-9]{3})+)?(,[0-9]*)?"),
}
_SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₪": "ILS", "₴": "UAH", "₺": "TRY", "₽": "RUB", "₫": "VND", "฿": "THB",
    "zł": "PLN", "Kč": "CZK", "R$": "BRL", "US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD",
}  # fmt: skip
_SHARED_SIGNS = {"$", "¥", "kr", "kr.", "Fr.", "fr.", "R"}
_SPACES = re.compile(r"[\s'’\u00a0\u202f_]+")
_AROUND = re.compile(r"(?P<before>[^0-9.,\-−(]*)(?P<number>[-−(]?.*?[0-9.,]\)?-?)(?P<after>[^0-9.,)\-]*)")


def money(decimal_mark: str, currency: str = "") -> Parser:
    """A parser to whole ten-thousandths; None for an empty cell.

    `decimal_mark` is "." or ",", or "" where the column showed none: then a value that could mean two things is refused.
    Brackets and a trailing minus make an amount negative. A sign of another currency than `currency` is refused.
    """

    def parse(cell: str) -> int | Bad | None:
        if decimal_mark != "," and _PLAIN.fullmatch(cell):  # nearly every cell of nearly every file
            whole, _, part = cell.partition(".")
            if decimal_mark or len(part) != 3:
                units = int(whole) * UNIT
                rest = int(part.ljust(PLACES, "0")) if part else 0
                return units - rest if cell[0] == "-" else units + rest
        word = cell.strip().removeprefix("'").strip()
        return None if word.lower() in MISSING else _units(word, decimal_mark, currency)

    return parse


def _units(word: str, decimal_mark: str, currency: str) -> int | Bad:
    taken = _split(word)
    if taken is None:
        return Bad(f"is {word[:40]!r}, not an amount")
    negative, digits, sign = taken
    mark = decimal_mark or _mark_of(digits)
    if sign and currency and sign != currency:
        return Bad(f"is {word[:40]!r}, but the file's currency is {currency}", IN_ANOTHER_CURRENCY)
    if mark == "?":
        return Bad(f"is {word[:40]!r}, which could mean two amounts: say whether a point or a comma marks the decimals")
    if not _GROUPED[mark or "."].fullmatch(digits) or len(digits) > 30:
        return Bad(f"is {word[:40]!r}, not an amount with a decimal {'comma' if mark == ',' else 'point'}")
    number = Decimal(digits.replace("." if mark == "," else ",", "").replace(",", ".") or "0")
    if number * UNIT > LARGEST:
        return Bad(f"is {word[:40]!r}, more than any order can be worth")
    return -to_units(number) if negative else to_units(number)


def _split(word: str) -> tuple[bool, str, str] | None:
    """(negative, digits with their marks, currency code or "") of an amount; None if it is none."""
    found = _AROUND.fullmatch(word)
    if found is None:
        return None
    number = _SPACES.sub("", found["number"])
    negative = False
    before = found["before"].strip()
    if before[-1:] in ("-", "−"):
        before, negative = before[:-1].strip(), True
    if number[:1] == "(" and number[-1:] == ")":
        number, negative = number[1:-1], True
    elif number[:1] in ("-", "−"):
        number, negative = number[1:], True
    elif number[-1:] == "-" and number[-2:-1].isdigit():
        number, negative = number[:-1], True
    sign = ""
    inner = re.fullmatch(r"([^0-9.,]*)([0-9.,]+)([^0-9.,]*)", number)
    for word_ in (before, found["after"].strip(), *((inner[1], inner[3]) if inner else ())):
        if not word_ or word_ in _SHARED_SIGNS or word_ == "+":
            continue
        code = _SIGNS.get(word_, word_.upper())
        if code not in CURRENCIES:
            return None
        sign = code
    if inner is None or not _DIGITS.fullmatch(inner[2]) or not any(c.isdigit() for c in inner[2]):
        return None
    return negative, inner[2], sign


def _mark_of(digits: str) -> str:
    """The decimal mark that `digits` proves: ".", ",", "" (it has none) or "?" (cannot be told)."""
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        return max(".,", key=digits.rfind)
    if not points and not commas:
        return ""
    mark = "." if points else ","
    other = "," if points else "."
    if points + commas > 1:
        return other
    whole, _, part = digits.partition(mark)
    return "?" if len(part) == 3 and 1 <= len(whole) <= 3 and whole != "0" else mark


def decimal_marks(cells: Iterable[str]) -> set[str]:
    """What the values of a column say: a subset of {".", ",", "?"}; "?" for values that could be read either way."""
    marks = set()
    for cell in set(cells):
        if _UNSIGNED.fullmatch(cell):
            marks.add(_mark_of(cell))
            continue
        taken = _split(cell.strip().removeprefix("'").strip()) if cell else None
        if taken:
            marks.add(_mark_of(taken[1]))
    return marks - {""}


def currency_signs(cells: Iterable[str]) -> set[str]:
    """The currencies that the amounts of a column name by a sign or a code that only one currency has."""
    found = (_split(cell.strip()) for cell in set(cells) if cell and not _UNSIGNED.fullmatch(cell))
    return {taken[2] for taken in found if taken and taken[2]}
