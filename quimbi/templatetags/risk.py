"""What templates say of risk and tier, and how the customer list keeps and drops what it was asked for."""

from django import template
from django.http import QueryDict
from django.template import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from customers import formats
from predictions.maths.lapse import LEVELS, level
from predictions.shown import percent_words

register = template.Library()

BARS = len(LEVELS)
TIER_WORDS = {"vip": "VIP", "high": "High value", "standard": "Standard", "low": "Low"}


@register.filter
def risk_level(score: float) -> str:
    """`{{ 0.74|risk_level }}` -> "critical"."""
    return level(score)


@register.filter
def risk_percent(score: float) -> str:
    """`{{ 0.744|risk_percent }}` -> "74%". Rounding never lifts a score over the edge of its level: 0.697 is high and "69%"."""
    return percent_words(score)


@register.simple_tag
def meter(name: str) -> SafeString:
    """Four bars, of which the level `name` fills one (low) to four (critical). Decoration: the words stand beside it."""
    filled = BARS - [known for known, _ in LEVELS].index(name)
    bars = format_html_join("", "<i{}></i>", ((SafeString(' class="on"') if bar < filled else "",) for bar in range(BARS)))
    return format_html('<span class="q-meter" aria-hidden="true">{}</span>', bars)


@register.filter
def tier_words(tier: str) -> str:
    """`{{ "high"|tier_words }}` -> "High value"."""
    return TIER_WORDS[tier]


@register.simple_tag(takes_context=True)
def at_risk_words(context: Context) -> str:
    """The list's filter by value at risk: "any", "$250 or more"."""
    if "at_risk" in context["form"].errors:
        return "not known"
    least = context["criteria"].value_at_risk_min
    return "any" if least is None else f"{formats.money_total(least, context['shop'].currency)} or more"


@register.simple_tag(takes_context=True)
def kept(context: Context, *without: str, form: str = "") -> SafeString:
    """Hidden inputs for what the list was asked for, but for `without` and the page.

    They keep what cannot be read too, since dropping a filter would show more people than before; only a search that was left
    out is dropped. `form` is the id of a form that stands elsewhere on the page.
    """
    asked, query = context["form"], _asked(context)
    left_out = {"page", *without, *(["q"] if "q" in asked.errors else [])}
    pairs = [(name, value) for name in asked.fields if name not in left_out for value in query.getlist(name) if value]
    if form:
        return format_html_join("", '<input type="hidden" form="{}" name="{}" value="{}">', ((form, *pair) for pair in pairs))
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', pairs)


@register.simple_tag(takes_context=True)
def address_without(context: Context, *names: str) -> str:
    """The first page of the same list, not asked for `names`."""
    query = _asked(context)
    for name in ("page", *names):
        query.pop(name, None)
    return f"?{query.urlencode()}"


def _asked(context: Context) -> QueryDict:
    query: QueryDict = context["request"].GET.copy()
    return query
