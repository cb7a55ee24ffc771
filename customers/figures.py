"""To how many places figures are told, in answers, files, messages and on pages alike. Pure.

Shares, rates and probabilities have four places, money has its two, and days, ratios and expected counts have two. More digits
would pretend to know more; a reader who compares two answers finds the same number in both.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

SHARE_PLACES = 4
STEPS: int = 10**SHARE_PLACES
"""Steps of a share from 0 to 1."""
RATIO_PLACES = 2
CENT = Decimal("0.01")
_HALF_A_CENT, _LEAST_STORED = Decimal("0.005"), Decimal("0.0001")


def share(value: float) -> float:
    """A share, rate or probability: 0.1178."""
    return round(value, SHARE_PLACES) + 0.0  # never -0.0


def ratio(value: float) -> float:
    """Days, seconds, a ratio or an expected count: 1.03."""
    return round(value, RATIO_PLACES) + 0.0


def percentage(part: float, whole: float) -> float:
    """A part as a percentage from 0 to 100, as fine as a share: 0.44. Nothing of nothing is 0."""
    return round(100 * part / whole, SHARE_PLACES - 2) if whole else 0.0


def to_cents(amount: Decimal) -> Decimal:
    """Money to two places, halves to even."""
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def money(amount: Decimal) -> float:
    """Money as a number of JSON: 142.52."""
    return float(to_cents(amount))


def least_told_as(amount: Decimal) -> Decimal:
    """The least amount of at most four places that is told as `amount` or more: 9.995 for 10.00, 10.0051 for 10.01."""
    told = amount.quantize(CENT, "ROUND_CEILING")
    half = told - _HALF_A_CENT
    return half if to_cents(half) == told else half + _LEAST_STORED


def adding_up(shares: Sequence[float], total: int, steps: int = STEPS) -> list[int]:
    """Shares in whole steps of `1 / steps` that add up to `total` steps, the sum of the shares in steps to within one.

    Each is rounded to the nearest, and what the sum lacks or has too much comes from those that rounding has taken furthest
    from what they were: the largest remainders. None ends further than a step from its share.
    """
    exact = [round(steps * each, 9) for each in shares]
    told = [round(each) for each in exact]
    if missing := total - sum(told):
        way = 1 if missing > 0 else -1
        for at in sorted(range(len(exact)), key=lambda at: way * (told[at] - exact[at]))[: abs(missing)]:
            told[at] += way
    return told
