"""The shop's days: seasons, weekdays, paydays, sale days and the hours by which local time differs from UTC.

Days are whole numbers from 0, the day the shop opened, to the last local day that has begun before the clock `as_of`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

TIME_ZONE = "America/Chicago"
YEARS = 6
# The shop's sale days, as month, first and last day. The Thursday-to-Monday around the fourth Friday of November comes on top.
_SALES = ((1, 20, 23), (3, 10, 13), (4, 24, 26), (6, 5, 8), (7, 24, 27), (9, 9, 12), (10, 20, 22), (12, 26, 29))


@dataclass(frozen=True)
class Almanac:
    """Tables by day, of shape (n_days,), and `season`, of shape (4, n_days + 1).

    `season[s, d]` is how many ordinary days of trade lie before day d for people of season class s (see `temperaments`).
    """

    as_of: int  # seconds since 1970 UTC
    opening: int  # days since 1970-01-01
    utc_offset: NDArray[np.int64]  # seconds to add to UTC to get local time, at noon
    weekday: NDArray[np.int64]  # Monday is 0
    is_sale: NDArray[np.bool_]
    nearest_sale: NDArray[np.int64]
    nearest_payday: NDArray[np.int64]
    season: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.weekday)

    @property
    def last_day(self) -> int:
        """The last day that has begun."""
        return len(self) - 1

    def instant(self, day: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
        """Seconds since 1970 UTC of a local day and the second of that day (after three in the morning: no clock change)."""
        return (self.opening + day) * 86_400 + second - self.utc_offset[day]

    def year(self, day: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which year of the shop a day lies in, from 0 to YEARS - 1."""
        return np.minimum(day * YEARS // len(self), YEARS - 1)


def midnight(as_of: datetime) -> datetime:
    """The last midnight UTC at or before `as_of`: where the demo's history ends."""
    return as_of.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def almanac(as_of: datetime) -> Almanac:
    """The almanac of the `YEARS` years before the midnight of `as_of`."""
    zone = ZoneInfo(TIME_ZONE)
    end = midnight(as_of)
    last = (end - timedelta(seconds=1)).astimezone(zone).date()
    dates = [last - timedelta(days=back) for back in reversed(range(365 * YEARS))]
    offsets = [datetime.combine(day, time(12), zone).utcoffset() or timedelta() for day in dates]
    is_sale = np.array([_is_sale(day) for day in dates])
    is_payday = np.array([day.day in (1, 15) for day in dates])
    return Almanac(
        as_of=int(end.timestamp()),
        opening=(dates[0] - date(1970, 1, 1)).days,
        utc_offset=np.array([int(offset.total_seconds()) for offset in offsets]),
        weekday=np.array([day.weekday() for day in dates]),
        is_sale=is_sale,
        nearest_sale=_nearest(is_sale),
        nearest_payday=_nearest(is_payday),
        season=_seasons(np.array([day.timetuple().tm_yday for day in dates], dtype=float)),
    )


def _is_sale(day: date) -> bool:
    first_november = date(day.year, 11, 1)
    fourth_friday = first_november + timedelta(days=(4 - first_november.weekday()) % 7 + 21)
    return -1 <= (day - fourth_friday).days <= 3 or any(
        month == day.month and first <= day.day <= last for month, first, last in _SALES
    )


def _nearest(marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each day, the marked day that is nearest."""
    days, these = np.arange(len(marked)), np.flatnonzero(marked)
    after = np.clip(np.searchsorted(these, days), 1, len(these) - 1)
    before = these[after - 1]
    return np.where(days - before <= these[after] - days, before, these[after])


def _seasons(day_of_year: NDArray[np.float64]) -> NDArray[np.float64]:
    """Running totals of trade for steady, mildly seasonal, strongly seasonal and December people; one a day on average."""

    def hill(middle: float, width: float) -> NDArray[np.float64]:
        away = np.abs(day_of_year - middle)
        return np.asarray(np.exp(-((np.minimum(away, 365 - away) / width) ** 2)))

    autumn, before_christmas, january, summer = hill(282, 40), hill(340, 17), hill(12, 14), hill(195, 35)
    year = 0.5 * autumn + 1.3 * before_christmas - 0.4 * january - 0.2 * summer
    trade = np.array([1 + 0.25 * year, 1 + 0.7 * year, np.maximum(0.12, 0.6 + 2.2 * year), 0.01 + before_christmas])
    trade /= trade.mean(axis=1, keepdims=True)
    return np.concatenate([np.zeros((len(trade), 1)), np.cumsum(trade, axis=1)], axis=1)
