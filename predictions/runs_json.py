"""Scorings of everybody as JSON, and the same shape described to the OpenAPI document."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from accounts.api import THE_END, nulls, reason_field, utc_text
from accounts.cursors import cursor_for
from customers.figures import ratio, share
from predictions.models import ScoringRun
from predictions.trust import INPUTS

LIST = "prediction runs"
SCORED, HELD_BACK = "scored", "too_little_data"


def runs_json(runs: Sequence[ScoringRun], limit: int) -> dict[str, Any]:
    """`limit` runs of `runs`, newest first; one more there means that the list goes on."""
    shown = runs[:limit]
    body: dict[str, Any] = {"runs": [_run_json(run) for run in shown], "limit": limit}
    if len(runs) > limit:
        return body | {"next_cursor": cursor_for(LIST, [shown[-1].pk])}
    return body | nulls(["next_cursor"], THE_END)


def _run_json(run: ScoringRun) -> dict[str, Any]:
    body: dict[str, Any] = {
        "run_id": run.pk,
        "state": HELD_BACK if run.missing else SCORED,
        "as_of": utc_text(run.as_of),
        "scored_at": utc_text(run.created_at),
        "customers": run.customers,
        "buyers": run.buyers,
        "history_days": run.history_days,
        "churn_horizon_days": run.churn_days,
        "drift": {name: share(run.drift[name]) for name in INPUTS if name in run.drift},
        "seconds": ratio(run.seconds),
        "missing": run.missing,
    }
    return body | ({"model_version": run.model_id} if run.model_id else nulls(["model_version"], run.missing or "None scored."))


# --- What the OpenAPI document says ------------------------------------------------------------------------------------


class PredictionRunSchema(serializers.Serializer[Any]):
    """Everybody scored once, or the reason why nobody could be."""

    run_id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=[SCORED, HELD_BACK])
    as_of = serializers.DateTimeField()
    scored_at = serializers.DateTimeField()
    model_version = serializers.IntegerField(allow_null=True)
    model_version_reason = reason_field()
    customers = serializers.IntegerField(help_text="With a score.")
    buyers = serializers.IntegerField(help_text="With an order that counts by the last whole day, against the gate of 200.")
    history_days = serializers.IntegerField(help_text="Since the first such order, against the gate of 180.")
    churn_horizon_days = serializers.IntegerField()
    drift = serializers.DictField(
        child=serializers.FloatField(), help_text="{input: population stability index} against the day of the fit."
    )
    seconds = serializers.FloatField()
    missing = serializers.CharField(help_text="What is missing for predictions; empty if nothing is.")


class PredictionRunsSchema(serializers.Serializer[Any]):
    """Runs, newest first; the last few hundred are kept."""

    runs = PredictionRunSchema(many=True)
    limit = serializers.IntegerField()
    next_cursor = serializers.CharField(allow_null=True)
    next_cursor_reason = reason_field()
