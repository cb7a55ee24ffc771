from zoneinfo import ZoneInfo

import pytest

from customers.importing.dates import are_days, are_serial, date_orders, instant, lack_offset
from customers.importing.values import Bad
from tests.customers.importing.files import NOW, at

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("cell", "order", "wanted"),
    [
        ("2026-03-04 21:47:09 -0500", "", at(2026, 3, 5, 2, 47, 9)),
        ("2026-03-04T21:47:09-05:00", "", at(2026, 3, 5, 2, 47, 9)),
        ("2026-03-04T21:47:09Z", "", at(2026, 3, 4, 21, 47, 9)),
        ("2026-03-04 21:47:09 UTC", "", at(2026, 3, 4, 21, 47, 9)),
        ("2026-03-04 21:47", "", at(2026, 3, 4, 20, 47)),
        ("2026-07-04", "", at(2026, 7, 3, 22)),
        ("20260304", "", at(2026, 3, 3, 23)),
        ("02.03.2026", "", at(2026, 3, 1, 23)),
        ("02.03.2026 14:30", "", at(2026, 3, 2, 13, 30)),
        ("25/12/2025", "", at(2025, 12, 24, 23)),
        ("03/04/05", "dmy", at(2005, 4, 2, 22)),
        ("03/04/05", "mdy", at(2005, 3, 3, 23)),
        ("03/04/05", "ymd", at(2003, 4, 4, 22)),
        ("3/4/2026 9:15 PM", "mdy", at(2026, 3, 4, 20, 15)),
        ("3/4/2026 12:05 am", "mdy", at(2026, 3, 3, 23, 5)),
        ("2026/03/04", "dmy", at(2026, 3, 3, 23)),
        ("4 Mar 2026", "", at(2026, 3, 3, 23)),
        ("March 4, 2026 at 9:15 pm", "", at(2026, 3, 4, 20, 15)),
        ("'2026-03-04", "", at(2026, 3, 3, 23)),
        ("", "", None),
    ],
)
def test_a_date_is_an_instant(cell, order, wanted):
    assert instant(order, BERLIN, NOW)(cell) == wanted


@pytest.mark.parametrize(
    ("cell", "order", "reason"),
    [
        ("03/04/2026", "", "could be two days"),
        ("04/25/2026", "dmy", "not a date"),
        ("31.02.2026", "dmy", "not a date"),
        ("soon", "", "not a date"),
        ("44321", "", "not a date"),
        ("2026-13-01", "", "not a date"),
        ("2026-11-22", "", "in the future"),
        ("9999-12-31", "", "in the future"),
        ("1970-01-01", "", "before 1990"),
        ("0001-01-01", "", "before 1990"),
        ("3/4/2026 25:99", "mdy", "not a date"),
        ("2026-03-\x0004", "", "not a date"),
    ],
)
def test_a_date_that_cannot_be_one_is_refused_with_the_reason(cell, order, reason):
    found = instant(order, BERLIN, NOW)(cell)
    assert isinstance(found, Bad)
    assert reason in found.reason


def test_a_time_without_offset_needs_a_zone():
    assert isinstance(instant("", None, NOW)("2026-03-04 10:00"), Bad)
    assert instant("", None, NOW)("2026-03-04 10:00Z") == at(2026, 3, 4, 10)


def test_the_zone_knows_summer_time():
    parse = instant("", ZoneInfo("America/New_York"), NOW)
    assert parse("2026-03-07 12:00") == at(2026, 3, 7, 17)
    assert parse("2026-03-08 12:00") == at(2026, 3, 8, 16)


def test_a_spreadsheet_s_days_are_dates_where_the_column_has_them():
    assert instant("", ZoneInfo("UTC"), NOW, serial=True)("44256.5") == at(2021, 3, 1, 12)
    assert are_serial(["44256.5", "44257", ""])
    assert not are_serial(["44256", "2021-03-01"])


@pytest.mark.parametrize(
    ("cells", "orders"),
    [
        (["03/04/2026", "13/04/2026"], {"dmy"}),
        (["03/04/2026", "04/13/2026"], {"mdy"}),
        (["03/04/2026", "05/06/2026"], {"dmy", "mdy"}),
        (["13/04/2026", "04/13/2026"], set()),
        (["03/04/05"], {"dmy", "mdy", "ymd"}),
        (["03/04/05", "45/04/05"], {"ymd"}),
        (["02.03.2026"], {"dmy"}),
        (["2026-03-04"], None),
        (["broken", ""], None),
    ],
)
def test_one_value_decides_the_order_of_a_column(cells, orders):
    assert date_orders(cells) == orders


@pytest.mark.parametrize(
    ("cell", "lacks"),
    [
        ("2026-03-02", True),
        ("02-03-2026", True),
        ("2026-03-02 10:00", True),
        ("2026-03-02T10:00Z", False),
        ("2026-03-02 10:00:00 -0500", False),
        ("", False),
    ],
)
def test_an_offset_is_seen(cell, lacks):
    assert lack_offset([cell]) is lacks


@pytest.mark.parametrize(
    "cell",
    [
        "3.04.26", "3. 4.26", "03/04/2026", "2026-03-04", "2026-03-04 00:00:00", "2026-03-04T00:00", "3/4/2026 12:00:00 AM",
        "Mar 4, 2026", "4 March 2026", "45000", "45000.0", "20260304", "", "'2026-03-04",
    ],
)  # fmt: skip
def test_a_date_without_a_time_of_day_is_a_day(cell):
    assert are_days([cell])


@pytest.mark.parametrize(
    "cell",
    [
        "03/04/2026 10:15", "2026-03-04T00:00Z", "2026-03-04T10:00", "Mar 4, 2026 at 9:15 pm", "45000.5", "3/4/2026 12:00 PM",
        "3/4/2026 9.15", "2026-03-01 10:00:00 +0000", "2026-03-04 00:00:01",
    ],
)  # fmt: skip
def test_one_time_of_day_makes_a_column_one_of_times(cell):
    assert not are_days(["2026-03-04", cell])
