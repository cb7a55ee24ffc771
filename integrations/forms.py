"""What an admin writes about a webhook."""

from django import forms

from integrations.events import EVENTS
from integrations.http import LONGEST_ADDRESS
from integrations.models import may_be_sent_to


class WebhookForm(forms.Form):
    """Address, events and a description."""

    url = forms.CharField(
        label="Address",
        max_length=LONGEST_ADDRESS,
        validators=[may_be_sent_to],
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Where messages are sent to, like https://example.com/hooks/quimbi.",
        error_messages={"required": "Write the address that messages go to."},
    )
    description = forms.CharField(
        max_length=120, required=False, help_text="What it is for, like “CRM of the sales team”. Optional."
    )
    events = forms.MultipleChoiceField(
        choices=list(EVENTS.items()),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        error_messages={"required": "Choose at least one event."},
    )
