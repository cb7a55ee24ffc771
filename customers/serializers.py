"""Customers as JSON. The dicts are built by hand, because a profile is read a thousand times a second; the serializers
beside them describe the same shape to the OpenAPI document. Renaming for the contract happens here and nowhere else."""

from typing import Any

from rest_framework import serializers

from accounts.api import Parameters, nulls, utc_text
from customers.figures import to_cents
from customers.models import Customer, Order, phone_key
from customers.order_search import FoundOrders
from insights.churn_json import (
    ADVICE_FIELDS,
    CHURN_FIELDS,
    ActionSchema,
    ChurnSchema,
    ExplanationSchema,
    PredictedOrdersSchema,
    PredictedValueSchema,
    ValueWithForecastSchema,
    advice_json,
    churn_risk_json,
    explanation_json,
    predicted_json,
)
from insights.looking_up import Matches
from insights.profiles import ArchetypeCard, CustomerProfile
from insights.why import Why
from predictions.retention import Advice, recommendation

TERMS_AT_MOST = 10


class OrderParameters(Parameters):
    """Which of a customer's orders."""

    search_terms = serializers.CharField(
        required=False, allow_blank=True, max_length=500, help_text="Comma-separated; an order with any of them in a line."
    )
    start_date = serializers.DateField(required=False, input_formats=["%Y-%m-%d"], help_text="YYYY-MM-DD, the shop's zone.")
    end_date = serializers.DateField(required=False, input_formats=["%Y-%m-%d"], help_text="YYYY-MM-DD, that day included.")
    limit = serializers.IntegerField(required=False, default=100, min_value=1, max_value=100)
    offset = serializers.IntegerField(required=False, default=0, min_value=0, max_value=1_000_000)

    def validate_search_terms(self, text: str) -> list[str]:
        """The terms without blanks and empty ones."""
        terms = [term.strip() for term in text.split(",") if term.strip()]
        if len(terms) > TERMS_AT_MOST:
            raise serializers.ValidationError(f"Give at most {TERMS_AT_MOST} search terms.")
        return terms

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Refuse a period that ends before it begins."""
        start, end = asked.get("start_date"), asked.get("end_date")
        if start and end and end < start:
            raise serializers.ValidationError({"end_date": [f"end_date {end} is before start_date {start}; swap them."]})
        return asked


class ChurnParameters(Parameters):
    """Whether to say what the score is made of, which takes some ten milliseconds."""

    explain = serializers.BooleanField(required=False, default=False)


class LookupParameters(Parameters):
    """The address or the number, exactly one of them. Both are personal data: keep such URLs out of logs."""

    email = serializers.CharField(required=False, max_length=254, help_text="Upper and lower case are the same.")
    phone = serializers.CharField(
        required=False, max_length=40, help_text="Compared by its digits; with the country code if the shop stores it."
    )

    def validate_phone(self, phone: str) -> str:
        """Refuse what has no digit."""
        if not phone_key(phone):
            raise serializers.ValidationError("A telephone number has digits; give it like +44 20 7946 0000.")
        return phone

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Refuse both and neither."""
        if len(asked) != 1:
            raise serializers.ValidationError({"email": ["Give either email or phone."]})
        return asked


def profile_json(profile: CustomerProfile) -> dict[str, Any]:
    """`insights.profiles.CustomerProfile` as the reference's CustomerProfile. Every null has a reason beside it."""
    metrics = profile.metrics
    business_metrics: dict[str, Any] = {
        "lifetime_value": float(metrics.lifetime_value),
        "total_orders": metrics.total_orders,
        "avg_order_value": float(metrics.avg_order_value),
        "days_since_last_purchase": metrics.days_since_last_purchase,
    }
    if metrics.days_since_last_purchase is None:
        business_metrics["days_since_last_purchase_reason"] = profile.awaiting_reason
    business_metrics["customer_tenure_days"] = metrics.customer_tenure_days
    body: dict[str, Any] = {"customer_id": profile.customer.customer_id}
    if profile.archetype is None:
        body |= {"archetype": None, "archetype_reason": profile.awaiting_reason}
    else:
        body["archetype"] = _archetype_json(profile.archetype, profile.run_id)
    if profile.axes is None:
        body |= {"fuzzy_memberships": None, "fuzzy_memberships_reason": profile.awaiting_reason}
    else:
        body["fuzzy_memberships"] = {axis.axis: {segment: share for segment, _, share in axis.shares} for axis in profile.axes}
    body["business_metrics"] = business_metrics
    if profile.churn is None:
        body |= nulls(
            ("churn_risk", "predicted_value", "predicted_orders", "lifetime_value_with_forecast"), profile.churn_reason
        )
    else:
        body["churn_risk"] = churn_risk_json(profile.churn, profile.recommendation)
        body |= predicted_json(profile.churn, metrics.lifetime_value)
    body["as_of"] = utc_text(profile.as_of)
    return body


