"""Dates in cells, to whole microseconds since 1970 in UTC, and the order of day and month in a column.

"03/04/05" has three meanings. Which one holds is decided for a column, from values that allow only one, or asked for.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from customers.importing.values import MISSING, Bad, Parser

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = date(1990, 1, 1)
ORDERS = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}
SECOND = 1_000_000

_SPREADSHEET_ZERO = datetime(1899, 12, 30)
_NUMBERS = re.compile(r"([0-9]{1,4})([/.\-])\s?([0-9]{1,2})\2\s?([0-9]{1,4})(?:,?[T\s]\s*(.+))?")
_CLOCK = re.compile(
    r"([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2})(?:\.([0-9]{1,6}))?)?\s*([AaPp])?\.?[Mm]?\.?\s*(Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?"
)
_SERIAL = re.compile(r"[34567][0-9]{4}(?:[.,][0-9]+)?")
_OFFSET = re.compile(r".*[0-9]:[0-9]{2}\S*?\s?(?:[AaPp][Mm]\s?)?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})")
_TIME_OF_DAY = re.compile(r"(?:[0-9,t]\s+|T)[0-9]{1,2}[:.][0-9]{2}.*")
_MIDNIGHT = re.compile(r".*[T\s](?:00?[:.]00(?:[:.]00(?:\.0+)?)?|12[:.]00(?:[:.]00)?\s*[Aa]\.?[Mm]\.?)")
_WORDS = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?(?:([0-9]{1,2})\.?[\s\-]([A-Za-z]{3,9})|([A-Za-z]{3,9})\.?\s([0-9]{1,2})),?[\s\-]([0-9]{4})(?:,?\s+(?:at\s+)?(.+))?"
)
_LOOKS_LIKE_DATE = re.compile(
    r"\s*'?(?:[0-9]{1,4}[/.\-]\s?[0-9]|[0-9]{5}(?:[0-9]{3})?(?:[.,T\s]|$)|[A-Za-z]{0,9},?\s?[0-9]{1,2}\W|[0-9]{1,2}\s[A-Za-z])"
)
_MONTHS = {
    name: number
    for number, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}


def microseconds(moment: datetime) -> int:
    """An aware datetime as whole microseconds since 1970."""
    past = moment - EPOCH
    return (past.days * 86_400 + past.seconds) * SECOND + past.microseconds


def instant(order: str, zone: tzinfo | None, now: datetime, *, serial: bool = False) -> Parser:
    """A parser to microseconds since 1970 UTC; None for an empty cell.

    `order` (dmy, mdy, ymd or "") reads dates such as 3/4/2026, `zone` is that of times without an offset, `serial` reads bare
    numbers as a spreadsheet's days. Dates before 1990 and more than a day after `now` are refused.
    """
    latest = microseconds(now + timedelta(days=1))
    earliest = microseconds(datetime.combine(EARLIEST, time(), UTC))
    zones: tzinfo = zone or UTC

    def parse(cell: str) -> int | Bad | None:
        value = cell
        if len(value) == 25 and value[19] == " ":  # 2026-03-04 21:47:09 -0500
            value = value[:19] + value[20:]
        try:
            moment: datetime | Bad | None = datetime.fromisoformat(value) if value[4:5] == "-" else None
        except ValueError:
            moment = None
        if moment is None:
            word = cell.strip().removeprefix("'").strip()
            if word.lower() in MISSING:
                return None
            moment = _moment(word, order, serial)
        if isinstance(moment, Bad):
            return moment
        if moment.tzinfo is None:
            if zone is None:
                return Bad(f"is {cell.strip()[:40]!r} without an offset: say in which time zone")
            moment = moment.replace(tzinfo=zones)
        past = moment - EPOCH
        units = (past.days * 86_400 + past.seconds) * SECOND + past.microseconds
        if units > latest:
            return Bad(f"is {cell.strip()[:40]!r}, a date in the future", "in the future")
        if units < earliest:
            return Bad(f"is {cell.strip()[:40]!r}, a date before 1990", "before 1990")
        return units

    return parse


def _moment(word: str, order: str, serial: bool) -> datetime | Bad:
    wrong = Bad(f"is {word[:40]!r}, not a date")
    if _SERIAL.fullmatch(word):
        # Rounded to the second: a spreadsheet keeps times as fractions of a day.
        seconds = round(float(word.replace(",", ".")) * 86_400)
        return _SPREADSHEET_ZERO + timedelta(seconds=seconds) if serial else wrong
    try:
        if found := _NUMBERS.fullmatch(word):
            day = _day(found, order)
            return day if isinstance(day, Bad) else _with_clock(day, found[5]) or wrong
        return _in_words(word) or _iso(word) or wrong
    except (ValueError, OverflowError):
        return wrong


def _in_words(word: str) -> datetime | None:
    """ "4 March 2026", "Mar 4, 2026 at 9:15 pm"."""
    found = _WORDS.fullmatch(word)
    month = _MONTHS.get((found[2] or found[3])[:3].lower()) if found else None
    if not found or month is None:
        return None
    return _with_clock(date(int(found[5]), month, int(found[1] or found[4])), found[6])


def _iso(word: str) -> datetime | None:
    """ISO 8601 with what others put into it: a space before the offset, "UTC" or "GMT" in its place."""
    close = re.sub(r"\s+([+-][0-9]{2}:?[0-9]{2})$", r"\1", re.sub(r"\s*(?:UTC|GMT)$", "+00:00", word))
    return datetime.fromisoformat(close) if re.match(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}", close) else None


def _day(found: re.Match[str], order: str) -> date | Bad:
    first, separator, second, third = found[1], found[2], found[3], found[4]
    possible = _orders(first, separator, second, third)
    certain = len(possible) == 1 and (not order or len(first) == 4)
    chosen = order if order in possible else next(iter(possible)) if certain else ""
    if not chosen:
        if possible and not order:
            return Bad(f"is {found[0][:40]!r}, which could be two days: say whether the day or the month comes first")
        return Bad(
            f"is {found[0][:40]!r}, not a date with the {ORDERS[order]}" if order else f"is {found[0][:40]!r}, not a date"
        )
    parts = dict(zip(chosen, (first, second, third), strict=True))
    year = int(parts["y"])
    if len(parts["y"]) == 2:
        year += 1900 if year >= 70 else 2000
    return date(year, int(parts["m"]), int(parts["d"]))


def _orders(first: str, separator: str, second: str, third: str) -> set[str]:
    """The orders under which three numbers can be a date."""
    a, b, c = int(first), int(second), int(third)
    if len(first) == 4:
        return {"ymd"} if len(third) <= 2 and b <= 12 and c <= 31 else set()
    if len(first) == 3 or len(third) in (1, 3):
        return set()
    possible = set()
    if a <= 31 and b <= 12:
        possible.add("dmy")
    # Nobody writes 3.4.2026 with the month first; with slashes or hyphens both orders are in use.
    if a <= 12 and b <= 31 and not (separator == "." and len(third) == 4):
        possible.add("mdy")
    if len(third) == 2 and len(first) == 2 and b <= 12 and c <= 31:
        possible.add("ymd")
    return possible


def _with_clock(day: date, clock: str | None) -> datetime | None:
    """The day at the time that `clock` ("21:47", "9:15:00 pm", "10:00 +0200") tells; None if it tells none."""
    if not clock:
        return datetime.combine(day, time())
    found = _CLOCK.fullmatch(clock.strip())
    if not found:
        return None
    hour = int(found[1])
    if found[5]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[5] in "Pp" else 0)
    moment = datetime.combine(day, time(hour, int(found[2]), int(found[3] or 0), int((found[4] or "0").ljust(6, "0"))))
    if not found[6]:
        return moment
    offset = "+00:00" if found[6][0] not in "+-" else found[6]
    return datetime.fromisoformat(moment.isoformat() + offset)


def date_orders(cells: Iterable[str]) -> set[str] | None:
    """The orders under which every numeric date of a column is one; None if the column has no such dates.

    One order left: decided. Several: ambiguous. None left: the column contradicts itself.
    """
    possible: set[str] | None = None
    for cell in cells:
        found = _NUMBERS.fullmatch(cell.strip().removeprefix("'"))
        if found and len(found[1]) < 4:
            orders = _orders(found[1], found[2], found[3], found[4])
            if orders:  # a broken cell says nothing about the others
                possible = orders if possible is None else possible & orders
    return possible


def are_serial(cells: Iterable[str]) -> bool:
    """Whether a column holds a spreadsheet's day numbers: nine in ten of its cells at least."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return bool(filled) and sum(bool(_SERIAL.fullmatch(cell)) for cell in filled) >= 0.9 * len(filled)


def lack_offset(cells: Iterable[str]) -> bool:
    """Whether any date of a column is without an offset from UTC; cells that are no dates do not count."""
    return any(_LOOKS_LIKE_DATE.match(cell) and not _OFFSET.fullmatch(cell.strip()) for cell in cells)


def are_days(cells: Iterable[str]) -> bool:
    """Whether the dates of a column are days: none has an offset from UTC, or a time of day other than midnight."""
    return not any(_tells_a_time(cell.strip().removeprefix("'")) for cell in set(cells))


def _tells_a_time(cell: str) -> bool:
    if _SERIAL.fullmatch(cell):
        return bool(cell[5:].strip(".,0"))
    return bool(_OFFSET.fullmatch(cell) or (_TIME_OF_DAY.search(cell) and not _MIDNIGHT.fullmatch(cell)))
