"""The orders of the list, each served by an index, and places in them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from customers.models import Customer
from customers.money import MoneyField, from_units
from predictions.models import Prediction


@dataclass(frozen=True)
class Sort:
    """An order that an index serves: by `column` of `model`, the largest first unless told, then by key."""

    model: type[Prediction] | type[Customer]
    column: str
    largest_first: bool = True

    @property
    def of_scores(self) -> bool:
        """Whether the order is that of a prediction, which leaves out those without one."""
        return self.model is Prediction

    @property
    def is_money(self) -> bool:
        """Whether the column holds an amount."""
        return isinstance(self.model._meta.get_field(self.column), MoneyField)


SORTS = {
    "value_at_risk": Sort(Prediction, "value_at_risk"),
    "lapse_risk": Sort(Prediction, "lapse_risk_score"),
    "churn_risk": Sort(Prediction, "churn_risk_score"),
    "lifetime_value": Sort(Customer, "lifetime_value"),
    "last_order": Sort(Customer, "last_order_at"),
    "customer_id": Sort(Customer, "customer_id", largest_first=False),
}


@dataclass(frozen=True)
class Place:
    """Behind one customer in an order: the value as plain JSON (money in units, moments as text) and the customer's key."""

    value: int | float | str
    key: int

    @classmethod
    def behind(cls, value: Any, key: int) -> "Place":
        """Behind who has `value` as a query for it found it."""
        return cls(value.isoformat() if isinstance(value, datetime) else value, key)

    def as_value_of(self, sort: Sort) -> Any:
        """The value as a query for `sort` compares it."""
        if sort.is_money:
            return from_units(int(self.value))
        return datetime.fromisoformat(str(self.value)) if sort.column == "last_order_at" else self.value
