"""What an admin says about a key."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone

from accounts.models import ApiKey, User, web_origins

if TYPE_CHECKING:
    KeyModelForm = forms.ModelForm[ApiKey]
else:
    KeyModelForm = forms.ModelForm


class OriginsField(forms.CharField):
    """Origins, one a line."""

    widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "placeholder": "https://shop.example"})

    def prepare_value(self, value: Any) -> Any:
        """A list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: str | None) -> list[str]:
        """The lines as a list. Raises `ValidationError` that names the first wrong one."""
        origins = list(dict.fromkeys((super().clean(value) or "").split()))
        web_origins(origins)
        return origins


ORIGINS_HELP = (
    "One a line; empty for a key that only servers send. Everybody can read a key that lies in a page, so such a key should "
    "only read figures."
)
REQUESTS_HELP = "600 unless told, 120 for a key that only reads figures and names web pages."
CUSTOMERS_HELP = "Different customers a day (UTC), so that a stolen key cannot copy them all; 0 sets no end."


class KeyForm(forms.Form):
    """A new key."""

    name = forms.CharField(max_length=80, help_text="What will use it, like “dashboard”.")
    scopes = forms.MultipleChoiceField(
        choices=ApiKey.Scope,
        widget=forms.CheckboxSelectMultiple,
        initial=[ApiKey.Scope.READ],
        label="It may",
        error_messages={"required": "Choose at least one."},
    )
    origins = OriginsField(required=False, label="Web pages that may send it", help_text=ORIGINS_HELP)
    days = forms.IntegerField(min_value=1, max_value=365, initial=365, label="Works for, in days", help_text="1 to 365.")
    requests_a_minute = forms.IntegerField(required=False, min_value=1, max_value=1_000_000, help_text=REQUESTS_HELP)
    customers_a_day = forms.IntegerField(
        min_value=0, max_value=100_000_000, initial=ApiKey.CUSTOMERS_A_DAY, help_text=CUSTOMERS_HELP
    )

    def issue(self, by: User) -> tuple[ApiKey, str]:
        """Make the key; call it once the form is valid."""
        asked = self.cleaned_data
        # The longest life is counted from the key's own creation, a moment from now: leave it to the model.
        short = asked["days"] < ApiKey.LONGEST_LIFE.days
        return ApiKey.issue(
            asked["name"],
            asked["scopes"],
            origins=asked["origins"],
            created_by=by,
            expires_at=timezone.now() + timedelta(days=asked["days"]) if short else None,
            requests_a_minute=asked["requests_a_minute"],
            customers_a_day=asked["customers_a_day"],
        )


class KeyChangeForm(KeyModelForm):
    """What can still be changed about a key: another scope or a longer life is another key."""

    origins = OriginsField(required=False, label="Web pages that may send it", help_text=ORIGINS_HELP)

    class Meta:
        model = ApiKey
        fields = ("name", "origins", "requests_a_minute", "customers_a_day")
        help_texts = {"customers_a_day": CUSTOMERS_HELP}
