"""What people say about a file that they import."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from babel.core import get_global
from babel.numbers import get_currency_name
from django import forms

from customers.models import DataImport

SOURCES = {
    "generic": "Any table, columns matched here",
    "shopify": "Shopify export",
    "shopify-bulk": "Shopify bulk export (JSON lines)",
    "woocommerce": "WooCommerce export",
    "online-retail": "Online Retail II",
}
KINDS = {"orders": "Orders", "customers": "Customers", "tickets": "Support tickets"}


class UploadForm(forms.Form):
    """The file and what it holds."""

    file = forms.FileField(
        label="File",
        max_length=None,
        help_text="A .csv, .tsv, .txt or .jsonl file, or one of them as .gz.",
        error_messages={
            "required": "Choose a file first.",
            "empty": "The file is empty: export it again.",
            "missing": "Choose a file first.",
            "invalid": "Choose a file first.",
        },
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.jsonl,.gz"}),
    )
    kind = forms.ChoiceField(
        label="What it holds",
        required=False,
        choices=[("", "Tell from its columns"), *KINDS.items()],
        error_messages={"invalid_choice": "Choose orders, customers or tickets."},
    )


class AnswersForm(forms.Form):
    """Everything that may be said on the page "Match columns", but for the columns themselves. Nothing is required here:
    what the file leaves open is asked for by the report of the file."""

    source = forms.CharField(required=False, max_length=20)
    kind = forms.CharField(required=False, max_length=12)
    encoding = forms.CharField(required=False, max_length=20)
    time_zone = forms.CharField(required=False, max_length=64)
    currency = forms.CharField(required=False, max_length=3)
    date_order = forms.CharField(required=False, max_length=3)
    decimal_mark = forms.CharField(required=False, max_length=1)
    amount_per = forms.CharField(required=False, max_length=5)
    drawn_for = forms.CharField(required=False, max_length=80)
    segment = forms.BooleanField(required=False)
    segment_was = forms.CharField(required=False, max_length=4)


@dataclass(frozen=True)
class Wish:
    """Whether customers shall be segmented after the import: as somebody said, or as is usual for what the file holds."""

    is_wanted: bool
    is_said: bool = False

    @property
    def mark(self) -> str:
        """What the page sends back, so that the next answer shows whether the tick was touched."""
        return "said" if self.is_said else "on" if self.is_wanted else "off"


def segments_wanted(said: Mapping[str, Any], kind: str) -> Wish:
    """Follow the kind of file until somebody touched the tick; a form without `segment_was` means what it says."""
    ticked, was = bool(said.get("segment")), said.get("segment_was")
    is_said = was is not None and (was not in {"on", "off"} or ticked != (was == "on"))
    return Wish(ticked if is_said else kind != DataImport.Kind.CUSTOMERS, is_said)


@lru_cache(maxsize=1)
def currencies() -> tuple[tuple[str, str], ...]:
    """Currencies in use today: (code, "USD, US Dollar")."""
    today = {
        code for of in get_global("territory_currencies").values() for code, _, end, tender in of if end is None and tender
    }
    return tuple((code, f"{code}, {get_currency_name(code, locale='en_US')}") for code in sorted(today))


@lru_cache(maxsize=1)
def time_zones() -> tuple[tuple[str, str], ...]:
    """Zones by place, and UTC."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return tuple(
        (zone, zone.replace("_", " ")) for zone in ["UTC", *sorted(z for z in available_timezones() if z.startswith(areas))]
    )


def may_be_changed(data_import: DataImport) -> bool:
    """Whether nothing of the file is stored or under way, so that it can still be read in another manner."""
    states = DataImport.State
    begun = data_import.state in (states.DONE, states.STORING, states.STOPPED)
    return not begun and (data_import.job is None or data_import.job.has_ended)
