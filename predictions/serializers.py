"""The state of the predictions as JSON, built by hand, and the same shape described to the OpenAPI document."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from accounts.api import reason_field, utc_text
from customers.figures import ratio, share
from predictions.judged import Judged
from predictions.maths.lapse import LEVELS
from predictions.proof import HorizonModel
from predictions.track_record import Month
from predictions.trust import NOT_TESTED, Drift, Gate, Level, Trust

NOT_COUNTED = "Counted with the first predictions."
NOBODY = "Nobody was called critical."
NO_AREA = "In the tested windows it happened to all customers or to none."
NO_COMPARISON = "The model of ordering could not be tested on these windows."
NO_MONTH = "No kept month has reached the end of anybody's horizon yet."


def trust_json(trust: Trust) -> dict[str, Any]:
    """`predictions.trust.Trust` in full; before the first predictions and below a data gate the nulls carry what is missing."""
    missing = trust.missing
    latest = trust.latest
    body: dict[str, Any] = {
        "is_ready": trust.is_ready,
        **_told("as_of", _instant(trust.as_of), missing),
        **_told("scored_at", _instant(trust.scored_at) if trust.is_ready else None, missing),
        **_told("scored_in_seconds", ratio(trust.seconds) if trust.is_ready else None, missing),
        **_told("scored_customers", trust.customers if trust.is_ready else None, missing),
        "churn_horizon_days": trust.churn_days,
        "data_gates": [_gate_json(gate) for gate in trust.gates],
        **_told("model", _version_json(trust) if trust.is_ready else None, missing),
        "levels": {
            "lapse_risk": [_level_json(level) for level in trust.lapse_levels],
            "no_order": [_level_json(level) for level in trust.churn_levels],
        },
        "tests": {
            **_judged_or_reason("lapse_risk", trust.lapse, missing or NOT_TESTED),
            **_judged_or_reason("lapse_risk_of_regulars", trust.regulars, missing or NOT_TESTED),
            "revenue_90d_error_rates": [share(rate) for rate in trust.revenue_errors],
        },
        "horizons": [_horizon_json(model) for model in trust.models],
        "fallbacks": list(trust.fallbacks),
        "drift": [_drift_json(moved) for moved in trust.drift],
        **_told("latest_month", latest.month if latest else None, NO_MONTH),
        "record": [_month_json(month) for month in trust.months],
    }
    return body


def _told(name: str, value: Any, reason: str) -> dict[str, Any]:
    """A field, and beside a null its reason."""
    return {name: value} if value is not None else {name: None, f"{name}_reason": reason}


def _rate(value: float | None) -> float | None:
    return None if value is None else share(value)


def _instant(moment: datetime | None) -> str | None:
    return utc_text(moment) if moment is not None else None


def _gate_json(gate: Gate) -> dict[str, Any]:
    return {"name": gate.name, **_told("have", gate.have, NOT_COUNTED), "need": gate.need, "is_met": gate.is_met}


def _version_json(trust: Trust) -> dict[str, Any]:
    return {
        "version": trust.model_version,
        "fitted_at": _instant(trust.fitted_at),
        "as_of": _instant(trust.fitted_as_of),
        "learned_from_customers": trust.learned_from,
    }


def _level_json(level: Level) -> dict[str, Any]:
    return {"level": level.name, "customers": level.customers, "customers_share": share(level.share)}


def _judged_or_reason(name: str, judged: Judged | None, reason: str) -> dict[str, Any]:
    """Figures over nobody are no figures."""
    return _told(name, _judged_json(judged) if judged is not None and judged.customers else None, reason)


def _judged_json(judged: Judged) -> dict[str, Any]:
    return {
        "customers": judged.customers,
        "said_rate": _rate(judged.said_rate),
        "did_not_order_rate": _rate(judged.base_rate),
        "calibration_error_rate": _rate(judged.calibration_error),
        "log_loss": _rate(judged.log_loss),
        "critical_customers": judged.critical,
        "critical_did_not_order": judged.critical_happened,
        **_told("critical_did_not_order_rate", _rate(judged.critical_rate), NOBODY),
        "calibration_curve": [
            {"said_rate": share(said), "did_not_order_rate": share(happened), "customers": size}
            for said, happened, size in judged.curve
        ],
    }


def _horizon_json(model: HorizonModel) -> dict[str, Any]:
    untested = None if model.judged is not None else NOT_TESTED
    return {
        "horizon_days": model.days,
        "model": model.kind,
        "model_words": model.kind_words,
        "correction": model.shift,
        "correction_words": model.shift_words,
        "reason": model.reason,
        "fell_back": model.fell_back,
        "learned_from_windows": model.windows,
        "tested_on": list(model.tested),
        **_judged_or_reason("judged", model.judged, NOT_TESTED),
        **_told("closer_than_ordering_alone_share", _rate(model.better_by), untested or NO_COMPARISON),
        **_told("auc", _rate(model.area), untested or NO_AREA),
        **_told("ordering_alone_auc", _rate(model.ordering_area), untested or NO_AREA),
    }


def _drift_json(moved: Drift) -> dict[str, Any]:
    return {"input": moved.input, "input_words": moved.name, "stability_index": moved.index, "moved": moved.words}


def _month_json(month: Month) -> dict[str, Any]:
    churn_waits = f"Known from {month.churn_known_on:%Y-%m-%d} on."
    lapse_waits = f"Known from {month.lapse_next_on:%Y-%m-%d} on." if month.lapse_next_on else "Nobody's horizon can be judged."
    return {
        "month": month.month,
        "as_of": utc_text(month.as_of),
        "customers": month.customers,
        "no_order_horizon_days": month.churn_days,
        **_judged_or_reason("no_order", month.churn, churn_waits),
        **_judged_or_reason("lapse_risk", month.lapse, lapse_waits),
        "lapse_risk_waiting_customers": month.lapse_waits,
    }


# --- What the OpenAPI document says ------------------------------------------------------------------------------------


class DataGateSchema(serializers.Serializer[Any]):
    """Something that there must be enough of before anything is predicted."""

    name = serializers.CharField()
    have = serializers.IntegerField(allow_null=True)
    have_reason = reason_field()
    need = serializers.IntegerField()
    is_met = serializers.BooleanField()


class PredictionVersionSchema(serializers.Serializer[Any]):
    """The fitted version that scores customers; `as_of` is the last moment that it knows."""

    version = serializers.IntegerField()
    fitted_at = serializers.DateTimeField()
    as_of = serializers.DateTimeField()
    learned_from_customers = serializers.IntegerField()


class RiskLevelSchema(serializers.Serializer[Any]):
    """The customers at one level: critical from 0.7, high from 0.5, medium from 0.3, else low."""

    level = serializers.ChoiceField(choices=[name for name, _ in LEVELS])
    customers = serializers.IntegerField()
    customers_share = serializers.FloatField(help_text="0 to 1, of scored customers.")


class RiskLevelsSchema(serializers.Serializer[Any]):
    """Scored customers by level of either measure; empty without predictions."""

    lapse_risk = RiskLevelSchema(many=True)
    no_order = RiskLevelSchema(many=True)


class CalibrationBinSchema(serializers.Serializer[Any]):
    """A tenth of the scale: the mean probability that was said, and the share who did not order."""

    said_rate = serializers.FloatField()
    did_not_order_rate = serializers.FloatField()
    customers = serializers.IntegerField()


class JudgedSchema(serializers.Serializer[Any]):
    """Probabilities of no order against what happened. A customer counts once for each day on which a score was judged."""

    customers = serializers.IntegerField()
    said_rate = serializers.FloatField(help_text="Mean probability, 0 to 1.")
    did_not_order_rate = serializers.FloatField(help_text="0 to 1.")
    calibration_error_rate = serializers.FloatField(
        help_text="Mean distance between said and happened over tenths of the scale, 0 to 1."
    )
    log_loss = serializers.FloatField(help_text="Mean surprise in nats; a coin's is 0.693.")
    critical_customers = serializers.IntegerField(help_text="Called critical.")
    critical_did_not_order = serializers.IntegerField(help_text="Of these, customers who did not order.")
    critical_did_not_order_rate = serializers.FloatField(allow_null=True, help_text="0 to 1.")
    critical_did_not_order_rate_reason = reason_field()
    calibration_curve = CalibrationBinSchema(many=True)


class TestsSchema(serializers.Serializer[Any]):
    """The models on the shop's last windows, each time knowing only what was known then."""

    lapse_risk = JudgedSchema(allow_null=True)
    lapse_risk_reason = reason_field()
    lapse_risk_of_regulars = JudgedSchema(allow_null=True, help_text="Customers with three or more purchases.")
    lapse_risk_of_regulars_reason = reason_field()
    revenue_90d_error_rates = serializers.ListField(
        child=serializers.FloatField(),
        help_text="Expected over what came, less one, by window; above 0 where too much was expected.",
    )


