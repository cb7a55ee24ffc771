"""Signing in, and what an admin says about a key."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from accounts.door import TooManyTries, count_try
from accounts.models import (
    A_NAME,
    CUSTOMERS_A_DAY_TAKES,
    REQUESTS_A_MINUTE_TAKES,
    ApiKey,
    User,
    only_figures_from_pages,
    web_origins,
)

if TYPE_CHECKING:
    KeyModelForm = forms.ModelForm[ApiKey]
else:
    KeyModelForm = forms.ModelForm


class SignInForm(AuthenticationForm):
    """A name and its password. After too many wrong ones they are not looked at, and `wait` says for how many seconds."""

    wait = 0

    def clean(self) -> dict[str, Any]:
        """What was given, with the person in `get_user()`. A right password is not counted among the tries."""
        username = self.cleaned_data.get("username")
        if not (self.request and username and self.cleaned_data.get("password")):
            return super().clean()
        try:
            counted = count_try(self.request, username)
        except TooManyTries as refusal:
            self.wait = refusal.wait
            raise ValidationError(str(refusal), code="too_many_tries") from refusal
        given = super().clean()
        counted.was_right()
        return given


def _text(longest: int, sentence: str, **options: Any) -> forms.CharField:
    """A line of text, refused in one sentence whatever is wrong with it."""
    said = dict.fromkeys(("required", "max_length", "null_characters_not_allowed"), sentence)
    return forms.CharField(max_length=longest, error_messages=said, **options)


def _number(least: int, most: int, sentence: str, **options: Any) -> forms.IntegerField:
    """A whole number, refused in one sentence whatever is wrong with it."""
    said = dict.fromkeys(("required", "invalid", "min_value", "max_value"), sentence)
    return forms.IntegerField(min_value=least, max_value=most, error_messages=said, **options)


class OriginsField(forms.CharField):
    """Origins, one a line."""

    widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "placeholder": "https://shop.example"})

    def prepare_value(self, value: Any) -> Any:
        """A list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: str | None) -> list[str]:
        """The lines as a list. Raises `ValidationError` that names the first wrong one."""
        origins = _lines(super().clean(value))
        web_origins(origins)
        return origins

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the lines say something else than the list."""
        return (initial or []) != _lines(data)


def _lines(text: str | None) -> list[str]:
    return list(dict.fromkeys((text or "").split()))


ORIGINS_HELP = (
    "One a line; empty for a key that only servers send. Everybody can copy a key that lies in a page, so such a key may read "
    "figures and nothing else."
)
REQUESTS_HELP = "600 unless told, 120 for a key that names web pages."
FIRST_PAGE_HELP = "With its first web page the limit of a key falls to 120, unless you write another one."
DAYS_TAKES = "Give a whole number of days, from 1 to 365."
CUSTOMERS_HELP = "Different customers a day (UTC), so that a stolen key cannot copy them all; 0 sets no end."


class KeyForm(forms.Form):
    """A new key."""

    name = _text(80, A_NAME, help_text="What will use it, like “dashboard”.")
    scopes = forms.MultipleChoiceField(
        choices=ApiKey.Scope,
        widget=forms.CheckboxSelectMultiple,
        initial=[ApiKey.Scope.READ],
        label="It may",
        error_messages=dict.fromkeys(("required", "invalid_choice", "invalid_list"), "Choose at least one of these."),
    )
    origins = OriginsField(required=False, label="Web pages that may send it", help_text=ORIGINS_HELP)
    days = _number(1, 365, DAYS_TAKES, initial=365, label="Works for, in days", help_text="1 to 365.")
    requests_a_minute = _number(1, 1_000_000, REQUESTS_A_MINUTE_TAKES, required=False, help_text=REQUESTS_HELP)
    customers_a_day = _number(0, 100_000_000, CUSTOMERS_A_DAY_TAKES, initial=ApiKey.CUSTOMERS_A_DAY, help_text=CUSTOMERS_HELP)

    def clean(self) -> dict[str, Any]:
        """What was asked for, web pages only of a key that reads figures and nothing else."""
        asked = super().clean() or self.cleaned_data
        only_figures_from_pages(asked.get("scopes", ()), asked.get("origins", ()))
        return asked

    def issue(self, by: User) -> tuple[ApiKey, str]:
        """Make the key; call it once the form is valid."""
        asked = self.cleaned_data
        return ApiKey.issue(
            asked["name"],
            asked["scopes"],
            origins=asked["origins"],
            created_by=by,
            life=timedelta(days=asked["days"]),
            requests_a_minute=asked["requests_a_minute"],
            customers_a_day=asked["customers_a_day"],
        )


class ChangesOfKey(KeyModelForm):
    """Changes to a key, where one that gets its first web page is limited like one that was made with it."""

    def clean(self) -> dict[str, Any]:
        """What was asked for."""
        asked = super().clean() or self.cleaned_data
        limit = "requests_a_minute"
        is_first = bool(asked.get("origins")) and not self.initial.get("origins")
        if is_first and limit in self.fields and limit not in self.changed_data:
            asked[limit] = min(asked[limit], ApiKey.REQUESTS_A_MINUTE_IF_PUBLISHABLE)
            self.changed_data.append(limit)
        return asked

    def save_changes(self) -> None:
        """Store the columns that were changed. The others belong to whoever revokes or rotates the key meanwhile."""
        self.instance.save(update_fields=self.changed_data)


class KeyChangeForm(ChangesOfKey):
    """What can still be changed about a key: another scope or a longer life is another key."""

    name = _text(80, A_NAME)
    origins = OriginsField(required=False, label="Web pages that may send it", help_text=ORIGINS_HELP)
    requests_a_minute = _number(1, 1_000_000, REQUESTS_A_MINUTE_TAKES, help_text=FIRST_PAGE_HELP)
    customers_a_day = _number(0, 100_000_000, CUSTOMERS_A_DAY_TAKES, help_text=CUSTOMERS_HELP)

    class Meta:
        model = ApiKey
        fields = ("name", "origins", "requests_a_minute", "customers_a_day")
