"""Runs and movement as JSON, and the same shapes described to the OpenAPI document."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from accounts.api import THE_END, nulls, reason_field, utc_text
from accounts.cursors import cursor_for
from segmentation.axes import AXES
from segmentation.exchange import Exchange, Way
from segmentation.models import SegmentationRun

LIST = "segmentation runs"
NOT_PUBLISHED = "This run was not published."
NOT_FINISHED = "Counted when a run has been built."


def runs_json(runs: Sequence[SegmentationRun], limit: int, active: int | None) -> dict[str, Any]:
    """`limit` runs of `runs`, newest first; one more there means that the list goes on. `active` is the key of the one read."""
    shown = runs[:limit]
    body: dict[str, Any] = {"runs": [_run_json(run, is_active=run.pk == active) for run in shown], "limit": limit}
    if len(runs) > limit:
        return body | {"next_cursor": cursor_for(LIST, [shown[-1].pk])}
    return body | nulls(["next_cursor"], THE_END)


def _run_json(run: SegmentationRun, *, is_active: bool) -> dict[str, Any]:
    summary = run.summary
    axes = summary.get("axes", {})
    body: dict[str, Any] = {
        "run_id": run.pk,
        "state": run.state,
        "is_active": is_active,
        "as_of": utc_text(run.as_of),
        "started_at": utc_text(run.started_at),
        "model_version": run.model_id,
        "profiles": run.profiles,
        "segmented": run.segmented,
        "gates": [{"gate": gate["gate"], "reason": gate["reason"]} for gate in summary.get("gates", [])],
        "axes": {axis.name: _axis_json(axes[axis.name]) for axis in AXES if axis.name in axes},
        "defining_axes": summary.get("defining_axes", []),
        "seconds": summary.get("seconds", {}),
        "error": run.error,
    }
    counted = {"buyers": "buyers", "archetypes": "archetypes", "exact_share": "exact_share"}
    for name, key in counted.items():
        body |= {name: summary[key]} if key in summary else nulls([name], NOT_FINISHED)
    return body | ({"published_at": utc_text(run.published_at)} if run.published_at else nulls(["published_at"], NOT_PUBLISHED))


def _axis_json(axis: dict[str, Any]) -> dict[str, Any]:
    body = {"segments": axis["k"], "notes": axis["notes"]}
    if axis["silhouette"] is None:
        return body | nulls(["silhouette"], "This axis was not clustered.")
    return body | {"silhouette": axis["silhouette"]}


def movement_json(archetype_id: str, exchange: Exchange) -> dict[str, Any]:
    """Who came and who went; without two months every figure is null with the reason."""
    body: dict[str, Any] = {"archetype_id": archetype_id}
    if exchange.after is None:
        return body | nulls(("from", "to", "stayed", "newcomers", "came_from", "went_to"), exchange.reason)
    body |= {"from": utc_text(exchange.before)} if exchange.before else nulls(["from"], "That month is no longer kept.")
    return body | {
        "to": utc_text(exchange.after),
        "stayed": exchange.stayed,
        "newcomers": exchange.newcomers,
        "came_from": [_way_json(way) for way in exchange.came_from],
        "went_to": [_way_json(way) for way in exchange.went_to],
        **({"reason": exchange.reason} if exchange.reason else {}),
    }


def _way_json(way: Way) -> dict[str, Any]:
    return {"archetype_id": way.archetype_id, "segment_name": way.name, "customers": way.customers}


# --- What the OpenAPI document says ------------------------------------------------------------------------------------


class GateSchema(serializers.Serializer[Any]):
    """What a run did not pass."""

    gate = serializers.CharField()
    reason = serializers.CharField()


class AxisOfRunSchema(serializers.Serializer[Any]):
    """How an axis was divided."""

    segments = serializers.IntegerField()
    silhouette = serializers.FloatField(allow_null=True)
    silhouette_reason = reason_field()
    notes = serializers.ListField(child=serializers.CharField())


class SegmentationRunSchema(serializers.Serializer[Any]):
    """Everybody scored once with one model."""

    run_id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=SegmentationRun.State.values, help_text="rejected: held back by a gate.")
    is_active = serializers.BooleanField(help_text="Whether this is the run that all endpoints read.")
    as_of = serializers.DateTimeField()
    started_at = serializers.DateTimeField()
    published_at = serializers.DateTimeField(allow_null=True)
    published_at_reason = reason_field()
    model_version = serializers.IntegerField()
    profiles = serializers.IntegerField()
    buyers = serializers.IntegerField(allow_null=True)
    buyers_reason = reason_field()
    segmented = serializers.IntegerField()
    archetypes = serializers.IntegerField(allow_null=True)
    archetypes_reason = reason_field()
    exact_share = serializers.FloatField(allow_null=True, help_text="0 to 1: who agrees on every defining axis.")
    exact_share_reason = reason_field()
    defining_axes = serializers.ListField(child=serializers.CharField())
    axes = serializers.DictField(child=AxisOfRunSchema())
    gates = GateSchema(many=True, help_text="The gates that the run did not pass; empty if it passed them all.")
    seconds = serializers.DictField(child=serializers.FloatField(), help_text="By step.")
    error = serializers.CharField(help_text="Why it was held back or broke off; empty if it was not.")


class SegmentationRunsSchema(serializers.Serializer[Any]):
    """Runs, newest first."""

    runs = SegmentationRunSchema(many=True)
    limit = serializers.IntegerField()
    next_cursor = serializers.CharField(allow_null=True)
    next_cursor_reason = reason_field()


class WaySchema(serializers.Serializer[Any]):
    """Customers who went one way."""

    archetype_id = serializers.CharField()
    segment_name = serializers.CharField(help_text="Empty for an archetype that no longer exists.")
    customers = serializers.IntegerField()


class MovementSchema(serializers.Serializer[Any]):
    """Who came to an archetype and who went, between the last two months kept that can be compared, most customers first.

    Of each archetype the twenty ways that most have taken are kept.
    """

    archetype_id = serializers.CharField()
    to = serializers.DateTimeField(allow_null=True)
    to_reason = reason_field()
    stayed = serializers.IntegerField(allow_null=True)
    stayed_reason = reason_field()
    newcomers = serializers.IntegerField(allow_null=True, help_text="Not segmented in the month before.")
    newcomers_reason = reason_field()
    came_from = WaySchema(many=True, allow_null=True)
    came_from_reason = reason_field()
    went_to = WaySchema(many=True, allow_null=True)
    went_to_reason = reason_field()
    reason = serializers.CharField(required=False, help_text="Where there is nobody to tell of.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """With `from`, which is no name in Python."""
        return super().get_fields() | {"from": serializers.DateTimeField(allow_null=True), "from_reason": reason_field()}