class HorizonModelSchema(serializers.Serializer[Any]):
    """The model of no order within so many days, why it was chosen, and how it did on windows that it had not seen."""

    horizon_days = serializers.IntegerField()
    model = serializers.ChoiceField(choices=["ordering", "rhythm", "blend"])
    model_words = serializers.CharField()
    correction = serializers.ChoiceField(choices=["none", "latest", "season"])
    correction_words = serializers.CharField()
    reason = serializers.CharField()
    fell_back = serializers.BooleanField(help_text="Whether a simpler model answers because the best one could not be fitted.")
    learned_from_windows = serializers.IntegerField()
    tested_on = serializers.ListField(child=serializers.DateField(), help_text="The days on which the tested windows begin.")
    judged = JudgedSchema(allow_null=True)
    judged_reason = reason_field()
    closer_than_ordering_alone_share = serializers.FloatField(
        allow_null=True, help_text="By how much its log loss is below that of the model of ordering alone; below 0 where above."
    )
    closer_than_ordering_alone_share_reason = reason_field()
    auc = serializers.FloatField(allow_null=True, help_text="Area under the curve, 0.5 is a coin.")
    auc_reason = reason_field()
    ordering_alone_auc = serializers.FloatField(allow_null=True)
    ordering_alone_auc_reason = reason_field()