def found_json(matches: Matches) -> dict[str, Any]:
    """One match as a profile with contact data; several as a list of them with the count."""
    found = [_found_json(profile) for profile in matches.profiles]
    return found[0] if len(found) == 1 else {"count": matches.count, "is_capped": matches.is_capped, "customers": found}


def _found_json(profile: CustomerProfile) -> dict[str, Any]:
    customer = profile.customer
    return profile_json(profile) | {"name": customer.name, "email": customer.email, "phone": customer.phone}


def customer_churn_json(
    profile: CustomerProfile, advice: Advice | None, explained: Why | None, currency: str
) -> dict[str, Any]:
    """The reference's ChurnRisk of one customer; without a score everything but the id is null, with the reason."""
    body: dict[str, Any] = {"customer_id": profile.customer.customer_id}
    if profile.churn is None or advice is None:
        return body | nulls((*CHURN_FIELDS, *ADVICE_FIELDS), profile.churn_reason)
    body |= churn_risk_json(profile.churn, recommendation(advice)) | advice_json(advice)
    return body if explained is None else body | explanation_json(explained, profile.customer.order_count, currency)


def _archetype_json(card: ArchetypeCard, run_id: int | None) -> dict[str, Any]:
    return {
        "archetype_id": card.archetype_id,
        "dominant_segments": card.dominant_segments,
        "member_count": card.member_count,
        "population_percentage": card.population_percentage,
        "segment_name": card.name,
        "description": card.description,
        "key_traits": card.key_traits,
        "avg_ltv": float(card.avg_ltv),
        "avg_orders": card.avg_orders,
        "match": {"agrees_on": card.agrees_on, "defining_axes": card.defining_axes},
        "run_id": run_id,
    }


def orders_json(customer: Customer, found: FoundOrders) -> dict[str, Any]:
    """A page of orders. `total_orders` and `total_spent` are the customer's, over valid orders, net of refunds."""
    return {
        "customer_id": customer.customer_id,
        "orders": [_order_json(order) for order in found.orders],
        "total_orders": customer.order_count,
        "total_spent": str(to_cents(customer.lifetime_value)),
        "matching_orders": found.matching,
        "limit": found.limit,
        "offset": found.offset,
        "has_more": found.has_more,
    }


def _order_json(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "order_number": str(order),
        "created_at": utc_text(order.placed_at),
        "total_price": str(order.total),
        "line_items": [
            {
                "title": line.product.title,
                "vendor": line.product.vendor,
                "quantity": line.quantity,
                "price": str(line.unit_price),
                "discount": str(line.discount),
                "sku": line.product.sku,
                "product_id": line.product.product_id,
                "category": line.product.category,
            }
            for line in order.line_items.all()
        ],
        "tracking_numbers": order.tracking_numbers,
        "fulfillment_status": order.fulfillment_status,
        "financial_status": order.financial_status,
        "currency": order.currency,
        "refunded": str(order.refunded),
        "counts": not order.left_out,
        "left_out_because": order.get_left_out_display() if order.left_out else "",
    }


# --- What the OpenAPI document says ------------------------------------------------------------------------------------


class MatchSchema(serializers.Serializer[Any]):
    """How well the archetype fits this customer."""

    agrees_on = serializers.IntegerField(help_text="Defining axes on which the customer agrees with the archetype.")
    defining_axes = serializers.ListField(child=serializers.CharField())


class CustomerArchetypeSchema(serializers.Serializer[Any]):
    """The archetype that the customer belongs to."""

    archetype_id = serializers.CharField()
    dominant_segments = serializers.DictField(child=serializers.CharField(), help_text="{axis: segment} of the archetype.")
    member_count = serializers.IntegerField()
    population_percentage = serializers.FloatField(help_text="0 to 100, of segmented customers; a size, not a rank.")
    segment_name = serializers.CharField()
    description = serializers.CharField()
    key_traits = serializers.ListField(child=serializers.CharField())
    avg_ltv = serializers.FloatField(help_text="Members' mean lifetime value.")
    avg_orders = serializers.FloatField(help_text="Members' mean number of orders.")
    match = MatchSchema()
    run_id = serializers.IntegerField(help_text="The segmentation run that all of this was read from.")


class BusinessMetricsSchema(serializers.Serializer[Any]):
    """Over valid orders: paid or partly refunded, not cancelled, not a test, above zero, in the shop's currency."""

    lifetime_value = serializers.FloatField(help_text="Valid orders net of refunds, shop currency; 0 without orders.")
    total_orders = serializers.IntegerField()
    avg_order_value = serializers.FloatField()
    days_since_last_purchase = serializers.IntegerField(allow_null=True, help_text="Whole days; null without orders.")
    days_since_last_purchase_reason = serializers.CharField(required=False, help_text="Only beside null.")
    customer_tenure_days = serializers.IntegerField()


