"""Archetypes as JSON, built by hand, and the same shape described to the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from accounts.api import Parameters, nulls, reason_field, utc_text
from customers.figures import money, share
from predictions.models import ArchetypeRisk
from segmentation.listing import ArchetypeList, ArchetypeSummary
from segmentation.models import Archetype, SegmentationRun
from segmentation.publishing import NO_RUN
from segmentation.querysets import METRICS

NO_CHURN_RATE = "Nothing is predicted for the members of this run; /api/mcp/predictions/trust says what is missing."


class TopParameters(Parameters):
    """How many archetypes, ranked by what."""

    metric = serializers.ChoiceField(
        required=False,
        choices=METRICS,
        default="total_ltv",
        error_messages={"invalid_choice": f"{{input!r}} is none of {', '.join(METRICS)}."},
    )
    limit = serializers.IntegerField(required=False, default=10, min_value=1, max_value=100)


def top_json(listed: ArchetypeList, metric: str, risks: Mapping[str, ArchetypeRisk]) -> dict[str, Any]:
    """A ranked list with the members' risks; before the first run it is empty and says why."""
    body: dict[str, Any] = {
        "archetypes": [_in_list(archetype, risks.get(archetype.archetype_id)) for archetype in listed.archetypes],
        "metric": metric,
        "total_archetypes": listed.total,
        "segmented_customers": listed.segmented,
    }
    if listed.run_id is None or listed.as_of is None:
        return body | nulls(["run_id", "as_of"], NO_RUN)
    return body | {"run_id": listed.run_id, "as_of": utc_text(listed.as_of)}


def _risk_json(risk: ArchetypeRisk | None) -> dict[str, Any]:
    if risk is None:
        return nulls(("churn_rate", "lapse_rate", "value_at_risk"), NO_CHURN_RATE)
    return {
        "churn_rate": share(risk.churn_rate),
        "lapse_rate": share(risk.lapse_rate),
        "value_at_risk": money(risk.value_at_risk),
    }


def _in_list(archetype: ArchetypeSummary, risk: ArchetypeRisk | None) -> dict[str, Any]:
    avg_ltv, total_ltv = float(archetype.avg_ltv), float(archetype.total_ltv)
    return {
        "archetype_id": archetype.archetype_id,
        "segment_name": archetype.name,
        "description": archetype.description,
        "member_count": archetype.member_count,
        "population_percentage": archetype.population_percentage,
        "avg_ltv": avg_ltv,
        "total_ltv": total_ltv,
        # The reference's ArchetypeSummary has other names for the same two figures: clients of either find theirs.
        "avg_lifetime_value": avg_ltv,
        "total_revenue": total_ltv,
        "avg_orders": archetype.avg_orders,
        **_risk_json(risk),
        "dominant_segments": archetype.dominant_segments,
        "key_traits": archetype.key_traits,
    }


def archetype_json(archetype: ArchetypeSummary, run: SegmentationRun, risk: ArchetypeRisk | None) -> dict[str, Any]:
    """One archetype in full."""
    return {
        "archetype_id": archetype.archetype_id,
        "segment_name": archetype.name,
        "description": archetype.description,
        "author": archetype.author,
        "member_count": archetype.member_count,
        "exact_count": archetype.exact_count,
        "population_percentage": archetype.population_percentage,
        "metrics": {
            "avg_ltv": float(archetype.avg_ltv),
            "total_ltv": float(archetype.total_ltv),
            "avg_orders": archetype.avg_orders,
            "avg_order_value": float(archetype.avg_order_value),
            **_risk_json(risk),
        },
        "dominant_segments": archetype.dominant_segments,
        "agreement": archetype.agreement,
        "defining_axes": archetype.defining_axes,
        "key_traits": archetype.key_traits,
        "run_id": run.pk,
        "as_of": utc_text(run.as_of),
    }


# --- What the OpenAPI document says ------------------------------------------------------------------------------------

CHURN_RATE = "0 to 1: the members' mean chance of no order within the shop's churn horizon, at the last scoring of everybody."
LAPSE_RATE = "0 to 1: the members' mean chance of no order within their own horizons, at the last scoring of everybody."


class ArchetypeInListSchema(serializers.Serializer[Any]):
    """An archetype in a ranking."""

    archetype_id = serializers.CharField()
    segment_name = serializers.CharField()
    description = serializers.CharField()
    member_count = serializers.IntegerField()
    population_percentage = serializers.FloatField(help_text="0 to 100, of segmented customers; a size, not a rank.")
    avg_ltv = serializers.FloatField()
    total_ltv = serializers.FloatField()
    avg_lifetime_value = serializers.FloatField(help_text="The same as avg_ltv.")
    total_revenue = serializers.FloatField(help_text="The same as total_ltv.")
    avg_orders = serializers.FloatField()
    churn_rate = serializers.FloatField(allow_null=True, help_text=CHURN_RATE)
    churn_rate_reason = reason_field()
    lapse_rate = serializers.FloatField(allow_null=True, help_text=LAPSE_RATE)
    lapse_rate_reason = reason_field()
    value_at_risk = serializers.FloatField(allow_null=True, help_text="Of all members, shop currency.")
    value_at_risk_reason = reason_field()
    dominant_segments = serializers.DictField(child=serializers.CharField(), help_text="{axis: segment}, all 13 axes.")
    key_traits = serializers.ListField(child=serializers.CharField())


class TopArchetypesSchema(serializers.Serializer[Any]):
    """Archetypes of the published run, largest first."""

    archetypes = ArchetypeInListSchema(many=True)
    metric = serializers.ChoiceField(choices=METRICS)
    total_archetypes = serializers.IntegerField()
    segmented_customers = serializers.IntegerField()
    run_id = serializers.IntegerField(allow_null=True)
    run_id_reason = reason_field()
    as_of = serializers.DateTimeField(allow_null=True)
    as_of_reason = reason_field()


class ArchetypeMetricsSchema(serializers.Serializer[Any]):
    """What the members are worth and how they behave, in the shop's currency."""

    avg_ltv = serializers.FloatField()
    total_ltv = serializers.FloatField()
    avg_orders = serializers.FloatField()
    avg_order_value = serializers.FloatField()
    churn_rate = serializers.FloatField(allow_null=True, help_text=CHURN_RATE)
    churn_rate_reason = reason_field()
    lapse_rate = serializers.FloatField(allow_null=True, help_text=LAPSE_RATE)
    lapse_rate_reason = reason_field()
    value_at_risk = serializers.FloatField(allow_null=True, help_text="Of all members, shop currency.")
    value_at_risk_reason = reason_field()


class ArchetypeSchema(serializers.Serializer[Any]):
    """One archetype of the published run."""

    archetype_id = serializers.CharField()
    segment_name = serializers.CharField()
    description = serializers.CharField()
    author = serializers.ChoiceField(choices=Archetype.Author.values, help_text="Who named it.")
    member_count = serializers.IntegerField()
    exact_count = serializers.IntegerField(help_text="Members who agree on every defining axis.")
    population_percentage = serializers.FloatField(help_text="0 to 100, of segmented customers; a size, not a rank.")
    metrics = ArchetypeMetricsSchema()
    dominant_segments = serializers.DictField(child=serializers.CharField(), help_text="{axis: segment}, all 13 axes.")
    agreement = serializers.DictField(child=serializers.FloatField(), help_text="{axis: share of members in that segment}.")
    defining_axes = serializers.ListField(child=serializers.CharField())
    key_traits = serializers.ListField(child=serializers.CharField())
    run_id = serializers.IntegerField()
    as_of = serializers.DateTimeField()
