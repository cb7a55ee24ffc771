"""Growth as JSON, built by hand, and the same shape described to the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from accounts.api import NumberField, Parameters, reason_field, utc_text
from customers.figures import percentage, ratio, share
from insights.growth import ArchetypeGrowth, Growth
from predictions.maths.projection import Period, ProjectedMonth, Projection

NOBODY_BEFORE = "There was nobody before to grow from."
TOO_FEW_TESTS = "Too few past projections can be checked yet."


class RateField(NumberField):
    """A rate, refused in one sentence whatever is wrong with it."""

    default_error_messages = dict.fromkeys(("invalid", "min_value", "max_value"), "Give a rate from 0 to 1, such as 0.05.")


class GrowthParameters(Parameters):
    """How far to look, and rates in place of the shop's own."""

    months = serializers.IntegerField(required=False, default=12, min_value=1, max_value=60)
    monthly_churn_rate = RateField(
        required=False, min_value=0.0, max_value=1.0, help_text="0 to 1, of active customers; the shop's own if left out."
    )
    monthly_acquisition_rate = RateField(
        required=False,
        min_value=0.0,
        max_value=1.0,
        help_text="0 to 1, newcomers a month per customer active now; the shop's own if left out.",
    )


class ArchetypeGrowthParameters(Parameters):
    """How far to look."""

    months = serializers.IntegerField(required=False, default=12, min_value=1, max_value=36)


def growth_json(growth: Growth) -> dict[str, Any]:
    """A projection, or the customers of today and the reason why there is none."""
    customers, projection = growth.customers, growth.projection
    populations: dict[str, Any] = {
        "profiles": customers.profiles,
        "buyers": customers.buyers,
        "segmented": customers.segmented,
        "lapsed": customers.lapsed,
    }
    if customers.lapsed is None:
        populations["lapsed_reason"] = growth.reason
    body: dict[str, Any] = {
        "current_customers": growth.current_customers,
        "basis": growth.basis,
        "populations": populations,
        "as_of": utc_text(growth.as_of),
    }
    if projection is None:
        nothing = {"projections": None, "reason": growth.reason, "assumptions": None, "assumptions_reason": growth.reason}
        return body | nothing | {"past_error": None, "past_error_reason": growth.reason}
    body["projections"] = {
        "monthly": [{"month": f"{row.month:%Y-%m}"} | _figures(row) for row in projection.rows],
        "quarterly": [{"quarter": each.label, "months": each.months} | _figures(each) for each in projection.by_quarter],
        "yearly": [{"year": each.label, "months": each.months} | _figures(each) for each in projection.by_year],
    }
    assumed = projection.assumptions
    body["assumptions"] = {
        "monthly_churn_rate": share(assumed.churn_rate),
        "monthly_acquisition_rate": share(assumed.acquisition_rate),
        "monthly_return_rate": share(assumed.return_rate),
        "newcomers_a_month": ratio(assumed.newcomers_a_month),
        "based_on_months": projection.based_on_months,
        "edited": growth.is_edited,
        "reason": projection.reason,
        "range_reason": projection.range_reason,
    }
    return body | _past_error(projection)


def _figures(row: ProjectedMonth | Period) -> dict[str, Any]:
    figures = {
        "estimated_customers": row.customers,
        "growth_rate": None if row.growth_rate is None else share(row.growth_rate),
        "new_customers": row.new_customers,
        "newcomers": row.newcomers,
        "returns": row.returns,
        "lapses": row.lapses,
        "low": row.low,
        "high": row.high,
    }
    return figures if row.growth_rate is not None else figures | {"growth_rate_reason": NOBODY_BEFORE}


def _past_error(projection: Projection) -> dict[str, Any]:
    error = projection.past_error
    if error is None:
        return {"past_error": None, "past_error_reason": TOO_FEW_TESTS}
    return {
        "past_error": {
            "one_month_ahead": share(error.one_month),
            "longest_ahead": share(error.longest),
            "longest_months": error.longest_months,
        }
    }


def archetype_growth_json(archetypes: ArchetypeGrowth) -> dict[str, Any]:
    """Members by archetype now and month by month, or the reason why there is nothing to come."""
    segmented = archetypes.run.segmented if archetypes.run else 0
    body: dict[str, Any] = {
        "current_distribution": _distribution(archetypes.current, segmented),
        "segmented_customers": segmented,
        "as_of": utc_text(archetypes.as_of),
    }
    if archetypes.projected is None:
        nothing = {"projected_distribution": None, "reason": archetypes.reason, "method": None}
        return body | nothing | {"method_reason": archetypes.reason}
    return body | {
        "projected_distribution": {
            f"{month:%Y-%m}": _distribution(members, sum(members.values())) for month, members in archetypes.projected
        },
        "method": archetypes.method,
    }


def _distribution(members: Any, whole: int) -> dict[str, dict[str, float]]:
    return {
        archetype_id: {"member_count": count, "percentage": percentage(count, whole)} for archetype_id, count in members.items()
    }


# --- What the OpenAPI document says ------------------------------------------------------------------------------------


