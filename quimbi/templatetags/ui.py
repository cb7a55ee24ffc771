"""What templates say: icons, bars, money, dates. Everything here is plain markup that a strict CSP allows."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import lucide
from django import template
from django.forms import BoundField
from django.http import QueryDict
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from customers import formats
from insights.profiles import AxisProfile
from segmentation.axes import AXIS_BY_NAME
from segmentation.overview import RevenueBand

register = template.Library()

# A membership below this is not drawn: it would be thinner than the gap between two bars.
NEGLIGIBLE = 0.005
EVIDENCE_WORDS = {
    "orders": ("order", "orders"),
    "occasions": ("purchase", "purchases"),
    "tickets": ("support ticket", "support tickets"),
    "categorised_lines": ("item of a known category", "items of known categories"),
    "levelled_knowledge_lines": ("item of a known level", "items of known levels"),
    "levelled_value_lines": ("item of a known price level", "items of known price levels"),
}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """The lucide icon `name` as inline SVG of one em; decorative unless a `label` is given. Raises for an unknown name."""
    drawn = _icon(str(name))
    return drawn if not label else format_html('{}<span class="visually-hidden">{}</span>', drawn, label)


@lru_cache(maxsize=256)
def _icon(name: str) -> SafeString:
    attributes = {"class": "q-icon", "aria-hidden": "true", "focusable": "false"}
    return mark_safe(" ".join(lucide._render_icon(name, None, **attributes).split()))  # noqa: S308  (the package's own file)


@register.simple_tag
def bar(share: float, kind: str = "") -> SafeString:
    """A bar that is `share` (0 to 1) full. Decoration: the number stands beside it."""
    width = formats.bare_number(100 * min(max(float(share), 0.0), 1.0))
    return format_html(
        '<svg class="q-bar {}" aria-hidden="true" focusable="false"><rect width="{}%" height="100%"/></svg>', kind, width
    )


@register.simple_tag
def bar_of(value: Decimal, largest: Decimal) -> SafeString:
    """A bar for `value` on a scale that ends at `largest`."""
    return bar(float(value / largest) if largest > 0 else 0.0)


@register.simple_tag
def revenue_bar(bands: Sequence[RevenueBand]) -> SafeString:
    """Where revenue comes from, as one line."""
    words = ", ".join(f"{band.words} {formats.percent(band.share)}" for band in bands)
    return stacked([(band.words, band.share) for band in bands], f"Share of revenue: {words}")


@register.simple_tag
def stacked(shares: Sequence[tuple[str, float]], label: str, kind: str = "q-stacked") -> SafeString:
    """Bars side by side that fill the line; `shares` is ((words, 0 to 1), …), largest first, and `label` is read aloud."""
    total = sum(share for _, share in shares) or 1.0
    parts: list[tuple[str, str, str]] = []
    edges: list[tuple[str, str]] = []
    start = 0.0
    for words, share in shares:
        width = 100 * share / total
        parts.append((formats.bare_number(start), formats.bare_number(width), f"{words} {formats.percent(share)}"))
        start += width
        if start < 99.95:
            edges.append((formats.bare_number(start), formats.bare_number(start)))
    return format_html(
        '<svg class="{}" role="img" aria-label="{}" focusable="false">{}{}</svg>',
        kind,
        label,
        format_html_join("", '<rect x="{}%" width="{}%" height="100%"><title>{}</title></rect>', parts),
        format_html_join("", '<line x1="{}%" x2="{}%" y1="0" y2="100%"/>', edges),
    )


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """`{{ order.total|money:order.currency }}` -> "$142.52"."""
    return formats.money(amount, currency)


@register.filter
def money_total(amount: Decimal, currency: str) -> str:
    """`{{ revenue|money_total:shop.currency }}` -> "$1,284,610"."""
    return formats.money_total(amount, currency)


@register.filter
def number(value: float, places: int = 0) -> str:
    """`{{ count|number }}` -> "93,564"."""
    return formats.number(value, places)


@register.filter
def percent(share: float, places: int = 0) -> str:
    """`{{ 0.714|percent }}` -> "71%"."""
    return formats.percent(share, places)


@register.filter
def percentage(value: float, places: int = 0) -> str:
    """Like `percent` for a value that already runs from 0 to 100."""
    return formats.percent(value / 100, places)


@register.filter
def day(moment: datetime) -> SafeString:
    """`<time>` with "19 Sep", the exact time in its title; in the shop's zone."""
    return _time(moment, formats.day(moment, timezone.get_current_timezone(), timezone.now()))


@register.filter
def instant(moment: datetime) -> SafeString:
    """`<time>` with "19 Nov 2026, 03:12" in the shop's zone."""
    return _time(moment, formats.instant(moment, timezone.get_current_timezone()))


@register.filter
def age(moment: datetime) -> SafeString:
    """`<time>` with "6 h" (write "ago" or "old" after it), for runs and jobs."""
    return _time(moment, formats.age(moment, timezone.now()))


@register.filter
def ago(moment: datetime) -> SafeString:
    """`<time>` with "today", "yesterday", "4 days ago", by the shop's calendar; for orders and tickets."""
    return _time(moment, formats.days_ago(formats.days_since(moment, timezone.get_current_timezone(), timezone.now())))


