"""Finding a customer by the beginning of a name or an address, for assistants: ids and figures come back, no contact data."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import ApiView, Parameters, nulls, utc_text
from customers.api_views import CanReadContacts
from customers.figures import money
from insights.customer_list import Criteria, ListedCustomer, list_customers
from insights.profiles import AWAITING_FIRST_PURCHASE
from predictions.maths.lapse import LEVELS, level
from predictions.models import Prediction
from predictions.shown import shown_score

NOT_SEGMENTED = "Not in the published segmentation."
NOT_SCORED = "There is no score for this customer; predictions_trust says what is missing."
SHORTEST = 2


class SearchParameters(Parameters):
    """What to look for."""

    text = serializers.CharField(
        min_length=SHORTEST,
        max_length=100,
        error_messages=dict.fromkeys(("min_length", "blank", "required"), f"Give at least {SHORTEST} characters."),
        help_text="The beginning of a name, last name or e-mail address; or a whole customer id or order number.",
    )
    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=100)


class CustomerSearchRowSchema(serializers.Serializer[Any]):
    """A customer who was found."""

    customer_id = serializers.CharField()
    lifetime_value = serializers.FloatField()
    total_orders = serializers.IntegerField()
    last_order_at = serializers.DateTimeField(allow_null=True)
    last_order_at_reason = serializers.CharField(required=False, help_text="Only beside null.")
    archetype_id = serializers.CharField(allow_null=True)
    archetype_id_reason = serializers.CharField(required=False, help_text="Only beside null.")
    segment_name = serializers.CharField(required=False)
    lapse_risk_level = serializers.CharField(required=False, help_text=", ".join(name for name, _ in LEVELS))
    lapse_risk_score = serializers.FloatField(allow_null=True)
    lapse_risk_score_reason = serializers.CharField(required=False, help_text="Only beside null.")
    churn_risk_score = serializers.FloatField(allow_null=True)
    churn_risk_score_reason = serializers.CharField(required=False, help_text="Only beside null.")
    value_at_risk = serializers.FloatField(allow_null=True)
    value_at_risk_reason = serializers.CharField(required=False, help_text="Only beside null.")
    tier = serializers.CharField(required=False)


class CustomerSearchSchema(serializers.Serializer[Any]):
    """Customers who were found, the most valuable first."""

    customers = CustomerSearchRowSchema(many=True)
    matching_customers = serializers.IntegerField(help_text="Counted up to 10,000.")
    has_more = serializers.BooleanField()


class SearchCustomersView(ApiView):
    """Not in the table of the API: a tool only."""

    permission_classes = (CanReadContacts,)  # what was looked for is contact data, even though none comes back
    parameters = SearchParameters

    @extend_schema(
        operation_id="search_customers", tags=["customers"], parameters=[SearchParameters], responses=CustomerSearchSchema
    )
    def get(self, request: Request) -> Response:
        """Customers by the beginning of a name or an e-mail address, or by an id or order number."""
        page = list_customers(Criteria(text=self.asked["text"]), 1, size=self.asked["limit"]).page
        found = [_found_json(row) for row in page.rows]
        return Response({"customers": found, "matching_customers": page.total, "has_more": page.has_next})


def _found_json(row: ListedCustomer) -> dict[str, Any]:
    customer = row.customer
    body: dict[str, Any] = {
        "customer_id": customer.customer_id,
        "lifetime_value": money(customer.lifetime_value),
        "total_orders": customer.order_count,
    }
    if customer.last_order_at is None:
        body |= nulls(("last_order_at",), AWAITING_FIRST_PURCHASE)
    else:
        body["last_order_at"] = utc_text(customer.last_order_at)
    if row.archetype is None:
        body |= nulls(("archetype_id",), NOT_SEGMENTED)
    else:
        body |= {"archetype_id": row.archetype.archetype_id, "segment_name": row.archetype.name}
    if row.prediction is None:
        return body | nulls(("lapse_risk_score", "churn_risk_score", "value_at_risk"), NOT_SCORED)
    return body | {
        "lapse_risk_level": level(row.prediction.lapse_risk_score),
        "lapse_risk_score": shown_score(row.prediction.lapse_risk_score),
        "churn_risk_score": shown_score(row.prediction.churn_risk_score),
        "value_at_risk": money(row.prediction.value_at_risk),
        "tier": Prediction.Tier(row.prediction.tier).label,
    }
