"""Churn and lapse risk as JSON, of one customer and of all, and the same shapes described to the OpenAPI document."""

from decimal import Decimal
from typing import Any, get_args

from rest_framework import serializers

from accounts.api import nulls, reason_field, utc_text
from customers.figures import STEPS, adding_up, money
from insights.churn_risk import NO_RANGE, ORDER_DAYS, VALUE_DAYS, ChurnRisk, LapseRisk
from insights.churn_summary import ChurnSummary, LevelCount, NoSummary
from insights.retention_facts import money_in
from insights.why import Why
from predictions.explaining import ORDER_FREQUENCIES, SILENT_AFTER_GAPS, engagement_trend, labels, value_tier
from predictions.maths.lapse import LEVELS
from predictions.maths.tiers import TIERS
from predictions.models import Prediction
from predictions.retention import Advice, Kind

NOTE = (
    "Every customer with an order is scored; nothing is sampled, so sample_size is everybody and estimated_total is count. "
    "churn_risk_distribution is the chance of no order in the next {days} days, which is high for most customers of any shop; "
    "lapse_risk_distribution asks the same over each customer's own horizon. estimated_churn_30_days and _90_days are active "
    "customers expected to have waited longer than their own horizon by then; the second includes the first."
)


CHURN_FIELDS = (
    "risk_level", "churn_risk_score", "horizon_days", "factors", "recommendation", "lapse_risk", "is_active", "value_at_risk",
    "tier", "as_of", "model_version",
)  # fmt: skip
ADVICE_FIELDS = ("actions", "discount_note", "mail_note")


def churn_risk_json(risk: ChurnRisk, recommendation: str) -> dict[str, Any]:
    """The reference's ChurnRisk without the customer's id, with lapse risk beside it."""
    return {
        "risk_level": risk.level,
        "churn_risk_score": risk.score,
        "horizon_days": risk.churn_days,
        "factors": {
            "recency_days": risk.recency_days,
            "order_frequency": risk.order_frequency,
            "value_tier": risk.value_tier,
            "engagement_trend": risk.engagement_trend,
        },
        "recommendation": recommendation,
        "lapse_risk": _lapse_json(risk.lapse),
        "is_active": risk.is_active,
        "value_at_risk": float(risk.value_at_risk),
        "tier": risk.tier,
        "as_of": utc_text(risk.as_of),
        "model_version": risk.model_version,
    }


def predicted_json(risk: ChurnRisk, lifetime_value: Decimal) -> dict[str, Any]:
    """Expected orders and value by days ahead, and what the lifetime value comes to with them."""
    return {
        "predicted_value": {
            str(days): {
                name: float(amount) for name, amount in (("expected", each.value), ("low", each.low), ("high", each.high))
            }
            for days, each in risk.expected.items()
        },
        "predicted_orders": {str(days): orders for days, orders in risk.orders.items()},
        "lifetime_value_with_forecast": {str(days): float(lifetime_value + each.value) for days, each in risk.expected.items()},
    }


def advice_json(advice: Advice) -> dict[str, Any]:
    """What to do, and what is not suggested and why."""
    return {
        "actions": [
            {"kind": action.kind, "title": action.title, "why": action.why, "cost": action.cost} for action in advice.actions
        ],
        "discount_note": advice.discount_note,
        "mail_note": advice.mail_note,
    }


def explanation_json(why: Why, order_count: int, currency: str) -> dict[str, Any]:
    """What the lapse risk is made of: contributions from -1 to 1 that add up to the score told, with the base."""
    explanation = why.explanation
    if explanation is None:
        return {"explanation": None, "explanation_reason": why.reason}
    words = labels(explanation, money_in(currency), order_count=order_count)
    shares = [explanation.base, *(contribution for _, contribution in explanation.parts)]
    base, *parts = (steps / STEPS for steps in adding_up(shares, round(STEPS * explanation.score)))
    return {
        "explanation": {
            "score": explanation.score,
            "base": base,
            "parts": [
                {"factor": group, "contribution": contribution, "words": words[group]}
                for (group, _), contribution in zip(explanation.parts, parts, strict=True)
            ],
        }
    }


