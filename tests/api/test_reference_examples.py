"""The calls of the product reference's use cases and React examples: each address answers, with each field that they read.

Campaigns and questions in plain English belong to later steps. Examples without a key are those of a page that is signed in.
"""

import re
from pathlib import Path

import pytest

from segmentation.axes import AXES
from tests.small_shop import open_small_shop

pytestmark = pytest.mark.django_db


TO_COME = {
    ("POST", "/api/mcp/query/natural-language"),
    ("POST", "/api/campaigns/create"),
    ("POST", "/api/campaigns/preview"),
    ("POST", "/api/gorgias/webhook"),
}


def test_what_is_not_served_yet_is_named_in_the_documentation_and_answers_404(client):
    page = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text()
    section = page.split("### Not served yet")[1].split("\n## ")[0]
    assert set(re.findall(r"`(POST|GET) (/[^`]*)`", section)) == TO_COME
    assert {client.post(address).status_code for _, address in TO_COME} == {404}


@pytest.fixture
def shop(db):
    open_small_shop()


def read(body, field):
    """What `a.b.0.c` reads; a KeyError where a browser would read undefined."""
    for part in field.split("."):
        body = body[int(part)] if isinstance(body, list) else body[part]
    return body


AGENT_INBOX = {
    "/api/mcp/customer/sarah": ["business_metrics.lifetime_value", "business_metrics.total_orders", "archetype"],
    "/api/mcp/customer/sarah/churn-risk": ["risk_level", "churn_risk_score", "recommendation"],
}
DASHBOARD = {
    "/api/mcp/archetypes/top?metric=total_ltv&limit=10": ["archetypes", "metric", "total_archetypes"],
    "/api/mcp/churn/aggregate": [
        *[f"churn_risk_distribution.{level}.count" for level in ("critical", "high", "medium", "low")],
        "total_customers",
        "sample_size",
        "estimated_churn_30_days",
        "estimated_churn_90_days",
        "note",
    ],
    "/api/mcp/growth/projection?months=12": [
        "current_customers",
        *[f"projections.monthly.11.{name}" for name in ("month", "estimated_customers", "growth_rate", "new_customers")],
        "projections.quarterly.0",
        "projections.yearly.0",
        "assumptions.monthly_churn_rate",
        "assumptions.monthly_acquisition_rate",
    ],
}
CAMPAIGN_BUILDER = {
    "/api/mcp/archetypes/top?metric=total_ltv&limit=20": [
        f"archetypes.0.{name}"
        for name in ("archetype_id", "segment_name", "member_count", "avg_ltv", "total_ltv", "churn_rate")
    ],
    "/api/mcp/churn/aggregate": ["churn_risk_distribution.critical.percentage"],
}
CUSTOMER_360 = {
    "/api/mcp/customer/sarah": [
        "customer_id",
        "churn_risk.risk_level",
        "churn_risk.churn_risk_score",
        "churn_risk.factors.recency_days",
        "churn_risk.factors.order_frequency",
        "churn_risk.factors.value_tier",
        "churn_risk.factors.engagement_trend",
        "churn_risk.recommendation",
        "archetype.archetype_id",
        "archetype.dominant_segments.purchase_value",
        "archetype.member_count",
        "archetype.population_percentage",
        "fuzzy_memberships.purchase_value",
        "business_metrics.avg_order_value",
        "business_metrics.days_since_last_purchase",
        "business_metrics.customer_tenure_days",
    ],
    "/api/mcp/customer/sarah/orders": [
        "customer_id",
        "total_orders",
        "total_spent",
        *[
            f"orders.0.{name}"
            for name in (
                "order_id",
                "order_number",
                "created_at",
                "total_price",
                "tracking_numbers",
                "fulfillment_status",
                "line_items.0.title",
                "line_items.0.vendor",
                "line_items.0.quantity",
                "line_items.0.price",
            )
        ],
    ],
}
CARD = ("segment_name", "archetype_id", "member_count", "population_percentage", "dominant_segments", "avg_ltv", "avg_orders")
SUMMARY = ("description", "avg_lifetime_value", "total_revenue", "avg_orders", "churn_rate", "key_traits.0")
ARCHETYPE_CARD = {
    "/api/mcp/customer/sarah": [f"archetype.{name}" for name in CARD],
    "/api/mcp/archetypes/top?limit=1": [
        *[f"archetypes.0.{name}" for name in (*CARD, *SUMMARY)],
        *[f"archetypes.0.dominant_segments.{axis.name}" for axis in AXES],
    ],
}
STATUS = {
    "/health": ["status", "timestamp", "data_status.customers_loaded", "data_status.archetypes_available"],
    "/api/mcp/archetypes/growth-projection": ["current_distribution", "projected_distribution"],
    "/api/mcp/customer/random": ["customer_id", "business_metrics.customer_tenure_days"],
}


@pytest.mark.parametrize("case", [AGENT_INBOX, DASHBOARD, CAMPAIGN_BUILDER, CUSTOMER_360, ARCHETYPE_CARD, STATUS])
@pytest.mark.parametrize("caller", ["a key", "a page"])
def test_the_calls_of_the_reference_answer_with_what_they_read(case, caller, shop, api, person_client):
    client = api if caller == "a key" else person_client("agent")
    for address, fields in case.items():
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.content)
        for field in fields:
            assert read(answer.json(), field) is not None, (address, field)


def test_the_hook_may_tell_a_new_customer_by_null(shop, api):
    """`if (customer.archetype === null)`, `customer.churn_risk?.risk_level`."""
    body = api.get("/api/mcp/customer/noah").json()
    assert body["archetype"] is None
    assert body["churn_risk"] is None
    assert body["business_metrics"]["lifetime_value"] == 0
    assert body["business_metrics"]["days_since_last_purchase"] is None


def test_the_types_of_the_reference_are_those_of_javascript(shop, api):
    """`lifetime_value > 2000`, `population_percentage.toFixed(1)`, `Math.round(churn_risk_score * 100)`, `x.replace()`."""
    body = api.get("/api/mcp/customer/sarah").json()
    assert isinstance(body["business_metrics"]["lifetime_value"], float)
    assert isinstance(body["archetype"]["population_percentage"], float)
    assert 0 <= body["churn_risk"]["churn_risk_score"] <= 1
    assert body["churn_risk"]["risk_level"] in {"critical", "high", "medium", "low"}
    assert all(isinstance(segment, str) for segment in body["archetype"]["dominant_segments"].values())
    assert isinstance(body["customer_id"], str)
