"""The usual gap between purchases."""

from datetime import date, timedelta

import pytest

from customers.rhythm import gap_of

FIRST = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("days", "gap"),
    [
        ([], None),
        ([0], None),
        ([0, 24], None),
        ([0, 0, 0, 24], None),  # three orders on one day are one purchase
        ([0, 24, 48], 24),
        ([48, 0, 24], 24),
        ([0, 10, 20, 120], 10),
    ],
)
def test_the_usual_gap_is_the_median_between_purchases(days: list[int], gap: int | None):
    assert gap_of([FIRST + timedelta(days=day) for day in days]) == gap


def test_only_the_last_purchases_count():
    slow, fast = [FIRST + timedelta(days=100 * n) for n in range(30)], []
    fast = [slow[-1] + timedelta(days=7 * n) for n in range(1, 24)]
    assert gap_of(slow + fast) == 7
