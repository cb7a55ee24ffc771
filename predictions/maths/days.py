"""Days as the maths counts them: whole numbers since 1970-01-01, on the shop's calendar."""

from datetime import date

_EPOCH = date(1970, 1, 1).toordinal()


def number_of(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH


def date_of(number: int) -> date:
    """The inverse of `number_of`."""
    return date.fromordinal(number + _EPOCH)
