"""A customer in the list, with scores and archetype or the reason why there is none."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from customers.models import Customer
from insights.churn_risk import NOT_IN_PREDICTION_YET
from insights.directory.reading import Reading
from insights.profiles import AWAITING_FIRST_PURCHASE, NO_RUN_YET, NOT_IN_RUN_YET
from predictions.models import Prediction
from segmentation.models import Membership

_SCORE = ("tier", "churn_risk_score", "lapse_risk_score", "lapse_horizon_days", "value_at_risk", "value_180d", "is_active")
_OWN = ("pk", "customer_id", "order_count", "lifetime_value", "last_order_at")
_CONTACT = ("first_name", "last_name", "email", "phone", "email_consent", "sms_consent")


@dataclass(frozen=True, slots=True)
class Score:
    """What is predicted of a customer, as far as a list shows it."""

    tier: str
    churn_risk_score: float
    lapse_risk_score: float
    lapse_horizon_days: int
    value_at_risk: Decimal
    value_180d: Decimal
    is_active: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a customer, and whether that is allowed."""

    name: str
    email: str
    phone: str
    email_consent: str
    sms_consent: str


@dataclass(frozen=True, slots=True)
class DirectoryRow:
    """A customer in the list. Without an archetype or a score the reason says why, in one sentence."""

    key: int
    customer_id: str
    total_orders: int
    lifetime_value: Decimal
    last_order_at: datetime | None
    archetype_id: str | None
    archetype_reason: str
    score: Score | None
    score_reason: str
    contact: Contact | None = None


def read_rows(customers: QuerySet[Customer], reading: Reading, *, contact: bool = False) -> list[DirectoryRow]:
    """The rows of `customers`, a query for them and their scores, one for their archetypes."""
    columns = (*_OWN, *(f"prediction__{name}" for name in _SCORE), *(_CONTACT if contact else ()))
    read = list(customers.values_list(*columns))
    archetypes: dict[int, str] = {}
    if reading.run_id is not None and read:
        memberships = Membership.objects.filter(run=reading.run_id, customer__in=[row[0] for row in read])
        archetypes = dict(memberships.values_list("customer_id", "archetype__archetype_id"))
    return [_row(values, archetypes, reading, contact=contact) for values in read]


def _row(values: tuple[Any, ...], archetypes: dict[int, str], reading: Reading, *, contact: bool) -> DirectoryRow:
    key, customer_id, orders, lifetime_value, last_order_at = values[: len(_OWN)]
    tier, *score = values[len(_OWN) : len(_OWN) + len(_SCORE)]
    archetype_id = archetypes.get(key) if orders else None
    scored = Score(Prediction.Tier(tier).label, *score) if orders and tier is not None else None
    return DirectoryRow(
        key=key,
        customer_id=customer_id,
        total_orders=orders,
        lifetime_value=lifetime_value,
        last_order_at=last_order_at,
        archetype_id=archetype_id,
        archetype_reason="" if archetype_id else _archetype_reason(orders, reading),
        score=scored,
        score_reason="" if scored else _score_reason(orders, reading),
        contact=_contact(*values[-len(_CONTACT) :]) if contact else None,
    )


def _contact(first_name: str, last_name: str, email: str, phone: str, email_consent: str, sms_consent: str) -> Contact:
    return Contact(f"{first_name} {last_name}".strip(), email, phone, email_consent, sms_consent)


def _archetype_reason(orders: int, reading: Reading) -> str:
    if not orders:
        return AWAITING_FIRST_PURCHASE
    return NOT_IN_RUN_YET if reading.run_id else NO_RUN_YET


def _score_reason(orders: int, reading: Reading) -> str:
    return (reading.missing or NOT_IN_PREDICTION_YET) if orders else AWAITING_FIRST_PURCHASE
