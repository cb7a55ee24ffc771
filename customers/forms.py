"""What people ask of the customer pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from insights.customer_list import BY_VALUE_AT_RISK

SORTS = {
    "value": ("-lifetime_value", "id"),
    "value-up": ("lifetime_value", "-id"),
    "orders": ("-order_count", "id"),
    "orders-up": ("order_count", "-id"),
    "last": ("-last_order_at", "id"),
    "last-up": ("last_order_at", "-id"),
    "name": ("name_key", "id"),
    "name-down": ("-name_key", "-id"),
    "rescue": (BY_VALUE_AT_RISK, "id"),
    "lapse": ("-prediction__lapse_risk_score", "id"),
    "lapse-up": ("prediction__lapse_risk_score", "-id"),
    "churn": ("-prediction__churn_risk_score", "id"),
}
SORT_LABELS = (
    ("value", "Lifetime value, highest first"),
    ("value-up", "Lifetime value, lowest first"),
    ("orders", "Most orders first"),
    ("orders-up", "Fewest orders first"),
    ("last", "Last order, newest first"),
    ("last-up", "Last order, oldest first"),
    ("name", "Name, A to Z"),
    ("name-down", "Name, Z to A"),
    ("rescue", "Rescue first"),
    ("lapse", "Lapse risk, highest first"),
    ("lapse-up", "Lapse risk, lowest first"),
    ("churn", "No order in {churn_days} days, likeliest first"),
)
LEVEL_CHOICES = (
    ("critical", "Critical", "70% and more"),
    ("high", "High", "50 to 69%"),
    ("medium", "Medium", "30 to 49%"),
    ("low", "Low", "below 30%"),
)
TIER_CHOICES = (
    ("vip", "VIP", "top 5% by lifetime value"),
    ("high", "High value", "next 15%"),
    ("standard", "Standard", "middle 60%"),
    ("low", "Low", "bottom 20%"),
)
RICHEST = 999_999_999
"""The largest value at risk that can be asked for."""
UNSEARCHABLE = {"max_length": "Search for at most 100 characters.", "null_characters_not_allowed": "Search for plain text."}


@dataclass(frozen=True)
class Option:
    """A box to tick: the value, its name, what it covers, and whether it is ticked."""

    value: str
    label: str
    hint: str
    chosen: bool


@dataclass(frozen=True)
class Menu:
    """A filter with boxes to tick; `sort` is the order by the same figure where no column has it."""

    name: str
    label: str
    options: tuple[Option, ...]
    unreadable: bool
    sort: str = ""

    @property
    def is_set(self) -> bool:
        """Whether the filter leaves anybody out."""
        return self.unreadable or any(option.chosen for option in self.options)

    @property
    def words(self) -> str:
        """What is chosen, as its chip says it."""
        if self.unreadable:
            return "not known"
        return ", ".join(option.label for option in self.options if option.chosen) or "any"


class Boxes(forms.MultipleChoiceField):
    """Any of `choices`, each with what it covers; an empty value is none at all."""

    def __init__(self, choices: tuple[tuple[str, str, str], ...]) -> None:
        super().__init__(choices=[(value, label) for value, label, _ in choices], required=False)

    def to_python(self, value: Any) -> list[str]:
        """The values that were ticked."""
        return [each for each in super().to_python(value) if each]


class CustomerSearchForm(forms.Form):
    """Search, filters, order and page of the customer list. Every field may be left out."""

    q = forms.CharField(
        required=False,
        max_length=100,
        label="Search",
        error_messages=UNSEARCHABLE,
    )
    archetype = forms.CharField(required=False, max_length=16)
    awaiting = forms.BooleanField(required=False)
    lapse = Boxes(LEVEL_CHOICES)
    tier = Boxes(TIER_CHOICES)
    churn = Boxes(LEVEL_CHOICES)
    at_risk = forms.IntegerField(required=False, min_value=0, max_value=RICHEST, label="Value at risk")
    sort = forms.ChoiceField(choices=[(name, name) for name in SORTS], required=False)
    page = forms.IntegerField(required=False, min_value=1, max_value=100_000)

    def __init__(self, asked: Mapping[str, Any], churn_days: int) -> None:
        super().__init__(asked)
        self.churn_label = f"No order in {churn_days} days"
        self.sorts = tuple((name, label.format(churn_days=churn_days)) for name, label in SORT_LABELS)

    @property
    def menus(self) -> tuple[Menu, ...]:
        """The filters with boxes to tick, as they are set."""
        return (
            self._menu("lapse", "Lapse risk", LEVEL_CHOICES),
            self._menu("tier", "Tier", TIER_CHOICES),
            self._menu("churn", self.churn_label, LEVEL_CHOICES, sort="churn"),
        )

    def _menu(self, name: str, label: str, choices: tuple[tuple[str, str, str], ...], sort: str = "") -> Menu:
        chosen = self.cleaned_data.get(name, ())
        options = tuple(Option(value, words, hint, value in chosen) for value, words, hint in choices)
        return Menu(name, label, options, name in self.errors, sort)


class OrderSearchForm(forms.Form):
    """Words of a product, or an order number. `few` asks for the short pages of Customer 360."""

    q = forms.CharField(
        required=False,
        max_length=100,
        label="Search orders",
        error_messages=UNSEARCHABLE,
    )
    page = forms.IntegerField(required=False, min_value=1, max_value=100_000)
    few = forms.BooleanField(required=False)

    def text(self) -> str:
        """What was searched for; empty if nothing was, or nothing that can be searched for."""
        return str(self.cleaned_data.get("q") or "")

    def page_number(self) -> int:
        """The page asked for, or the first."""
        return int(self.cleaned_data.get("page") or 1)
