"""What people ask of the archetype pages."""

from typing import TYPE_CHECKING

from django import forms

from segmentation.models import Archetype

METRICS = {"revenue": "total_ltv", "average": "avg_ltv", "members": "member_count"}
MEASURES = (("revenue", "Revenue"), ("average", "Average LTV"), ("members", "Members"))
UNSEARCHABLE = {"max_length": "Search for at most 60 characters.", "null_characters_not_allowed": "Search for plain text."}

if TYPE_CHECKING:
    ArchetypeModelForm = forms.ModelForm[Archetype]
else:
    ArchetypeModelForm = forms.ModelForm


class ArchetypeSearchForm(forms.Form):
    """Search, measure, least number of members and page of the archetype list. Every field may be left out."""

    q = forms.CharField(
        required=False,
        max_length=60,
        label="Search",
        error_messages=UNSEARCHABLE,
    )
    by = forms.ChoiceField(choices=MEASURES, required=False)
    least = forms.IntegerField(required=False, min_value=1, max_value=1_000_000_000)
    page = forms.IntegerField(required=False, min_value=1, max_value=100_000)


class RenameForm(ArchetypeModelForm):
    """A person's own name and description for an archetype."""

    class Meta:
        model = Archetype
        fields = ("name", "description")
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
        error_messages = {"name": {"required": "Give the archetype a name."}}
        help_texts = {
            "name": "Up to 60 characters. The name stays when segments are found again.",
            "description": "Up to 300 characters. Optional.",
        }
