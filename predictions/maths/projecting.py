"""What the coming months bring: active customers month by month, with a range from the shop's own past errors.

Decisions, section 5: each month ``previous * (1 - churn) + new``, where new customers are newcomers and returns, each estimated
apart from the shop's own months (`growth.Month`). The figures add up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import groupby
from math import ceil, exp, floor, log, sqrt
from statistics import fmean, median, pstdev

import numpy as np

from predictions.maths.growth import Month, months_on

LEAST_MONTHS = 3
WINDOWS = (12, 6, 3)
"""Months whose average may be the pace of the next; of equals the longest wins."""
SEASON = 12
COMPARED_MONTHS = 6
"""Paces are compared by their past errors up to so many months ahead."""
TESTED_MONTHS = 12
RANGE_SHARE = 0.8
_LEAST_ERRORS = 3
# Without past errors to go by: the range of one month, in log terms, is at least this.
_LEAST_GUESS = 0.1
# A range of twenty times either way says "unknown" as well as a wider one would.
_WIDEST = log(20.0)
_ROUNDING = 1e-6


class TooLittleHistory(Exception):
    """Fewer whole months than a projection needs; the message says how many are missing."""


@dataclass(frozen=True)
class Assumptions:
    """What a month brings.

    `churn_rate` is of the active customers at its beginning, `return_rate` of the lapsed. `acquisition_rate` is newcomers per
    customer active *now*: a constant number (`newcomers_a_month`) that does not grow with the shop. It is 0 where nobody is
    active now. Where the pace follows the season, each is the mean over the months projected.
    """

    churn_rate: float
    acquisition_rate: float
    return_rate: float
    newcomers_a_month: float


@dataclass(frozen=True)
class ProjectedMonth:
    """A month to come, in whole customers: ``customers = previous + newcomers + returns - lapses``, exactly.

    Four of five end between `low` and `high`. `growth_rate` is None where there was nobody to grow from.
    """

    month: date
    customers: int
    low: int
    high: int
    newcomers: int
    returns: int
    lapses: int
    growth_rate: float | None

    @property
    def new_customers(self) -> int:
        """Newcomers and returns."""
        return self.newcomers + self.returns


@dataclass(frozen=True)
class Period:
    """A quarter or a year as far as it is projected: customers at the end of its last month, and the sums of its `months`."""

    label: str
    months: int
    customers: int
    low: int
    high: int
    newcomers: int
    returns: int
    lapses: int
    growth_rate: float | None

    @property
    def new_customers(self) -> int:
        """Newcomers and returns."""
        return self.newcomers + self.returns


@dataclass(frozen=True)
class PastError:
    """How far off past projections typically (in the median) were, relative to what came: 0.02 is 2 %."""

    one_month: float
    longest: float
    longest_months: int


@dataclass(frozen=True)
class Projection:
    """The months to come, from `active` customers now; the reasons say where the assumptions and the range come from."""

    active: int
    rows: tuple[ProjectedMonth, ...]
    assumptions: Assumptions
    based_on_months: int
    past_error: PastError | None
    reason: str
    range_reason: str

    @property
    def by_quarter(self) -> tuple[Period, ...]:
        """By calendar quarter, "2026-Q4"; the first and the last may be partial."""
        return tuple(self._periods([f"{row.month.year}-Q{(row.month.month + 2) // 3}" for row in self.rows]))

    @property
    def by_year(self) -> tuple[Period, ...]:
        """By calendar year, "2026"; the first and the last may be partial."""
        return tuple(self._periods([f"{row.month.year}" for row in self.rows]))

    def _periods(self, labels: Sequence[str]) -> Iterator[Period]:
        before = self.active
        for label, pairs in groupby(zip(labels, self.rows, strict=True), key=lambda pair: pair[0]):
            rows = [row for _, row in pairs]
            end = rows[-1]
            yield Period(
                label=label,
                months=len(rows),
                customers=end.customers,
                low=end.low,
                high=end.high,
                newcomers=sum(row.newcomers for row in rows),
                returns=sum(row.returns for row in rows),
                lapses=sum(row.lapses for row in rows),
                growth_rate=_growth(before, end.customers),
            )
            before = end.customers


def project(
    history: Sequence[Month],
    active: int,
    lapsed: int,
    today: date,
    months: int,
    *,
    churn_rate: float | None = None,
    acquisition_rate: float | None = None,
) -> Projection:
    """Active customers month by month from `active` and `lapsed` today.

    Each month ``previous * (1 - churn) + newcomers + returns``; whoever lapses joins those who may return. The pace is the
    average of the last 3, 6 or 12 months or, with two years of history, that of the same month a year before, whichever came
    nearest to what then happened when it was tried on the shop's own past; rates that are given take its place. The range
    holds four of five of the errors made then. The first month projected is this one up to its 15th day, then the next: as
    much time lies ahead as the month is long, give or take half of it.

    Parameters
    ----------
    history
        Months, oldest first; what lies before a gap is not looked at.
    churn_rate, acquisition_rate
        0 to 1 a month, in place of the shop's own; see `Assumptions`. The range keeps its relative width.

    Raises
    ------
    TooLittleHistory
        Below `LEAST_MONTHS` months without a gap.
    """
    known = _unbroken(history)
    if len(known) < LEAST_MONTHS:
        missing = LEAST_MONTHS - len(known)
        raise TooLittleHistory(
            f"Growth needs {missing} more whole month{'s' * (missing != 1)} of orders ({len(known)} of {LEAST_MONTHS})."
        )
    chosen = _choose(known)
    first = months_on(today.replace(day=1), int(today.day > 15))
    pace = _pace(known, chosen.window, first, months)
    if churn_rate is not None:
        pace = _Pace([churn_rate] * months, pace.newcomers, pace.return_rate)
    if acquisition_rate is not None:
        pace = _Pace(pace.churn_rate, [acquisition_rate * active] * months, pace.return_rate)
    steps = _walk(active, lapsed, pace)
    widths, range_reason = _widths(known, chosen.errors, months)
    newcomers = fmean(pace.newcomers)
    return Projection(
        active=active,
        rows=tuple(_in_whole_customers(steps, active, lapsed, first, widths)),
        assumptions=Assumptions(
            churn_rate=fmean(pace.churn_rate),
            acquisition_rate=newcomers / active if active else 0.0,
            return_rate=fmean(pace.return_rate),
            newcomers_a_month=newcomers,
        ),
        based_on_months=chosen.window or 2 * SEASON,
        past_error=_past_error(chosen.errors),
        reason=_given(churn_rate, acquisition_rate) + chosen.reason,
        range_reason=range_reason,
    )


@dataclass(frozen=True)
class _Pace:
    """What each month to come brings: rates 0 to 1, newcomers in customers."""

    churn_rate: Sequence[float]
    newcomers: Sequence[float]
    return_rate: Sequence[float]


@dataclass(frozen=True)
class _Step:
    customers: float
    newcomers: float
    returns: float
    lapses: float


@dataclass(frozen=True)
class _Chosen:
    """The months averaged, 0 for the season; log errors of its past projections by months ahead."""

    window: int
    errors: dict[int, list[float]]
    reason: str


def _pace(history: Sequence[Month], window: int, first: date, months: int) -> _Pace:
    if window:
        recent = history[-window:]
        return _Pace(
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
    return _Pace(
        [_share(m.lapses, m.active_before) for m in same],
        [m.newcomers * min(max(level, 0.5), 2.0) for m in same],
        [_share(m.returns, m.lapsed_before) for m in same],
    )


def _walk(active: float, lapsed: float, pace: _Pace) -> list[_Step]:
    steps = []
    for churn_rate, newcomers, return_rate in zip(pace.churn_rate, pace.newcomers, pace.return_rate, strict=True):
        lapses, returns = active * churn_rate, lapsed * return_rate
        active += newcomers + returns - lapses
        lapsed += lapses - returns
        steps.append(_Step(active, newcomers, returns, lapses))
    return steps


@lru_cache(maxsize=4)
def _choose(history: tuple[Month, ...]) -> _Chosen:
    """The pace that served best; 40 ms for three years, and kept, since a history changes once a month."""
    windows = [window for window in WINDOWS if window <= len(history)]
    if len(windows) == 1:
        reason = f"The averages of the last {windows[0]} months; the history is too short to compare others."
        return _Chosen(windows[0], _past_errors(history, windows[0], LEAST_MONTHS), reason)
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
    return _Chosen(window, _past_errors(history, window, LEAST_MONTHS if window else SEASON), reason)


def _past_errors(history: Sequence[Month], window: int, since: int) -> dict[int, list[float]]:
    """log(came / projected) by months ahead, projected from the end of each past month that had `since` months behind it."""
    errors: dict[int, list[float]] = {}
    for at in range(since, len(history)):
        known, came = history[:at], history[at : at + TESTED_MONTHS]
        pace = _pace(known, window, came[0].month, len(came))
        steps = _walk(known[-1].active_after, known[-1].lapsed_after, pace)
        for ahead, (step, month) in enumerate(zip(steps, came, strict=True), start=1):
            errors.setdefault(ahead, []).append(log(max(month.active_after, 1) / max(step.customers, 1.0)))
    return errors


def _mean_error(errors: dict[int, list[float]]) -> float:
    by_horizon = [fmean(map(abs, found)) for ahead, found in errors.items() if ahead <= COMPARED_MONTHS]
    return fmean(by_horizon) if by_horizon else 0.0


def _tested(errors: dict[int, list[float]]) -> list[int]:
    """Months ahead with enough past errors to speak of."""
    return sorted(ahead for ahead, found in errors.items() if len(found) >= _LEAST_ERRORS)


def _past_error(errors: dict[int, list[float]]) -> PastError | None:
    tested = _tested(errors)
    if not tested:
        return None
    off = [median(abs(exp(-error) - 1.0) for error in errors[ahead]) for ahead in (tested[0], tested[-1])]
    return PastError(off[0], off[1], tested[-1])


def _widths(history: Sequence[Month], errors: dict[int, list[float]], months: int) -> tuple[list[float], str]:
    """Half of the range for each month ahead in log terms, never narrower than for the month before, and whence it is."""
    tested = _tested(errors)
    if not tested:
        changes = [log(max(m.active_after, 1) / max(m.active_before, 1)) for m in history]
        one_month = max(2.0 * pstdev(changes), _LEAST_GUESS)
        reason = "A wide guess from how much one month differs from the next: too few past projections can be checked yet."
        return [min(one_month * sqrt(ahead), _WIDEST) for ahead in range(1, months + 1)], reason
    widths: list[float] = []
    for ahead in range(1, months + 1):
        if ahead <= tested[-1]:
            off = np.abs(errors[ahead])
            # The plain quantile is too narrow for few errors, and projections whose months overlap tell little more than one.
            apart = len(off) / ahead
            width = float(np.quantile(off, min(1.0, RANGE_SHARE * (apart + 1) / apart)))
            widths.append(max(width, widths[-1] if widths else 0.0))
        else:
            widths.append(widths[tested[-1] - 1] * sqrt(ahead / tested[-1]))
    reason = "At least four of five projections made in the past ended within it."
    if months > tested[-1]:
        reason += f" Further than {tested[-1]} months ahead it widens by rule: nobody has seen yet how far off that is."
    return [min(width, _WIDEST) for width in widths], reason


def _in_whole_customers(
    steps: Sequence[_Step], active: int, lapsed: int, first: date, widths: Sequence[float]
) -> Iterator[ProjectedMonth]:
    """Sums so far are rounded, not months, so that no rounding adds up; each month then follows from the one before."""
    so_far = dict.fromkeys(("newcomers", "returns", "lapses"), 0.0)
    shown = dict.fromkeys(so_far, 0)
    for ahead, (step, width) in enumerate(zip(steps, widths, strict=True)):
        so_far = {name: total + getattr(step, name) for name, total in so_far.items()}
        moved = {name: max(round(total) - shown[name], 0) for name, total in so_far.items()}
        moved["returns"] = min(moved["returns"], lapsed)
        moved["lapses"] = min(moved["lapses"], active + moved["newcomers"] + moved["returns"])
        shown = {name: count + moved[name] for name, count in shown.items()}
        before = active
        active += moved["newcomers"] + moved["returns"] - moved["lapses"]
        lapsed += moved["lapses"] - moved["returns"]
        yield ProjectedMonth(
            month=months_on(first, ahead),
            customers=active,
            low=min(floor(step.customers * exp(-width) + _ROUNDING), active),
            high=max(ceil(step.customers * exp(width) - _ROUNDING), active),
            growth_rate=_growth(before, active),
            **moved,
        )


def _given(churn_rate: float | None, acquisition_rate: float | None) -> str:
    named = [name for name, rate in (("churn", churn_rate), ("acquisition", acquisition_rate)) if rate is not None]
    return f"Your own {' and '.join(named)}. For the rest: " if named else ""


def _either(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _unbroken(history: Sequence[Month]) -> tuple[Month, ...]:
    """The last months without a gap."""
    start = max((at for at in range(1, len(history)) if history[at].month != months_on(history[at - 1].month)), default=0)
    return tuple(history[start:])


def _growth(before: int, after: int) -> float | None:
    return after / before - 1 if before else None


def _share(part: float, whole: float) -> float:
    return min(part / whole, 1.0) if whole > 0 else 0.0
