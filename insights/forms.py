"""What people ask of the growth page."""

from django import forms

from predictions.maths.projection import Assumptions

MONTHS = 12
_PERCENTAGE = {"min_value": "{} is a percentage from 0 to 100.", "invalid": "{} is a percentage from 0 to 100, such as 4.5."}


def _percentage(label: str) -> forms.FloatField:
    wrong = {kind: text.format(label) for kind, text in {**_PERCENTAGE, "max_value": _PERCENTAGE["min_value"]}.items()}
    return forms.FloatField(required=False, min_value=0, max_value=100, label=f"{label} a month, %", error_messages=wrong)


class GrowthForm(forms.Form):
    """Rates in place of the shop's own, in percent a month, and how many months. Every field may be left out."""

    churn = _percentage("Churn")
    acquisition = _percentage("Acquisition")
    months = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=60,
        label="Months ahead",
        error_messages=dict.fromkeys(("min_value", "max_value", "invalid"), "Months ahead is a whole number from 1 to 60."),
    )

    def show_own(self, assumed: Assumptions) -> None:
        """Show the shop's own rates in the fields that were left empty."""
        self.fields["churn"].widget.attrs["placeholder"] = f"{100 * assumed.churn_rate:.1f}, the shop’s own"
        self.fields["acquisition"].widget.attrs["placeholder"] = f"{100 * assumed.acquisition_rate:.1f}, the shop’s own"
        self.fields["months"].widget.attrs["placeholder"] = f"{MONTHS}"

    @property
    def months_asked(self) -> int:
        """The months that are asked for; a year, if none are or what was asked cannot be read."""
        return (self.cleaned_data.get("months") if self.is_valid() else None) or MONTHS

    def rate(self, name: str) -> float | None:
        """A rate from 0 to 1; None for the shop's own, also if any field cannot be read."""
        percentage = self.cleaned_data.get(name) if self.is_valid() else None
        return None if percentage is None else percentage / 100