def _lapse_json(lapse: LapseRisk) -> dict[str, Any]:
    body: dict[str, Any] = {
        "risk_level": lapse.level,
        "lapse_risk_score": lapse.score,
        "horizon_days": lapse.horizon_days,
        "usual_gap_days": lapse.usual_gap_days,
        "overdue_ratio": lapse.overdue_ratio,
    }
    if lapse.earliest is None or lapse.latest is None:
        return body | {"expected_next_order": None, "expected_next_order_reason": NO_RANGE}
    return body | {"expected_next_order": {"earliest": lapse.earliest.isoformat(), "latest": lapse.latest.isoformat()}}


def churn_aggregate_json(summary: ChurnSummary | NoSummary) -> dict[str, Any]:
    """The reference's ChurnAggregate; where nothing is predicted its figures are null with a reason."""
    if isinstance(summary, NoSummary):
        names = ("churn_risk_distribution", "lapse_risk_distribution", "estimated_churn_30_days", "estimated_churn_90_days")
        return {"total_customers": summary.buyers, "sample_size": 0, **nulls(names, summary.reason), "note": summary.reason}
    return {
        "total_customers": summary.scored,
        "sample_size": summary.scored,
        "churn_risk_distribution": {name: _level_json(count) for name, count in summary.churn.items()},
        "lapse_risk_distribution": {name: _level_json(count) for name, count in summary.lapse.items()},
        "estimated_churn_30_days": round(summary.lapsing_30d),
        "estimated_churn_90_days": max(round(summary.lapsing_90d), round(summary.lapsing_30d)),
        "active_customers": summary.active,
        "value_at_risk": money(summary.value_at_risk),
        "horizon_days": summary.churn_days,
        "as_of": utc_text(summary.as_of),
        "model_version": summary.model_version,
        "note": NOTE.format(days=summary.churn_days),
    }


def _level_json(count: LevelCount) -> dict[str, Any]:
    return {
        "count": count.customers,
        "percentage": count.percentage,
        "estimated_total": count.customers,
        "active": count.active,
        "value_at_risk": money(count.value_at_risk),
        "expected_value_365_days": money(count.expected_value_365d),
    }


# --- What the OpenAPI document says ------------------------------------------------------------------------------------


class ChurnFactorsSchema(serializers.Serializer[Any]):
    """What the risk is told from, in the reference's words."""

    recency_days = serializers.IntegerField(
        help_text="Days since the last order, by today and the shop's calendar: days_since_last_purchase of the profile."
    )
    order_frequency = serializers.ChoiceField(choices=[*(word for _, word in ORDER_FREQUENCIES), "rarely", "one_order"])
    value_tier = serializers.ChoiceField(
        choices=[value_tier(tier) for tier in Prediction.Tier.values], help_text="By lifetime value among buyers."
    )
    engagement_trend = serializers.ChoiceField(
        choices=[engagement_trend(trend) for trend in Prediction.Trend.values],
        help_text=f"How often the customer comes lately; declining after more than {SILENT_AFTER_GAPS} usual gaps of silence.",
    )


class ExpectedNextOrderSchema(serializers.Serializer[Any]):
    """Days of the shop's calendar between which three of five such customers come back."""

    earliest = serializers.DateField()
    latest = serializers.DateField()


class LapseRiskSchema(serializers.Serializer[Any]):
    """No order within the customer's own horizon: 30, 90 or 180 days, the smallest that is twice the usual gap."""

    risk_level = serializers.ChoiceField(choices=[name for name, _ in LEVELS])
    lapse_risk_score = serializers.FloatField(help_text="0 to 1.")
    horizon_days = serializers.IntegerField()
    usual_gap_days = serializers.IntegerField(help_text="The own mean gap, drawn towards the shop's.")
    overdue_ratio = serializers.FloatField(
        help_text="recency_days over the usual gap before it is rounded; told, never scored with."
    )
    expected_next_order = ExpectedNextOrderSchema(allow_null=True)
    expected_next_order_reason = reason_field()


