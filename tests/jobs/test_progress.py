from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jobs.progress import Pace, log_lines, stamped, time_left


def test_a_steady_pace_tells_the_exact_time_left():
    pace = Pace(at=100.0)
    for second in range(1, 11):
        pace.observe(100.0 + second, second / 100)
    assert pace.seconds_left() == 90


def test_the_time_left_is_unknown_at_first_and_when_nothing_moves():
    pace = Pace(at=0.0)
    pace.observe(1.0, 0.5)
    assert pace.seconds_left() is None
    still = Pace(at=0.0, share=0.3)
    still.observe(60.0, 0.3)
    assert still.seconds_left() is None


def test_the_second_report_of_a_small_import_knows_the_time_left():
    pace = Pace(at=0.0)
    pace.observe(1.0, 0.07)
    pace.observe(2.0, 0.22)
    assert pace.seconds_left() == 7


def test_a_slower_stretch_outweighs_an_old_fast_one():
    pace = Pace(at=0.0)
    pace.observe(10.0, 0.5)
    fast = pace.seconds_left()
    for second in range(11, 211):
        pace.observe(float(second), 0.5 + (second - 10) * 0.001)
    slow = pace.seconds_left()
    assert fast == 10
    assert 280 < slow <= 300  # 0.3 left at 0.001 a second, the fast start all but forgotten


def test_a_share_that_falls_begins_anew():
    pace = Pace(at=0.0)
    pace.observe(10.0, 0.9)
    pace.observe(11.0, 0.1)
    assert pace.seconds_left() is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "a few seconds left"),
        (12, "about 15 s left"),
        (60, "about 1 min left"),
        (97, "about 1 min 40 s left"),
        (599, "about 10 min left"),
        (1500, "about 25 min left"),
        (5400, "about 1 h 30 min left"),
        (7200, "about 2 h left"),
    ],
)
def test_the_time_left_in_words(seconds, words):
    assert time_left(seconds) == words


def test_log_lines_show_the_shops_time_of_day_and_their_level():
    log = "\n".join(
        [
            stamped(datetime(2026, 11, 19, 9, 20, 2, tzinfo=UTC), "read\n orders.csv"),
            "no stamp",
            "2026-11-19T09:21:00Z warning: 3 rows",
        ]
    )
    first, odd, warning = log_lines(log, ZoneInfo("Asia/Kathmandu"))
    assert (first.time, first.text, first.level) == ("15:05:02", "read orders.csv", "")
    assert (odd.time, odd.text) == ("", "no stamp")
    assert warning.level == "warning"
