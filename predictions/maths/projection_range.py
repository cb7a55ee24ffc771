"""How far off a projection may be: as far as those were that were made in the shop's own past."""

from collections.abc import Mapping, Sequence
from math import exp, log, sqrt
from statistics import median, pstdev

import numpy as np

from predictions.maths.growth import Month
from predictions.maths.projection import PastError

RANGE_SHARE = 0.8
_LEAST_ERRORS = 3
# Without past errors to go by: the range of one month, in log terms, is at least this.
_LEAST_GUESS = 0.1
# A range of twenty times either way says "unknown" as well as a wider one would.
_WIDEST = log(20.0)


def past_error_of(errors: Mapping[int, list[float]]) -> PastError | None:
    """How far off past projections typically were; None if there are too few to say."""
    tested = _tested(errors)
    if not tested:
        return None
    off = [median(abs(exp(-error) - 1.0) for error in errors[ahead]) for ahead in (tested[0], tested[-1])]
    return PastError(off[0], off[1], tested[-1])


def widths_of(history: Sequence[Month], errors: Mapping[int, list[float]], months: int) -> tuple[list[float], str]:
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


def _tested(errors: Mapping[int, list[float]]) -> list[int]:
    """Months ahead with enough past errors to speak of."""
    return sorted(ahead for ahead, found in errors.items() if len(found) >= _LEAST_ERRORS)
