"""A customer as a flat card, for widgets of help desks that show names and values and nothing inside of anything."""

from typing import Any

from rest_framework import serializers

from accounts.api import nulls, reason_field, utc_text
from customers.figures import percentage
from insights.churn_risk import NO_RANGE, ChurnRisk
from insights.profiles import CustomerProfile
from predictions.maths.lapse import LEVELS
from predictions.maths.tiers import TIERS

NO_TICKET = "No ticket is open."
NO_PAGE = "There is no page for an id with a line break."
SCORE_FIELDS = (
    "tier", "lapse_risk_level", "lapse_risk_percentage", "churn_risk_level", "expected_next_order_earliest",
    "expected_next_order_latest", "value_at_risk", "recommendation",
)  # fmt: skip


def card_json(profile: CustomerProfile, open_ticket: str, customer_url: str, *, with_name: bool) -> dict[str, Any]:
    """The card; every null with its reason.

    `open_ticket` is the number of the one that has waited longest, `customer_url` the customer's page; each empty if none.
    """
    customer, metrics, archetype = profile.customer, profile.metrics, profile.archetype
    body: dict[str, Any] = {"customer_id": customer.customer_id}
    if with_name:
        body["name"] = customer.name
    if archetype:
        body["archetype_name"] = archetype.name
    else:
        body |= nulls(["archetype_name"], profile.awaiting_reason)
    body |= {
        "lifetime_value": float(metrics.lifetime_value),
        "total_orders": metrics.total_orders,
        "avg_order_value": float(metrics.avg_order_value),
    }
    if customer.last_order_at is None:
        body |= nulls(["last_order_at", "days_since_last_purchase"], profile.awaiting_reason)
    else:
        body |= {
            "last_order_at": utc_text(customer.last_order_at),
            "days_since_last_purchase": metrics.days_since_last_purchase,
        }
    body |= _score(profile.churn, profile.recommendation) if profile.churn else nulls(SCORE_FIELDS, profile.churn_reason)
    body |= {"open_ticket": open_ticket} if open_ticket else nulls(["open_ticket"], NO_TICKET)
    return body | ({"customer_url": customer_url} if customer_url else nulls(["customer_url"], NO_PAGE))


def _score(risk: ChurnRisk, recommendation: str) -> dict[str, Any]:
    lapse = risk.lapse
    body: dict[str, Any] = {
        "tier": risk.tier,
        "lapse_risk_level": lapse.level,
        "lapse_risk_percentage": percentage(lapse.score, 1),
        "churn_risk_level": risk.level,
        "value_at_risk": float(risk.value_at_risk),
        "recommendation": recommendation,
    }
    if lapse.earliest is None or lapse.latest is None:
        return body | nulls(["expected_next_order_earliest", "expected_next_order_latest"], NO_RANGE)
    return body | {
        "expected_next_order_earliest": lapse.earliest.isoformat(),
        "expected_next_order_latest": lapse.latest.isoformat(),
    }


# --- What the OpenAPI document says ------------------------------------------------------------------------------------


_LEVELS = [name for name, _ in LEVELS]


class CardSchema(serializers.Serializer[Any]):
    """A customer in one level of names and values."""

    customer_id = serializers.CharField()
    name = serializers.CharField(required=False, help_text="Only with the scope read:pii.")
    tier = serializers.ChoiceField(choices=list(TIERS), allow_null=True)
    tier_reason = reason_field()
    archetype_name = serializers.CharField(allow_null=True)
    archetype_name_reason = reason_field()
    lifetime_value = serializers.FloatField(help_text="Valid orders net of refunds, shop currency.")
    total_orders = serializers.IntegerField()
    avg_order_value = serializers.FloatField()
    last_order_at = serializers.DateTimeField(allow_null=True)
    last_order_at_reason = reason_field()
    days_since_last_purchase = serializers.IntegerField(allow_null=True)
    days_since_last_purchase_reason = reason_field()
    lapse_risk_level = serializers.ChoiceField(choices=_LEVELS, allow_null=True)
    lapse_risk_level_reason = reason_field()
    lapse_risk_percentage = serializers.FloatField(allow_null=True, help_text="0 to 100: no order within the own horizon.")
    lapse_risk_percentage_reason = reason_field()
    churn_risk_level = serializers.ChoiceField(choices=_LEVELS, allow_null=True)
    churn_risk_level_reason = reason_field()
    expected_next_order_earliest = serializers.DateField(allow_null=True)
    expected_next_order_earliest_reason = reason_field()
    expected_next_order_latest = serializers.DateField(allow_null=True)
    expected_next_order_latest_reason = reason_field()
    value_at_risk = serializers.FloatField(allow_null=True, help_text="Lapse score times the value expected in 180 days.")
    value_at_risk_reason = reason_field()
    recommendation = serializers.CharField(allow_null=True)
    recommendation_reason = reason_field()
    open_ticket = serializers.CharField(allow_null=True, help_text="Number of the open ticket that has waited longest.")
    open_ticket_reason = reason_field()
    customer_url = serializers.CharField(allow_null=True, help_text="The customer's page in Quimbi.")
    customer_url_reason = reason_field()
