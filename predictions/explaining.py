"""Why a customer's lapse risk is what it is: facts in words, with points that add up to the percent shown."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from customers.figures import adding_up
from predictions.models import Prediction
from predictions.shown import shown_percent

if TYPE_CHECKING:
    from predictions.maths.explaining import Explanation

Money = Callable[[Decimal], str]

BASE = "base"
ORDER_FREQUENCIES = (
    (10, "weekly"),
    (21, "biweekly"),
    (45, "monthly"),
    (135, "quarterly"),
    (240, "twice_a_year"),
    (450, "yearly"),
)
"""Usual days between orders, up to and with which a word holds."""
SILENT_AFTER_GAPS = 2
"""As `predictions.maths.trend` has it. Of customers who come as ever, one in seven waits so long: too few to call it stable."""
_VALUE_TIERS = {"vip": "vip", "high": "high_value", "standard": "mid_tier", "low": "low_value"}
# Gaps grow where each of the last three is longer than the one before by this much.
_GROWTH = 1.15
# A usual gap is drawn towards the shop's; within this share of the own mean it may be called "usual".
_NEAR = 0.25
_SHORT_HORIZON_DAYS = 30


@dataclass(frozen=True)
class Factor:
    """One line of an explanation: what is so, and how many percentage points it adds to the score or takes off.

    `group` is `BASE` or one of `predictions.maths.explaining.GROUPS`. The label states a fact, whatever its sign.
    """

    group: str
    label: str
    points: int


def factors(explanation: "Explanation", money: Money, *, order_count: int | None = None) -> tuple[Factor, ...]:
    """The base first, then the customer on the day of the last order, and last the wait since; points add up to the score.

    The score in whole percent, that is. Groups of no whole point are left out. For `money` and `order_count` see `labels`.
    """
    words = labels(explanation, money, order_count=order_count)
    shares = ((BASE, explanation.base), *explanation.parts)
    points = adding_up([share for _, share in shares], shown_percent(explanation.score), steps=100)
    base, *others = (Factor(group, words[group], point) for (group, _), point in zip(shares, points, strict=True))
    return (base, *(each for each in others if each.points))


def labels(explanation: "Explanation", money: Money, *, order_count: int | None = None) -> dict[str, str]:
    """What is so, by group; true whatever the sign of its part.

    Parameters
    ----------
    money : callable
        Writes an amount in the shop's currency.
    order_count : int, optional
        Orders as the pages count them. The maths counts orders of one day as one, and where the two differ the labels say
        "order days".
    """
    noun = "order" if order_count in {None, explanation.repeats + 1} else "order day"
    return {
        BASE: "Customers of this shop on average",
        "rhythm": _rhythm(explanation, noun),
        "value": _value(explanation, noun, money),
        "season": _season(explanation),
        "wait": _wait(explanation),
    }


def order_frequency(usual_gap_days: float, order_count: int) -> str:
    """The contract's `order_frequency`: "weekly" to "rarely", or "one_order" where there is no second."""
    if order_count <= 1:
        return "one_order"
    return next((word for days, word in ORDER_FREQUENCIES if usual_gap_days <= days), "rarely")


def engagement_trend(trend: int, overdue_ratio: float = 0.0) -> str:
    """The contract's `engagement_trend`: "increasing", "stable" or "declining".

    `trend` compares how often somebody came; who has not come in more than `SILENT_AFTER_GAPS` usual gaps declines whatever
    it says: silence is no rhythm that holds.
    """
    is_silent = overdue_ratio > SILENT_AFTER_GAPS
    return str((Prediction.Trend.DECLINING if is_silent else Prediction.Trend(trend)).label)


def value_tier(tier: int) -> str:
    """The contract's `value_tier`: "vip", "high_value", "mid_tier" or "low_value"."""
    return _VALUE_TIERS[str(Prediction.Tier(tier).label)]


def waiting(recency_days: int, usual_gap_days: float, order_count: int, *, is_own: bool = True) -> str:
    """How long ago the last order was, against what is usual: "61 days since the last order, usually 24".

    Where the usual gap is rather the shop's than the customer's own (`is_own`), it is "about 24 expected".
    """
    which = "last" if order_count > 1 else "only"
    if recency_days == 0:
        return f"The {which} order was today"
    usual = max(1, round(usual_gap_days))
    since = f"{counted(recency_days, 'day')} since the {which} order"
    if order_count <= 1:
        return since
    return f"{since}, usually {usual:,}" if is_own else f"{since}, about {usual:,} expected"


def counted(count: int, noun: str) -> str:
    """ "1 order", "24 orders"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _wait(explanation: "Explanation") -> str:
    own = explanation.active_span_days / max(explanation.repeats, 1)
    is_own = abs(explanation.usual_gap_days - own) <= _NEAR * own
    return waiting(explanation.recency_days, explanation.usual_gap_days, explanation.repeats + 1, is_own=is_own)


def _rhythm(explanation: "Explanation", noun: str) -> str:
    gaps = explanation.last_gaps_days
    if len(gaps) == 3 and all(later >= _GROWTH * earlier for earlier, later in pairwise(gaps)):
        return f"Gaps between orders growing: {', '.join(map(str, gaps))} days"
    if explanation.repeats == 0:
        return f"One {noun} so far"
    orders = counted(explanation.repeats + 1, noun)
    if explanation.repeats == 1:
        return f"{orders}, {counted(explanation.active_span_days, 'day')} apart"
    gap = round(explanation.active_span_days / explanation.repeats)
    return f"{orders}, one every {counted(gap, 'day')}" if gap > 1 else f"{orders}, about one a day"


def _value(explanation: "Explanation", noun: str, money: Money) -> str:
    own, average = (money(_cents(each)) for each in (explanation.average_value, explanation.shop_average_value))
    spends = f"Spends {own} an {noun}" if explanation.repeats else f"Spent {own} on the only {noun}"
    return f"{spends}, the shop's average" if own == average else f"{spends}, the shop's average is {average}"


def _season(explanation: "Explanation") -> str:
    when = "weeks" if explanation.horizon_days <= _SHORT_HORIZON_DAYS else "months"
    if explanation.bought_these_days_last_year:
        return f"Bought in these {when} last year"
    if explanation.age_days < 365:
        return "Not a customer yet a year ago"
    return f"Bought nothing in these {when} last year"


def _cents(amount: float) -> Decimal:
    return Decimal(amount).quantize(Decimal("0.01"))
