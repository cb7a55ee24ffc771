"""What each month to come brings: the averages of the last months, or the same months a year before.

Which of them is decided by trying all on the shop's own past: whichever came nearest to what then happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import log
from statistics import fmean

from predictions.maths.growth import Month, months_on

LEAST_MONTHS = 3
WINDOWS = (12, 6, 3)
"""Months whose average may be the pace of the next; of equals the longest wins."""
SEASON = 12
COMPARED_MONTHS = 6
"""Paces are compared by their past errors up to so many months ahead."""
TESTED_MONTHS = 12


@dataclass(frozen=True)
class Pace:
    """What each month to come brings: rates 0 to 1, newcomers in customers."""

    churn_rate: Sequence[float]
    newcomers: Sequence[float]
    return_rate: Sequence[float]


@dataclass(frozen=True)
class Step:
    """One month of a walk, in parts of customers: how many are active at its end, and who came and went."""

    customers: float
    newcomers: float
    returns: float
    lapses: float


@dataclass(frozen=True)
class Chosen:
    """The months averaged, 0 for the season; log errors of its past projections by months ahead."""

    window: int
    errors: dict[int, list[float]]
    reason: str


@lru_cache(maxsize=4)
def choose(history: tuple[Month, ...]) -> Chosen:
    """The pace that served best; 40 ms for three years, and kept, since a history changes once a month."""
    windows = [window for window in WINDOWS if window <= len(history)]
    if len(windows) == 1:
        reason = f"The averages of the last {windows[0]} months; the history is too short to compare others."
        return Chosen(windows[0], _past_errors(history, windows[0], LEAST_MONTHS), reason)
    candidates = [*windows, 0] if len(history) >= 2 * SEASON else windows
    since = SEASON if 0 in candidates else LEAST_MONTHS  # all are tried on the same days
    off = {window: _mean_error(_past_errors(history, window, since)) for window in candidates}
    window = min(candidates, key=lambda each: off[each])
    averages = f"{_either([f'{each}' for each in sorted(windows) if each != window])} months"
    if window:
        season = " or the same months of the year before" if 0 in candidates else ""
        reason = (
            f"The averages of the last {window} months: tried on this shop’s own past they came nearer to what then happened "
            f"than those of {averages}{season}."
        )
    else:
        reason = (
            "The same months of the last year, newcomers at this year’s level: tried on this shop’s own past they came nearer "
            f"to what then happened than the averages of the last {averages}."
        )
    return Chosen(window, _past_errors(history, window, LEAST_MONTHS if window else SEASON), reason)


def pace_of(history: Sequence[Month], window: int, first: date, months: int) -> Pace:
    """The pace of `months` from `first` on, by the last `window` months of `history`; 0 stands for the season."""
    if window:
        recent = history[-window:]
        return Pace(
            [_share(sum(m.lapses for m in recent), sum(m.active_before for m in recent))] * months,
            [fmean(m.newcomers for m in recent)] * months,
            [_share(sum(m.returns for m in recent), sum(m.lapsed_before for m in recent))] * months,
        )
    # The same month of the last year; newcomers by as much more as that year had more than the one before, twice at most.
    last, before = history[-SEASON:], history[-2 * SEASON : -SEASON]
    came_before = sum(m.newcomers for m in before)
    level = sum(m.newcomers for m in last) / came_before if came_before and len(before) == SEASON else 1.0
    by_number = {m.month.month: m for m in last}
    same = [by_number[months_on(first, ahead).month] for ahead in range(months)]
    return Pace(
        [_share(m.lapses, m.active_before) for m in same],
        [m.newcomers * min(max(level, 0.5), 2.0) for m in same],
        [_share(m.returns, m.lapsed_before) for m in same],
    )


def walk(active: float, lapsed: float, pace: Pace) -> list[Step]:
    """The months to come at that pace; whoever lapses joins those who may return."""
    steps = []
    for churn_rate, newcomers, return_rate in zip(pace.churn_rate, pace.newcomers, pace.return_rate, strict=True):
        lapses, returns = active * churn_rate, lapsed * return_rate
        active += newcomers + returns - lapses
        lapsed += lapses - returns
        steps.append(Step(active, newcomers, returns, lapses))
    return steps


def _past_errors(history: Sequence[Month], window: int, since: int) -> dict[int, list[float]]:
    """log(came / projected) by months ahead, projected from the end of each past month that had `since` months behind it."""
    errors: dict[int, list[float]] = {}
    for at in range(since, len(history)):
        known, came = history[:at], history[at : at + TESTED_MONTHS]
        pace = pace_of(known, window, came[0].month, len(came))
        steps = walk(known[-1].active_after, known[-1].lapsed_after, pace)
        for ahead, (step, month) in enumerate(zip(steps, came, strict=True), start=1):
            errors.setdefault(ahead, []).append(log(max(month.active_after, 1) / max(step.customers, 1.0)))
    return errors


def _mean_error(errors: dict[int, list[float]]) -> float:
    by_horizon = [fmean(map(abs, found)) for ahead, found in errors.items() if ahead <= COMPARED_MONTHS]
    return fmean(by_horizon) if by_horizon else 0.0


def _either(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _share(part: float, whole: float) -> float:
    return min(part / whole, 1.0) if whole > 0 else 0.0