@register.filter
def ago_at(moment: datetime, as_of: datetime) -> SafeString:
    """The same seen from `as_of`, for a shop whose orders end in the past: `{{ customer.last_order_at|ago_at:as_of }}`."""
    return _time(moment, formats.days_ago(formats.days_since(moment, timezone.get_current_timezone(), as_of)))


@register.filter
def days_ago(count: int) -> str:
    """`{{ 4|days_ago }}` -> "4 days ago"."""
    return formats.days_ago(count)


@register.filter
def is_today(moment: datetime) -> bool:
    """Whether it is still that day in the shop's zone."""
    return formats.days_since(moment, timezone.get_current_timezone(), timezone.now()) == 0


def _time(moment: datetime, words: str) -> SafeString:
    exact = f"{formats.instant(moment, timezone.get_current_timezone())} {timezone.get_current_timezone_name()}"
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(timespec="seconds"), exact, words)


@register.filter
def days(count: int) -> str:
    """`{{ 61|days }}` -> "61 days"."""
    return formats.days(count)


@register.filter
def dialled(phone: str) -> str:
    """A telephone number as a `tel:` link wants it: "+1 (555) 010-7788" -> "+15550107788"."""
    digits = "".join(sign for sign in phone if sign.isascii() and sign.isdigit())
    return f"+{digits}" if phone.strip().startswith("+") else digits


@register.filter
def duration(seconds: float) -> str:
    """`{{ 100|duration }}` -> "1 min 40 s"."""
    return formats.duration(seconds)


@register.filter
def initials(name: str) -> str:
    """`{{ customer.name|initials }}` -> "MW"."""
    return formats.initials(name)


@register.inclusion_tag("ui/_sort_heading.html", takes_context=True)
def sort_heading(
    context: Context, label: str, down: str, up: str, css: str = "", ascending_first: bool = False
) -> dict[str, str]:
    """A column heading that sorts. `down` and `up` are values of ?sort=; the context's `sort` is the one in force."""
    now = context["sort"]
    first, second = (up, down) if ascending_first else (down, up)
    query: QueryDict = context["request"].GET.copy()
    query.pop("page", None)
    query["sort"] = second if now == first else first
    direction = {down: "descending", up: "ascending"}.get(now, "")
    return {"label": label, "address": f"?{query.urlencode()}", "direction": direction, "css": css}


@register.filter
def page_words(page: Any, thing: str) -> str:
    """ "1 to 25 of 93 customers", for our own pages and Django's."""
    if hasattr(page, "words"):
        return str(page.words(thing))
    return f"{page.start_index():,} to {page.end_index():,} of {page.paginator.count:,} {thing}"


@register.filter
def described(field: BoundField) -> SafeString:
    """The field's own widget, with the classes and the aria attributes that `ui/_field.html` relies on."""
    widget = field.field.widget
    kind = getattr(widget, "input_type", "")
    css = {"checkbox": "form-check-input", "radio": "form-check-input", "select": "form-select"}.get(kind, "form-control")
    classes = (widget.attrs.get("class", ""), css, "is-invalid" if field.errors else "")
    attributes: dict[str, Any] = {"class": " ".join(filter(None, classes))}
    notes = [f"{field.id_for_label}-{part}" for part, there in (("help", field.help_text), ("error", field.errors)) if there]
    if notes:
        attributes["aria-describedby"] = " ".join(notes)
    if field.errors:
        attributes["aria-invalid"] = "true"
    return field.as_widget(attrs=attributes)


@register.simple_tag
def membership_bar(axis: AxisProfile) -> SafeString:
    """The memberships of one axis side by side; they add up to the whole line."""
    shares = [(label, share) for _, label, share in axis.shares if share >= NEGLIGIBLE]
    words = ", ".join(f"{label} {formats.percent(share)}" for label, share in shares)
    return stacked(shares, f"{axis.label}: {words}", "q-memb")


@register.simple_tag
def other_memberships(axis: AxisProfile) -> str:
    """What stands under the bar: the next three segments, or what is missing to tell."""
    known = AXIS_BY_NAME[axis.axis]
    things = EVIDENCE_WORDS.get(known.evidence, ("observation", "observations"))
    if not axis.has_evidence:
        if not axis.evidence:
            return f"No {things[1]} yet"
        return f"Needs {formats.counted(known.least_evidence, *things)}, has {axis.evidence:,}"
    others = [f"{label} {formats.percent(share)}" for _, label, share in axis.shares[1:4] if share >= NEGLIGIBLE]
    return " · ".join(others) or ("" if axis.rests_on_one else "No other segment comes near")


@register.simple_tag
def evidence(axis: AxisProfile) -> SafeString:
    """What an axis is told from, in short: "24 orders", "116 items", "from one order only"; the title says it in full."""
    words = EVIDENCE_WORDS.get(AXIS_BY_NAME[axis.axis].evidence, ("observation", "observations"))
    full = formats.counted(axis.evidence, *words)
    short = f"from one {axis.rests_on_one} only" if axis.rests_on_one else full.split(" of ")[0]
    return format_html('<span class="q-nowrap" title="told from {}">{}</span>', full, short)
