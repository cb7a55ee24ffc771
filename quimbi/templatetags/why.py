"""What templates say of an explanation: its parts in words and as signed bars, and what an action looks like."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from customers import formats
from insights.churn_risk import LapseRisk
from predictions import explaining
from predictions.explaining import Factor

if TYPE_CHECKING:
    from predictions.maths.explaining import Explanation

register = template.Library()

ACTION_ICONS = {
    "reply": "message-square-reply",
    "check_order": "package-search",
    "personal": "phone-call",
    "second_purchase": "message-circle-question-mark",
    "note": "pen-line",
    "win_back": "undo-2",
    "leave": "circle-slash",
    "feedback": "message-circle",
    "show_new": "sparkle",
    "choosing": "list-checks",
    "nothing": "circle-check",
    "discount": "ticket-percent",
}

# Where nothing stands on a bar, in percent of its length; what takes away goes to the left of it, and there is less of that.
_ZERO = 33.0


@register.simple_tag
def factors(explanation: "Explanation", order_count: int, currency: str) -> Sequence[Factor]:
    """The parts of a score in words, in whole points that add up to it."""
    money = partial(formats.money, currency=currency)
    return explaining.factors(explanation, money, order_count=order_count)


@register.filter
def points(factor: Factor) -> str:
    """ "22" for the base, "+38" and "−4" for the others."""
    if factor.group == explaining.BASE:
        return formats.number(factor.points)
    return f"+{factor.points}" if factor.points > 0 else formats.number(factor.points)


@register.simple_tag
def factor_bar(factor: Factor, parts: Sequence[Factor]) -> SafeString:
    """A bar to the right for what adds to the risk, to the left for what takes away; one scale for all `parts`. Decoration."""
    most, least = max(part.points for part in parts), min(part.points for part in parts)
    unit = min((100 - _ZERO) / max(most, 1), _ZERO / max(-least, 1))
    width = abs(factor.points) * unit
    kind = "q-base" if factor.group == explaining.BASE else "q-up" if factor.points >= 0 else "q-down"
    zero, start = formats.bare_number(_ZERO), formats.bare_number(_ZERO if factor.points >= 0 else _ZERO - width)
    return format_html(
        '<svg class="q-factor-track" aria-hidden="true" focusable="false">'
        '<rect class="{}" x="{}%" width="{}%" height="100%"/><line x1="{}%" x2="{}%" y1="0" y2="100%"/></svg>',
        kind, start, formats.bare_number(width), zero, zero,
    )  # fmt: skip


@register.filter
def signed_money(amount: Decimal, currency: str) -> str:
    """`{{ change|signed_money:shop.currency }}` -> "+$640", "−$1,420"."""
    words = formats.money_total(amount, currency)
    return f"+{words}" if amount > 0 else words


@register.filter
def action_icon(kind: str) -> str:
    """The lucide icon of a recommended action."""
    return ACTION_ICONS[kind]


@register.filter
def expected_days(lapse: LapseRisk) -> str:
    """The range of the next order: "3 to 20 Dec", "28 Nov to 4 Jan 2027", "on 3 Dec"."""
    if lapse.earliest is None or lapse.latest is None:
        return ""
    first, last = lapse.earliest, lapse.latest
    if first == last:
        return f"on {_date(last)}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {_date(last)}"
    return f"{_date(first)} to {_date(last)}"


def _date(day: date) -> str:
    this_year = timezone.now().astimezone(timezone.get_current_timezone()).year
    return f"{day.day} {day:%b}" if day.year == this_year else f"{day.day} {day:%b %Y}"
