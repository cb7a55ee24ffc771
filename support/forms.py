"""What people ask of the ticket pages."""

from django import forms


class TicketPageForm(forms.Form):
    """Which page of a customer's tickets. `few` asks for the short pages of Customer 360."""

    page = forms.IntegerField(required=False, min_value=1, max_value=100_000)
    few = forms.BooleanField(required=False)
