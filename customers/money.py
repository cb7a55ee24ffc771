"""Money: `Decimal` in Python, a whole number of ten-thousandths in the database.

Whole numbers keep sums exact on SQLite, group fast, and make the rows that segmentation reads of fixed width. Four places
hold every currency's minor unit (three at most) and unit prices such as 0.0850.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models

if TYPE_CHECKING:
    MoneyBase = models.Field[Decimal | int, Decimal]
else:
    MoneyBase = models.Field

PLACES = 4
UNIT: int = 10**PLACES
_STEP = Decimal(1).scaleb(-PLACES)


def to_units(amount: Decimal | int | str) -> int:
    """`amount` as a whole number of ten-thousandths, halves to even."""
    return int((Decimal(amount).quantize(_STEP, ROUND_HALF_EVEN) * UNIT).to_integral_value())


def from_units(units: int) -> Decimal:
    """The amount for a number of ten-thousandths, with at least the two places that money is written with."""
    amount = Decimal(int(units)).scaleb(-PLACES)
    return amount.quantize(Decimal("0.01")) if units % 100 == 0 else amount.normalize()


class MoneyField(MoneyBase):
    """An amount in the row's currency. Lookups, `F()` and `Sum` work in the database's units; Python sees `Decimal`."""

    def get_internal_type(self) -> str:
        """A whole number in every database."""
        return "BigIntegerField"

    def from_db_value(self, value: int | None, expression: object, connection: object) -> Decimal | None:
        """Units to an amount."""
        return None if value is None else from_units(int(value))

    def to_python(self, value: Any) -> Decimal | None:
        """What a form or a fixture gives to an amount; `ValidationError` if it is none."""
        if value is None or isinstance(value, Decimal):
            return value
        try:
            return Decimal(str(value))
        except ArithmeticError as problem:
            raise ValidationError(f"{value!r} is not an amount of money.") from problem

    def get_prep_value(self, value: Any) -> Any:
        """An amount to units; expressions pass."""
        value = super().get_prep_value(value)
        return value if value is None or hasattr(value, "resolve_expression") else to_units(value)

    def value_to_string(self, obj: models.Model) -> str:
        """For fixtures."""
        return str(self.value_from_object(obj))

    def formfield(self, **kwargs: Any) -> Any:
        """A field for decimal numbers."""
        from django import forms

        return super().formfield(**{"form_class": forms.DecimalField, **kwargs})
