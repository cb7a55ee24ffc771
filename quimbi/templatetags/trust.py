"""What the trust page says: levels as a bar of their colours, errors in points and with their sign."""

from collections.abc import Sequence
from datetime import date

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from customers import formats
from predictions.maths.lapse import LEVELS
from predictions.trust import Level

register = template.Library()


@register.simple_tag
def level_bar(levels: Sequence[Level], measure: str) -> SafeString:
    """The levels of one measure side by side in their colours, critical first; read aloud in words."""
    words = ", ".join(f"{level.name} {formats.percent(level.share)}" for level in levels)
    parts: list[tuple[str, str, str, str]] = []
    edges: list[tuple[str, str]] = []
    start = 0.0
    for level in levels:
        if not level.customers:
            continue
        if parts:
            edges.append((formats.bare_number(start), formats.bare_number(start)))
        said = f"{level.name.capitalize()} {formats.percent(level.share)}"
        parts.append((level.name, formats.bare_number(start), formats.bare_number(100 * level.share), said))
        start += 100 * level.share
    return format_html(
        '<svg class="q-levels" role="img" aria-label="{}: {}" focusable="false">{}{}</svg>',
        measure,
        words,
        format_html_join("", '<rect class="q-{}" x="{}%" width="{}%" height="100%"><title>{}</title></rect>', parts),
        format_html_join("", '<line x1="{}%" x2="{}%" y1="0" y2="100%"/>', edges),
    )


@register.filter
def level_range(name: str) -> str:
    """`{{ "high"|level_range }}` -> "50 to 70%"."""
    names = [known for known, _ in LEVELS]
    at = names.index(name)
    low, high = LEVELS[at][1], 1.0 if at == 0 else LEVELS[at - 1][1]
    return f"{100 * low:.0f} to {100 * high:.0f}%" if low else f"under {100 * high:.0f}%"


@register.filter
def points(rate: float) -> str:
    """`{{ 0.0153|points }}` -> "1.5"."""
    return formats.number(100 * rate, 1)


@register.filter
def signed_points(rate: float) -> str:
    """`{{ 0.052|signed_points }}` -> "+5", in percent."""
    whole = round(100 * rate)
    return f"{'+' if whole > 0 else ''}{formats.number(whole)}"


@register.filter
def calendar_day(day: date) -> str:
    """`{{ tested|calendar_day }}` -> "19 Sep 2026"."""
    return f"{day.day} {day:%b %Y}"
