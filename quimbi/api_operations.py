"""How the OpenAPI document puts an operation into words: a headline and what follows it, both from one docstring."""

import re

from drf_spectacular.openapi import AutoSchema


class OperationSchema(AutoSchema):
    """What `DEFAULT_SCHEMA_CLASS` names. It stands alone here: drf-spectacular's views ask for it while they are imported."""

    def get_summary(self) -> str | None:
        """The first sentence of the method's docstring (of the view's where it has none), without its full stop."""
        return told(super().get_description())[0] or None

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular asks without path and method
        """What the docstring says after that sentence, as Markdown; "" if nothing."""
        return told(super().get_description())[1]


def told(docstring: str) -> tuple[str, str]:
    """Headline and rest: `("A new webhook", "Only this answer shows its secret.")`. A sentence ends before a space."""
    paragraph, _, others = docstring.strip().partition("\n\n")
    sentence, *more = re.split(r"(?<=\.)\s+", paragraph, maxsplit=1)
    return " ".join(sentence.split()).removesuffix("."), "\n\n".join(filter(None, [*more, others]))