class ChurnSchema(serializers.Serializer[Any]):
    """Churn risk: the calibrated probability of no order in the next horizon_days."""

    risk_level = serializers.ChoiceField(
        choices=[name for name, _ in LEVELS], help_text="critical from .7, high .5, medium .3."
    )
    churn_risk_score = serializers.FloatField(help_text="0 to 1.")
    horizon_days = serializers.IntegerField()
    factors = ChurnFactorsSchema()
    recommendation = serializers.CharField()
    lapse_risk = LapseRiskSchema()
    is_active = serializers.BooleanField(help_text="Waits no longer than the own horizon.")
    value_at_risk = serializers.FloatField(help_text="Lapse score times the value expected in 180 days, shop currency.")
    tier = serializers.ChoiceField(choices=list(TIERS))
    as_of = serializers.DateTimeField(help_text="The moment of the score.")
    model_version = serializers.IntegerField()


class ActionSchema(serializers.Serializer[Any]):
    """Something to do about a customer."""

    kind = serializers.ChoiceField(choices=get_args(Kind))
    title = serializers.CharField()
    why = serializers.CharField()
    cost = serializers.CharField(help_text="In words; empty where there is none to speak of.")


class ExplanationPartSchema(serializers.Serializer[Any]):
    """What one group of inputs adds to the lapse risk."""

    factor = serializers.CharField()
    contribution = serializers.FloatField(help_text="-1 to 1.")
    words = serializers.CharField()


class ExplanationSchema(serializers.Serializer[Any]):
    """The lapse risk in parts: base and contributions add up to score. Facts are those of as_of, when it was scored."""

    score = serializers.FloatField()
    base = serializers.FloatField(help_text="The mean lapse risk of customers of this shop over the same horizon.")
    parts = ExplanationPartSchema(many=True)


class ExpectedValueSchema(serializers.Serializer[Any]):
    """Value expected in so many days; four of five customers end between low and high."""

    expected = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class PredictedValueSchema(serializers.Serializer[Any]):
    """By days ahead."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """90, 180 and 365."""
        return {str(days): ExpectedValueSchema() for days in VALUE_DAYS}


class PredictedOrdersSchema(serializers.Serializer[Any]):
    """By days ahead."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """30, 90, 180 and 365."""
        return {str(days): serializers.FloatField() for days in ORDER_DAYS}


class ValueWithForecastSchema(serializers.Serializer[Any]):
    """By days ahead."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """90, 180 and 365."""
        return {str(days): serializers.FloatField() for days in VALUE_DAYS}


class LevelCountSchema(serializers.Serializer[Any]):
    """Customers at one level."""

    count = serializers.IntegerField()
    percentage = serializers.FloatField(help_text="0 to 100, of all scored customers.")
    estimated_total = serializers.IntegerField(help_text="The same as count: nobody is sampled.")
    active = serializers.IntegerField(help_text="Of those, who waits no longer than the own horizon.")
    value_at_risk = serializers.FloatField()
    expected_value_365_days = serializers.FloatField()


class DistributionSchema(serializers.Serializer[Any]):
    """By level."""

    critical = LevelCountSchema()
    high = LevelCountSchema()
    medium = LevelCountSchema()
    low = LevelCountSchema()


class ChurnAggregateSchema(serializers.Serializer[Any]):
    """Churn and lapse risk of everybody who has ordered."""

    total_customers = serializers.IntegerField(help_text="Customers with an order.")
    sample_size = serializers.IntegerField(help_text="All of them, since nobody is sampled; 0 while nobody is scored.")
    churn_risk_distribution = DistributionSchema(allow_null=True)
    churn_risk_distribution_reason = reason_field()
    lapse_risk_distribution = DistributionSchema(allow_null=True)
    lapse_risk_distribution_reason = reason_field()
    estimated_churn_30_days = serializers.IntegerField(allow_null=True)
    estimated_churn_30_days_reason = reason_field()
    estimated_churn_90_days = serializers.IntegerField(allow_null=True)
    estimated_churn_90_days_reason = reason_field()
    active_customers = serializers.IntegerField(required=False)
    value_at_risk = serializers.FloatField(required=False)
    horizon_days = serializers.IntegerField(required=False)
    as_of = serializers.DateTimeField(required=False)
    model_version = serializers.IntegerField(required=False)
    note = serializers.CharField()
