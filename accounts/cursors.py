"""Places in long lists, given out as text: signed, so that nobody makes one up, and good only for the list it came from."""

import hashlib
from typing import Any

from django.core.signing import BadSignature, Signer
from rest_framework import serializers

LONGEST_CURSOR = 600
_NOT_OURS = (
    "This cursor was not given out for this list; take next_cursor as it is and keep the filters and the sort, or leave it out."
)
_SALT = "quimbi.cursor"


def cursor_field() -> serializers.CharField:
    """The parameter that takes a cursor back."""
    return serializers.CharField(
        required=False, max_length=LONGEST_CURSOR, help_text="next_cursor of the page before; the first page without it."
    )


def cursor_for(question: object, place: list[Any]) -> str:
    """`place` (plain values) in the list that `question` asks for. The same place is always the same text, without a date:
    a page that has not changed is the same to the byte."""
    signed: str = Signer(salt=_SALT).sign_object([_fingerprint(question), *place])
    return signed


def place_at(cursor: str, question: object) -> list[Any]:
    """The place that a cursor stands for. Raises `ValidationError` (400) for one that was changed or is another list's."""
    fingerprint: str
    place: list[Any]
    try:
        fingerprint, *place = Signer(salt=_SALT).unsign_object(cursor)
    except BadSignature:
        fingerprint, place = "", []
    if fingerprint != _fingerprint(question):
        raise serializers.ValidationError({"cursor": [_NOT_OURS]})
    return place


def _fingerprint(question: object) -> str:
    return hashlib.sha256(repr(question).encode()).hexdigest()[:12]
