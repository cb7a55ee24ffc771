"""What is wrong with a value that the API was sent: one sentence that says what to send instead.

The serializers keep the framework's own checks; its words for them ("Ensure this value is less than or equal to 100.") are
replaced here, by the kind of the field and its bounds. Sentences of our own are left as they are.
"""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

A_DAY = "2026-11-26"
LONGEST_NAME = 60
NO_TEXT = {"null_characters_not_allowed", "surrogate_characters_not_allowed"}

AnyField = serializers.Field[Any, Any, Any, Any]
KINDS = (
    (serializers.BooleanField, "true or false"),
    (serializers.DateField, f"a day like {A_DAY}"),
    (serializers.IntegerField, "a whole number"),
    (serializers.FloatField, "a number"),
    (serializers.ListField, "a list"),
)


def echoed(name: object) -> str:
    """A name that somebody sent, fit to be sent back: not long, and without halves of characters, which no encoding takes."""
    return str(name)[:LONGEST_NAME].encode(errors="replace").decode()


def sentence(name: str, field: AnyField | None, detail: ErrorDetail, given: object) -> str:
    """What is wrong with the field `name`, for which `given` was sent; `detail` is what the framework, or we, found."""
    if field is None or not _is_the_frameworks(field, detail):
        return str(detail)
    if detail.code == "required":
        return f"{name} is missing; give it."
    if detail.code == "blank":
        return f"{name} is empty; give it a value{'' if field.required else ' or leave it out'}."
    if detail.code in NO_TEXT:
        return f"{name} takes text without null characters and halves of characters."
    if detail.code == "null":
        return f"{name} takes {_kind(field)}, and not null."
    return f"{name} takes {_kind(field)}{_near_miss(field, given)}."


def is_stock(said: str, framework: object) -> bool:
    """Whether a sentence is one of the framework's, whatever was put into it."""
    return said.startswith(str(framework).partition("{")[0])


def _is_the_frameworks(field: AnyField, detail: ErrorDetail) -> bool:
    """Whether the words are the framework's, and not a sentence that a field or a serializer of ours has for it."""
    for known in type(field).__mro__:
        said = vars(known).get("default_error_messages", {}).get(detail.code)
        if said is not None and known.__module__.startswith("rest_framework."):
            return is_stock(detail, said)
    return detail.code != "invalid"


def _kind(field: AnyField) -> str:
    """ "a whole number from 1 to 100"."""
    if choices := _choices(getattr(field, "child", field)):
        return f"{'a list of one or more' if isinstance(field, serializers.ListField) else 'one'} of {choices}"
    words = next((words for kind, words in KINDS if isinstance(field, kind)), "text")
    if isinstance(field, serializers.CharField) and field.max_length:
        return f"text of at most {field.max_length} characters"
    return words + _range(getattr(field, "min_value", None), getattr(field, "max_value", None))


def _choices(field: object) -> str:
    return ", ".join(str(choice) for choice in field.choices) if isinstance(field, serializers.ChoiceField) else ""


def _range(least: float | None, most: float | None) -> str:
    least_told, most_told = (None if bound is None else f"{bound:,}".removesuffix(".0") for bound in (least, most))
    if least_told and most_told:
        return f" from {least_told} to {most_told}"
    return f" from {least_told} on" if least_told else f" up to {most_told}" if most_told else ""


def _near_miss(field: object, given: object) -> str:
    """For a choice that is right but for its case."""
    if not isinstance(field, serializers.ChoiceField) or not isinstance(given, str):
        return ""
    return f"; write {given.lower()}" if given not in field.choices and given.lower() in field.choices else ""


def field_of(detail: Any, name: str) -> tuple[AnyField | None, object]:
    """The field behind an error of a serializer, and what it was sent; None if the error is of no serializer."""
    serializer = getattr(detail, "serializer", None)
    if not isinstance(serializer, serializers.Serializer):
        return None, None
    sent = getattr(serializer, "initial_data", None)
    return serializer.fields.get(name), sent.get(name) if isinstance(sent, Mapping) else None