class CustomerProfileSchema(serializers.Serializer[Any]):
    """A customer with archetype, fuzzy memberships and business metrics, and without contact data."""

    customer_id = serializers.CharField()
    archetype = CustomerArchetypeSchema(allow_null=True)
    archetype_reason = serializers.CharField(required=False, help_text="Only beside null: why there is none yet.")
    fuzzy_memberships = serializers.DictField(
        child=serializers.DictField(child=serializers.FloatField()),
        allow_null=True,
        help_text="{axis: {segment: share from 0 to 1}}; the customer's own, largest first.",
    )
    fuzzy_memberships_reason = serializers.CharField(required=False, help_text="Only beside null.")
    business_metrics = BusinessMetricsSchema()
    churn_risk = ChurnSchema(allow_null=True)
    churn_risk_reason = serializers.CharField(required=False, help_text="Only beside null: why there is no score.")
    predicted_value = PredictedValueSchema(allow_null=True, help_text="By days ahead, shop currency.")
    predicted_value_reason = serializers.CharField(required=False, help_text="Only beside null.")
    predicted_orders = PredictedOrdersSchema(allow_null=True, help_text="By days ahead.")
    predicted_orders_reason = serializers.CharField(required=False, help_text="Only beside null.")
    lifetime_value_with_forecast = ValueWithForecastSchema(allow_null=True, help_text="Lifetime value plus what is expected.")
    lifetime_value_with_forecast_reason = serializers.CharField(required=False, help_text="Only beside null.")
    as_of = serializers.DateTimeField()


class FoundCustomerSchema(CustomerProfileSchema):
    """A customer's profile with contact data; what the shop does not know is empty."""

    name = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField()


class FoundCustomersSchema(serializers.Serializer[Any]):
    """Several customers with the same address or number: the first ten profiles."""

    count = serializers.IntegerField()
    is_capped = serializers.BooleanField(help_text="Whether there are more than count.")
    customers = FoundCustomerSchema(many=True)


class CustomerChurnSchema(serializers.Serializer[Any]):
    """Churn risk of one customer. Without a score every figure is null and stands beside its reason."""

    customer_id = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Those of `ChurnSchema`, each of which may be null or missing."""
        fields = super().get_fields()
        described: dict[str, Any] = ChurnSchema().get_fields()
        for name, field in described.items():
            nullable = type(field)(**(field._kwargs | {"allow_null": True, "required": False}))
            fields |= {name: nullable, f"{name}_reason": serializers.CharField(required=False, help_text="Only beside null.")}
        fields |= {
            "actions": ActionSchema(many=True, allow_null=True, help_text="What to do, by rule; the most fitting first."),
            "actions_reason": serializers.CharField(required=False, help_text="Only beside null."),
            "discount_note": serializers.CharField(allow_null=True, help_text="Why no discount is suggested; empty if one is."),
            "mail_note": serializers.CharField(allow_null=True, help_text="Why no marketing e-mail is; empty if one may go."),
            "discount_note_reason": serializers.CharField(required=False, help_text="Only beside null."),
            "mail_note_reason": serializers.CharField(required=False, help_text="Only beside null."),
            "explanation": ExplanationSchema(allow_null=True, required=False, help_text="Only with explain=true."),
            "explanation_reason": serializers.CharField(required=False, help_text="Only beside null."),
        }
        return fields


class LineItemSchema(serializers.Serializer[Any]):
    """One line of an order."""

    title = serializers.CharField()
    vendor = serializers.CharField()
    quantity = serializers.IntegerField()
    price = serializers.CharField(help_text="Of one unit.")
    discount = serializers.CharField(help_text="Taken off the whole line.")
    sku = serializers.CharField()
    product_id = serializers.CharField()
    category = serializers.CharField()


class OrderSchema(serializers.Serializer[Any]):
    """One order; money is text in the order's currency."""

    order_id = serializers.CharField()
    order_number = serializers.CharField()
    created_at = serializers.DateTimeField()
    total_price = serializers.CharField()
    line_items = LineItemSchema(many=True)
    tracking_numbers = serializers.ListField(child=serializers.CharField())
    fulfillment_status = serializers.CharField(help_text="As the shop says it; empty if it does not.")
    financial_status = serializers.CharField()
    currency = serializers.CharField()
    refunded = serializers.CharField()
    counts = serializers.BooleanField(help_text="Whether the order counts in any figure.")
    left_out_because = serializers.CharField(help_text="Why it does not; empty if it does.")


class CustomerOrdersSchema(serializers.Serializer[Any]):
    """A stretch of a customer's orders, newest first."""

    customer_id = serializers.CharField()
    orders = OrderSchema(many=True)
    total_orders = serializers.IntegerField(help_text="All valid orders of the customer, whatever was searched for.")
    total_spent = serializers.CharField(help_text="Over the same orders, net of refunds.")
    matching_orders = serializers.IntegerField()
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()
    has_more = serializers.BooleanField()
