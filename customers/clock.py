"""The moment at which behaviour is judged, and the one place where tasks and commands read the wall clock.

A shop that sells is judged as of now. A file of old orders is judged as of its last day: seen from today everybody in it would
be a veteran who has gone quiet, which is true and useless. Whoever shows figures says which moment they are of.
"""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from accounts.models import Shop
from customers.models import Order

# No order for so long: this is a history and not a going shop.
STILL_SELLING = timedelta(days=90)


def clock(now: datetime | None = None) -> datetime:
    """`now`, or the end of the newest valid order's local day if that is over 90 days ago; one query."""
    now = now or timezone.now()
    newest = Order.objects.valid().filter(placed_at__lte=now).order_by("-placed_at").values_list("placed_at", flat=True).first()
    if newest is None or now - newest <= STILL_SELLING:
        return now
    return _end_of(newest.astimezone(Shop.current().zone).date())


def add_as_of(parser: CommandParser) -> None:
    """Let a command be run for a moment of the past."""
    parser.add_argument("--as-of", metavar="DATE", help="ignore everything after the end of this day (or this instant)")


def as_of_from(options: dict[str, Any]) -> datetime:
    """The moment that was asked for; `clock()` without one. A date means its end in the shop's zone.

    Raises `CommandError` with an example for what is no date.
    """
    text = options.get("as_of")
    if not text:
        return clock()
    try:
        instant = parse_datetime(text) if len(text) > len("2026-01-31") else None
        day = parse_date(text)
    except ValueError:
        instant = day = None
    if instant is not None:
        return instant if timezone.is_aware(instant) else instant.replace(tzinfo=Shop.current().zone)
    if day is None:
        raise CommandError(f"{text!r} is not a date; write one like 2026-01-31.")
    return _end_of(day)


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), Shop.current().zone)