class DriftSchema(serializers.Serializer[Any]):
    """How far one input has moved since the fit."""

    input = serializers.CharField()
    input_words = serializers.CharField()
    stability_index = serializers.FloatField(help_text="Population stability index; little below 0.1, much from 0.25.")
    moved = serializers.ChoiceField(choices=["little", "some", "much"])


class RecordedMonthSchema(serializers.Serializer[Any]):
    """The scores that were given on one day of a month against what then happened."""

    month = serializers.DateField(help_text="The first of the month.")
    as_of = serializers.DateTimeField()
    customers = serializers.IntegerField()
    no_order_horizon_days = serializers.IntegerField()
    no_order = JudgedSchema(allow_null=True)
    no_order_reason = reason_field()
    lapse_risk = JudgedSchema(allow_null=True, help_text="Over the customers whose own horizon has passed.")
    lapse_risk_reason = reason_field()
    lapse_risk_waiting_customers = serializers.IntegerField(help_text="Customers whose own horizon has not passed.")


class TrustSchema(serializers.Serializer[Any]):
    """How good the predictions are, as the trust page shows it."""

    is_ready = serializers.BooleanField(help_text="Whether customers have scores.")
    as_of = serializers.DateTimeField(allow_null=True)
    as_of_reason = reason_field()
    scored_at = serializers.DateTimeField(allow_null=True)
    scored_at_reason = reason_field()
    scored_in_seconds = serializers.FloatField(allow_null=True)
    scored_in_seconds_reason = reason_field()
    scored_customers = serializers.IntegerField(allow_null=True)
    scored_customers_reason = reason_field()
    churn_horizon_days = serializers.IntegerField()
    data_gates = DataGateSchema(many=True)
    model = PredictionVersionSchema(allow_null=True)
    model_reason = reason_field()
    levels = RiskLevelsSchema()
    tests = TestsSchema()
    horizons = HorizonModelSchema(many=True)
    fallbacks = serializers.ListField(
        child=serializers.CharField(), help_text="Where a fit did not come to rest and something simpler is used."
    )
    drift = DriftSchema(many=True)
    latest_month = serializers.DateField(
        allow_null=True, help_text="The newest month of the record of which it is known what happened to critical customers."
    )
    latest_month_reason = reason_field()
    record = RecordedMonthSchema(many=True)
