"""What every endpoint keeps to, so that none has to remember it: named parameters only, a reason beside every null, times in
UTC, and nothing that a shared cache may keep (`accounts.revalidation`)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from math import isfinite
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request

from accounts.cursors import cursor_field
from accounts.limited import Limited
from accounts.revalidation import Revalidated

THE_END = "This is the last page."
"""Why there is no `next_cursor`."""


def nulls(names: Iterable[str], reason: str) -> dict[str, Any]:
    """Each of `names` as null, with the reason beside it."""
    return {key: value for name in names for key, value in ((name, None), (f"{name}_reason", reason))}


def utc_text(moment: datetime) -> str:
    """ "2024-08-29T10:30:00Z"."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def reason_field() -> serializers.CharField:
    """The field beside one that may be null."""
    return serializers.CharField(required=False, help_text="Only beside null.")


class NumberField(serializers.FloatField):
    """A number that is one; "nan" is not."""

    def to_internal_value(self, data: Any) -> float:
        """The number; `ValidationError` for what is none."""
        number: float = super().to_internal_value(data)
        if not isfinite(number):
            self.fail("invalid")
        return number


class Parameters(serializers.Serializer[Any]):
    """An endpoint's query parameters; a subclass names them. The OpenAPI document is made from the same fields."""

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """The checked values of the query string.

        Raises `ValidationError` (400) that names the first parameter that is unknown, given twice or wrong.
        """
        given, known = request.query_params, cls._declared_fields
        if not given and not known:
            return {}
        for name in given:
            if name not in known:
                raise serializers.ValidationError({name: [_unknown(name, known)]}, code="unknown_parameter")
            if len(given.getlist(name)) > 1:
                raise serializers.ValidationError({name: [f"{name} is given twice; give it once."]})
        form = cls(data=given.dict())
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)


class PageParameters(Parameters):
    """Where a page of a list begins and how long it is."""

    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=100)
    cursor = cursor_field()


def _unknown(name: str, known: dict[str, Any]) -> str:
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    return f"{name[:60]!r} is not a parameter of this endpoint; {takes}."


class ApiView(Limited, Revalidated):
    """An endpoint. `self.asked` holds the checked parameters once the caller is known to be allowed."""

    parameters: ClassVar[type[Parameters]] = Parameters
    asked: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, authorise, then read the parameters: a stranger learns nothing about them."""
        super().initial(request, *args, **kwargs)
        if not hasattr(self, str(request.method).lower()):
            raise MethodNotAllowed(str(request.method))
        self.asked = self.parameters.read(request)
