"""When people buy: their own gaps, the seasons, and the days of the week or month that they like.

Gaps are drawn in 'ordinary days of trade' and bent into the calendar by the season tables, so that a December day holds
several ordinary days and a January day half of one; growing and declining people have their gaps bent once more.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quimbi.demo import temperaments as t
from quimbi.demo.almanac import Almanac

_TREND_STRENGTH = np.array([0.0, 1.9, -1.9])  # log of last against first pace, for stable, growing, declining


@dataclass(frozen=True)
class Timeline:
    """Orders sorted by buyer and time, shape (n_orders,): position of the buyer, local day, seconds since 1970 UTC."""

    buyer: NDArray[np.int64]
    day: NDArray[np.int64]
    placed_at: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.buyer)


def timeline(people: t.Temperaments, almanac: Almanac, dice: np.random.Generator) -> Timeline:
    """Every order of `people`, at least one each, none at or after the almanac's clock. Cost: 0.5 µs an order."""
    buyer, day = _by_chance(people, almanac, dice)
    day = _to_liked_days(people.of(buyer), day, almanac, dice)
    buyer, day = np.divmod(np.unique(buyer * len(almanac) + day), len(almanac))
    return with_hours(people, buyer, day, almanac, dice)


def _by_chance(
    people: t.Temperaments, almanac: Almanac, dice: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Buyer and local day of each order, before habits of week and month."""
    n = len(people)
    first_day = _first_days(people.seasons, almanac, dice)
    gone = first_day + dice.exponential(365 / people.lapses_a_year)
    begin = _trade_before(people.seasons, first_day, almanac)
    length = _trade_before(people.seasons, np.minimum(gone, len(almanac) - 1e-6), almanac) - begin

    expected = length / people.gap_days
    most = np.ceil(expected + 6 * np.sqrt(expected / people.regularity) + 4).astype(np.int64)
    buyer = np.repeat(np.arange(n), most)
    shape = people.regularity[buyer]
    gaps = dice.gamma(shape, people.gap_days[buyer] / shape)
    firsts = np.cumsum(most) - most
    gaps[firsts] = 0.0  # the first order is on the first day
    since_first = np.cumsum(gaps)
    since_first -= since_first[firsts][buyer]
    kept = since_first <= length[buyer]
    buyer, since_first = buyer[kept], since_first[kept]

    strength = (_TREND_STRENGTH[people.trend] + dice.normal(0, 0.25, n))[buyer]
    strength = np.where(np.abs(strength) < 1e-3, 1e-3, strength)
    share = since_first / np.maximum(length[buyer], 1e-9)
    share = np.log1p(share * np.expm1(strength)) / strength
    trade = begin[buyer] + share * length[buyer]
    day = np.empty(len(buyer))
    for season in range(len(almanac.season)):
        these = people.seasons[buyer] == season
        day[these] = np.interp(trade[these], almanac.season[season], np.arange(len(almanac) + 1))
    return buyer, np.clip(day.astype(np.int64), 0, almanac.last_day)


def _first_days(seasons: NDArray[np.int64], almanac: Almanac, dice: np.random.Generator) -> NDArray[np.float64]:
    """The day of each first order: newcomers at all times, more of them in season and as the shop grows."""
    growth = np.linspace(0.6, 1.3, len(almanac))
    day = np.empty(len(seasons))
    for season, trade in enumerate(almanac.season):
        these = seasons == season
        upto = np.concatenate([[0.0], np.cumsum(np.diff(trade) * growth)])
        day[these] = np.interp(dice.random(int(these.sum())) * upto[-1], upto, np.arange(len(upto)))
    return np.minimum(day, len(almanac) - 1e-6)


def _trade_before(seasons: NDArray[np.int64], day: NDArray[np.float64], almanac: Almanac) -> NDArray[np.float64]:
    whole = np.minimum(day.astype(np.int64), almanac.last_day)
    before, after = almanac.season[seasons, whole], almanac.season[seasons, whole + 1]
    return np.asarray(before + (after - before) * (day - whole))


def _to_liked_days(
    people: t.Temperaments, day: NDArray[np.int64], almanac: Almanac, dice: np.random.Generator
) -> NDArray[np.int64]:
    """Move orders to the days that their buyers like, mostly; `people` has one entry an order."""
    chance = dice.random(len(day))
    later = np.array([0, 0, 0, 1, 1, 2])[dice.integers(0, 6, len(day))]
    weekday = almanac.weekday[day]
    weekend = (people.timing == t.WEEKEND) & (chance < 0.86)
    payday = (people.timing == t.PAYDAY) & (chance < 0.82)
    routine = (people.timing == t.ROUTINE) & (chance < 0.85)
    waits = np.where(people.timing == t.ANY_DAY, 0.62, 0.22) * (people.price == t.DEALS) + 0.12 * (people.price == t.VALUE)
    liked = np.select(
        [
            dice.random(len(day)) < waits,
            weekend,
            payday,
            routine,
        ],
        [
            np.where(np.abs(almanac.nearest_sale[day] - day) <= 30, almanac.nearest_sale[day], day),
            np.where(weekday < 5, day + 5 - weekday + later % 2, day),
            almanac.nearest_payday[day] + later,
            day + (people.weekday - weekday + 3) % 7 - 3,
        ],
        day,
    )
    liked = np.where(liked > almanac.last_day, liked - 7, liked)
    return np.asarray(np.clip(liked, 0, almanac.last_day))


def with_hours(
    people: t.Temperaments, buyer: NDArray[np.int64], day: NDArray[np.int64], almanac: Almanac, dice: np.random.Generator
) -> Timeline:
    """Give each order an hour: studios in office hours, others mostly in the evening; now and then one order becomes two."""
    n = len(buyer)
    office = (people.basket[buyer] == t.BULK) | (dice.random(n) < 0.4)
    hour = np.where(office, dice.normal(12, 2.3, n), dice.normal(19.8, 1.7, n))
    hour = np.where(hour > 23.2, 46.4 - hour, np.where(hour < 6, 12 - hour, hour))  # folded back, so that no minute piles up
    second = (np.clip(hour, 6, 23.2) * 3600).astype(np.int64)
    twice = np.where(dice.random(n) < 0.017, 2, 1)
    buyer, day, placed_at = np.repeat(buyer, twice), np.repeat(day, twice), np.repeat(almanac.instant(day, second), twice)
    again = np.cumsum(twice)[twice == 2] - 1
    placed_at[again] += dice.integers(300, 2_700, len(again))
    late = placed_at >= almanac.as_of
    placed_at[late] = almanac.as_of - dice.integers(60, 12 * 3600, int(late.sum()))
    order = np.lexsort((placed_at, buyer))
    return Timeline(buyer[order], day[order], placed_at[order])
