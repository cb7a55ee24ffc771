"""GET /api/mcp/archetypes/top and /{archetype_id}."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from predictions.models import ArchetypeRisk
from segmentation.axes import AXES, segment_label
from segmentation.models import ActiveRun
from tests.api.conftest import COUNTED
from tests.published import AS_OF, DEFINING_AXES, publish

pytestmark = pytest.mark.django_db


def top(client, **asked):
    answer = client.get("/api/mcp/archetypes/top", asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_an_archetype_in_the_list_has_every_field_of_the_reference(api):
    published = publish()
    body = top(api)
    assert body["metric"] == "total_ltv"
    assert body["total_archetypes"] == 1
    (archetype,) = body["archetypes"]
    assert archetype["archetype_id"] == published.archetype.archetype_id
    assert archetype["segment_name"] == "Premium Weekly Deal Hunter"
    assert archetype["member_count"] == 287
    assert archetype["population_percentage"] == 1.05
    assert archetype["avg_ltv"] == 3420.5
    assert archetype["total_ltv"] == 981683.5
    assert set(archetype["dominant_segments"]) == {axis.name for axis in AXES}
    # ArchetypeSummary, the reference's other list view
    assert archetype["description"] == "High-value, loyal customers."
    assert archetype["avg_lifetime_value"] == 3420.5
    assert archetype["total_revenue"] == 981683.5
    assert archetype["avg_orders"] == 24
    assert archetype["churn_rate"] is None
    assert archetype["churn_rate_reason"]
    assert archetype["key_traits"]


def test_the_list_says_what_its_shares_are_of(api):
    published = publish()
    body = top(api)
    assert (body["segmented_customers"], body["run_id"], body["as_of"]) == (27_333, published.run.pk, "2026-11-19T03:00:00Z")


def test_metrics_rank_and_limits_cut(api):
    published = publish()
    published.add_archetype("Large", member_count=1000, total_ltv="500000.00")
    published.add_archetype("Rich", member_count=5, total_ltv="50000.00")

    def names(**asked):
        return [archetype["segment_name"] for archetype in top(api, **asked)["archetypes"]]

    assert names() == ["Premium Weekly Deal Hunter", "Large", "Rich"]
    assert names(metric="avg_ltv") == ["Rich", "Premium Weekly Deal Hunter", "Large"]
    assert names(metric="member_count", limit=1) == ["Large"]
    assert top(api, limit=1)["total_archetypes"] == 3


def test_ten_are_listed_unless_asked_and_ties_keep_their_order(api):
    published = publish()
    for n in range(14):
        published.add_archetype(f"Twin {n}", member_count=10, total_ltv="100.00")
    first = [archetype["archetype_id"] for archetype in top(api)["archetypes"]]
    assert len(first) == 10
    assert first == [archetype["archetype_id"] for archetype in top(api)["archetypes"]]
    assert len(top(api, limit=100)["archetypes"]) == 15


def test_before_the_first_run_the_list_is_empty_and_says_why(api):
    body = top(api)
    assert (body["archetypes"], body["total_archetypes"], body["run_id"]) == ([], 0, None)
    assert "No segmentation" in body["run_id_reason"]


def test_one_archetype_has_every_field_of_the_reference(api):
    published = publish()
    body = api.get(f"/api/mcp/archetypes/{published.archetype.archetype_id}").json()
    assert body["archetype_id"] == published.archetype.archetype_id
    assert body["segment_name"] == "Premium Weekly Deal Hunter"
    assert body["description"] == "High-value, loyal customers."
    assert body["member_count"] == 287
    assert body["population_percentage"] == 1.05
    metrics = body["metrics"]
    unknown = ("churn_rate", "lapse_rate", "value_at_risk")
    assert all(metrics.pop(f"{name}_reason") for name in unknown)
    assert metrics == {
        "avg_ltv": 3420.5,
        "total_ltv": 981683.5,
        "avg_orders": 24,
        "avg_order_value": 142.52,
        **dict.fromkeys(unknown),
    }
    assert list(body["dominant_segments"]) == [axis.name for axis in AXES]
    traits = {segment_label(axis, body["dominant_segments"][axis]) for axis in DEFINING_AXES}
    assert set(body["key_traits"]) <= traits


def test_money_is_told_in_cents(api):
    published = publish()
    rates = {"churn_rate": 0.8, "lapse_rate": 0.4, "value_at_risk": Decimal("171.842")}
    ArchetypeRisk.objects.create(archetype=published.archetype, run=published.run, as_of=AS_OF, customers=1, **rates)
    assert top(api)["archetypes"][0]["value_at_risk"] == 171.84
    one = api.get(f"/api/mcp/archetypes/{published.archetype.archetype_id}").json()
    assert one["metrics"]["value_at_risk"] == 171.84


def test_an_archetype_that_the_published_run_does_not_have_is_404(api):
    old = publish()
    new = publish()
    ActiveRun.objects.filter(pk=1).update(run=new.run)
    for unknown in (old.archetype.archetype_id, "arch_00000000", "top%2F", "%00", "a" * 300, "arch_%27--"):
        answer = api.get(f"/api/mcp/archetypes/{unknown}")
        assert answer.status_code == 404, unknown
        assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"metric": "churn"}, "metric"),
        ({"metric": ""}, "metric"),
        ({"metric": "-total_ltv"}, "metric"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "1e3"}, "limit"),
        ({"limit": "NaN"}, "limit"),
        ({"order": "asc"}, "order"),
        ({"limit": ["3", "4"]}, "limit"),
    ],
)
def test_a_wrong_or_unknown_parameter_is_400_and_named(api, asked, field):
    answer = api.get("/api/mcp/archetypes/top", asked)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field


def test_a_wrong_metric_is_told_the_right_ones(api):
    message = api.get("/api/mcp/archetypes/top", {"metric": "churn"}).json()["error"]["message"]
    for metric in ("total_ltv", "avg_ltv", "member_count"):
        assert metric in message


def test_the_number_of_queries_does_not_grow_with_archetypes(api):
    published = publish()
    top(api)
    with CaptureQueriesContext(connection) as few:
        top(api)
    for n in range(12):
        published.add_archetype(f"Another {n}", member_count=10, total_ltv="100.00")
    with CaptureQueriesContext(connection) as many:
        top(api, limit=100)
    assert len(few) == len(many) == 5 + COUNTED  # key, run, archetypes, total, risks
