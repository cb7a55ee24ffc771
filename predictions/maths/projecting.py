"""What the coming months bring: active customers month by month, with a range from the shop's own past errors.

Decisions, section 5: each month ``previous * (1 - churn) + new``, where new customers are newcomers and returns, each estimated
apart from the shop's own months (`growth.Month`). The figures add up.

choose a pace -> walk -> whole customers, with a range
"""

from collections.abc import Iterator, Sequence
from datetime import date
from math import ceil, exp, floor
from statistics import fmean

from predictions.maths.growth import Month, months_on
from predictions.maths.pace import LEAST_MONTHS, SEASON, Pace, Step, choose, pace_of, walk
from predictions.maths.projection import Assumptions, ProjectedMonth, Projection, growth_between
from predictions.maths.projection_range import past_error_of, widths_of

_ROUNDING = 1e-6


class TooLittleHistory(Exception):
    """Fewer whole months than a projection needs; the message says how many are missing."""


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
    chosen = choose(known)
    first = months_on(today.replace(day=1), int(today.day > 15))
    pace = pace_of(known, chosen.window, first, months)
    if churn_rate is not None:
        pace = Pace([churn_rate] * months, pace.newcomers, pace.return_rate)
    if acquisition_rate is not None:
        pace = Pace(pace.churn_rate, [acquisition_rate * active] * months, pace.return_rate)
    steps = walk(active, lapsed, pace)
    widths, range_reason = widths_of(known, chosen.errors, months)
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
        past_error=past_error_of(chosen.errors),
        reason=_given(churn_rate, acquisition_rate) + chosen.reason,
        range_reason=range_reason,
    )


def _in_whole_customers(
    steps: Sequence[Step], active: int, lapsed: int, first: date, widths: Sequence[float]
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
            growth_rate=growth_between(before, active),
            **moved,
        )


def _given(churn_rate: float | None, acquisition_rate: float | None) -> str:
    named = [name for name, rate in (("churn", churn_rate), ("acquisition", acquisition_rate)) if rate is not None]
    return f"Your own {' and '.join(named)}. For the rest: " if named else ""


def _unbroken(history: Sequence[Month]) -> tuple[Month, ...]:
    """The last months without a gap."""
    start = max((at for at in range(1, len(history)) if history[at].month != months_on(history[at - 1].month)), default=0)
    return tuple(history[start:])