class GrowthFiguresSchema(serializers.Serializer[Any]):
    """Active customers at the end of a period and what changed in it: the figures add up."""

    estimated_customers = serializers.IntegerField(help_text="Active customers at its end: those before, and new, less lapses.")
    growth_rate = serializers.FloatField(allow_null=True, help_text="Against the end of the period before; 0.027 is 2.7 %.")
    growth_rate_reason = reason_field()
    new_customers = serializers.IntegerField(help_text="Newcomers and returns.")
    newcomers = serializers.IntegerField(help_text="Who buys for the first time.")
    returns = serializers.IntegerField(help_text="Who had lapsed and is active again.")
    lapses = serializers.IntegerField(help_text="Who is no longer active.")
    low = serializers.IntegerField(help_text="Four of five end between low and high.")
    high = serializers.IntegerField()


class GrowthMonthSchema(GrowthFiguresSchema):
    """A month to come."""

    month = serializers.CharField(help_text="YYYY-MM.")


class GrowthQuarterSchema(GrowthFiguresSchema):
    """A quarter to come; the first and the last may be partial."""

    quarter = serializers.CharField(help_text="YYYY-Qn.")
    months = serializers.IntegerField(help_text="How many of its months are projected.")


class GrowthYearSchema(GrowthFiguresSchema):
    """A year to come; the first and the last may be partial."""

    year = serializers.CharField(help_text="YYYY.")
    months = serializers.IntegerField(help_text="How many of its months are projected.")


class GrowthProjectionsSchema(serializers.Serializer[Any]):
    """The same months, one by one and summed up."""

    monthly = GrowthMonthSchema(many=True)
    quarterly = GrowthQuarterSchema(many=True)
    yearly = GrowthYearSchema(many=True)


class GrowthAssumptionsSchema(serializers.Serializer[Any]):
    """What each month brings; rates are 0 to 1 a month."""

    monthly_churn_rate = serializers.FloatField(help_text="Of active customers, who lapse.")
    monthly_acquisition_rate = serializers.FloatField(help_text="Newcomers per customer active now: a constant number a month.")
    monthly_return_rate = serializers.FloatField(help_text="Of lapsed customers, who come back.")
    newcomers_a_month = serializers.FloatField()
    based_on_months = serializers.IntegerField(help_text="Months of the shop's own past behind them.")
    edited = serializers.BooleanField(help_text="Whether a rate was given in place of the shop's own.")
    reason = serializers.CharField(help_text="How they were chosen, in words.")
    range_reason = serializers.CharField(help_text="Where low and high come from, in words.")


class PastErrorSchema(serializers.Serializer[Any]):
    """How far off past projections typically were, relative to what came; 0.02 is 2 %."""

    one_month_ahead = serializers.FloatField()
    longest_ahead = serializers.FloatField()
    longest_months = serializers.IntegerField(help_text="How many months ahead that is.")


class PopulationsSchema(serializers.Serializer[Any]):
    """The other ways to count customers."""

    profiles = serializers.IntegerField(help_text="With or without orders.")
    buyers = serializers.IntegerField(help_text="With at least one valid order: active and lapsed.")
    segmented = serializers.IntegerField(help_text="Buyers in the published segmentation run.")
    lapsed = serializers.IntegerField(allow_null=True, help_text="Buyers who are not active.")
    lapsed_reason = reason_field()


class GrowthSchema(serializers.Serializer[Any]):
    """Active customers now and in the months to come."""

    current_customers = serializers.IntegerField(help_text="Of the population that `basis` names.")
    basis = serializers.CharField()
    populations = PopulationsSchema()
    projections = GrowthProjectionsSchema(allow_null=True)
    reason = serializers.CharField(required=False, help_text="What is missing; only beside projections that are null.")
    assumptions = GrowthAssumptionsSchema(allow_null=True)
    assumptions_reason = reason_field()
    past_error = PastErrorSchema(allow_null=True)
    past_error_reason = reason_field()
    as_of = serializers.DateTimeField(help_text="The moment of the scores that say who is active; now, before there are any.")


class ArchetypeSizeSchema(serializers.Serializer[Any]):
    """How many customers an archetype has."""

    member_count = serializers.IntegerField()
    percentage = serializers.FloatField(help_text="0 to 100, of segmented customers.")


class ArchetypeGrowthSchema(serializers.Serializer[Any]):
    """Members by archetype now and in the months to come."""

    current_distribution = serializers.DictField(child=ArchetypeSizeSchema(), help_text="{archetype_id: size}.")
    projected_distribution = serializers.DictField(
        child=serializers.DictField(child=ArchetypeSizeSchema()), allow_null=True, help_text="{YYYY-MM: {archetype_id: size}}."
    )
    reason = serializers.CharField(required=False, help_text="Only beside a projected_distribution that is null.")
    method = serializers.CharField(allow_null=True, help_text="What it rests on, in words.")
    method_reason = reason_field()
    segmented_customers = serializers.IntegerField()
    as_of = serializers.DateTimeField(help_text="The moment of the segmentation; that of growth before there is one.")
