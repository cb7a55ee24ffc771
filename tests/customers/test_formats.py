"""How pages write money, numbers, shares, dates and ages; expectations are written by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from customers import formats

NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("3420.5", "USD", "$3,420.50"),
        ("-4", "USD", "−$4.00"),
        ("1234", "JPY", "¥1,234"),
        ("0.5", "GBP", "£0.50"),
        ("1.234", "KWD", "KWD\xa01.234"),
        ("9", "XQQ", "XQQ\xa09.00"),
    ],
)
def test_money_has_the_minor_units_of_its_currency(amount: str, currency: str, written: str):
    assert formats.money(Decimal(amount), currency) == written


def test_totals_leave_the_minor_unit_out():
    assert formats.money_total(Decimal("1284610.49"), "USD") == "$1,284,610"


@pytest.mark.parametrize(
    ("share", "places", "written"),
    [
        (0, 0, "0%"),
        (0.0004, 0, "<1%"),
        (0.71, 0, "71%"),
        (0.9999, 0, ">99%"),
        (1, 0, "100%"),
        (0.0031, 2, "0.31%"),
        (0.00001, 2, "<0.01%"),
        (-0.02, 0, "−2%"),
    ],
)
def test_a_share_never_reads_as_nothing_or_everything_unless_it_is(share: float, places: int, written: str):
    assert formats.percent(share, places) == written


def test_a_date_names_the_year_only_if_it_is_not_this_one():
    assert formats.day(NOON, UTC, NOON) == "19 Nov"
    assert formats.day(NOON.replace(year=2025), UTC, NOON) == "19 Nov 2025"


def test_a_date_follows_the_zone_over_midnight_and_new_year():
    eve = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    berlin = ZoneInfo("Europe/Berlin")
    assert formats.day(eve, berlin, eve) == "1 Jan"
    assert formats.instant(eve, berlin) == "1 Jan 2027, 00:30"


@pytest.mark.parametrize(
    ("ago", "written"),
    [
        (timedelta(seconds=59), "under 1 min"),
        (timedelta(minutes=11), "11 min"),
        (timedelta(hours=47, minutes=59), "47 h"),
        (timedelta(hours=48), "2 days"),
        (timedelta(days=1500), "4 years"),
        (timedelta(days=-3), "under 1 min"),
    ],
)
def test_an_age_is_in_the_largest_unit_that_fits(ago: timedelta, written: str):
    assert formats.age(NOON - ago, NOON) == written


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 11, 26, 0, 1), "today"),
        (datetime(2026, 11, 27, 9), "today"),
        (datetime(2026, 11, 25, 23, 59), "yesterday"),
        (datetime(2026, 11, 24, 23), "2 days ago"),
        (datetime(2026, 11, 22, 20), "4 days ago"),
        (datetime(2024, 11, 28, 12), "728 days ago"),
        (datetime(2020, 12, 1, 12), "6 years ago"),
    ],
)
def test_days_ago_are_counted_by_the_calendar_of_the_shop(moment: datetime, written: str):
    zone = ZoneInfo("America/Chicago")
    now = datetime(2026, 11, 26, 0, 30, tzinfo=zone)
    assert formats.days_ago(formats.days_since(moment.replace(tzinfo=zone), zone, now)) == written


def test_the_same_instant_is_of_another_day_in_another_zone():
    moment, now = datetime(2026, 11, 25, 23, tzinfo=UTC), datetime(2026, 11, 26, 10, tzinfo=UTC)
    assert formats.days_since(moment, UTC, now) == 1
    assert formats.days_since(moment, ZoneInfo("Europe/Berlin"), now) == 0


@pytest.mark.parametrize(
    ("count", "written"), [(1, "1 day"), (61, "61 days"), (729, "729 days"), (730, "2 years"), (5463, "15 years")]
)
def test_a_span_is_in_days_and_from_two_years_on_in_years(count: int, written: str):
    assert formats.days(count) == written


@pytest.mark.parametrize(("seconds", "written"), [(0, "0 s"), (59.6, "1 min"), (100, "1 min 40 s"), (7500, "2 h 5 min")])
def test_a_duration_is_in_words(seconds: float, written: str):
    assert formats.duration(seconds) == written


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Marisol Whitcombe", "MW"), ("noah", "N"), ("a.b@example.com", "AE"), ("Ana de la Cruz", "AC"), ("<!>", "")],
)
def test_initials_are_first_and_last(name: str, letters: str):
    assert formats.initials(name) == letters
