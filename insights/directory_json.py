"""The customer list of the API as JSON and CSV rows, its parameters, and the same shapes described to the OpenAPI document."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from accounts.api import THE_END, NumberField, PageParameters, Parameters, nulls, reason_field, utc_text
from accounts.cursors import cursor_for, place_at
from customers.figures import money
from insights.directory.filters import Filters
from insights.directory.pages import Directory, directory
from insights.directory.reading import UnknownFilter
from insights.directory.rows import DirectoryRow
from insights.directory.sorting import SORTS, Place, Sort
from insights.profiles import AWAITING_FIRST_PURCHASE
from predictions.maths.tiers import TIERS
from predictions.shown import shown_score
from segmentation.axes import AXES
from segmentation.publishing import NO_RUN

SCORE_FIELDS = (
    "tier", "churn_risk_score", "lapse_risk_score", "lapse_horizon_days", "value_at_risk", "predicted_value_180", "is_active",
)  # fmt: skip
OTHER_SORTS = "Sort by lifetime_value, last_order or customer_id to see customers without a score."
MOST_MONEY = 1_000_000_000


def _share(help_text: str, **options: Any) -> NumberField:
    return NumberField(required=False, min_value=0.0, max_value=1.0, help_text=help_text, **options)


class FilterParameters(Parameters):
    """Who is wanted. Filters are joined by "and"; those by score leave out customers without one."""

    archetype_id = serializers.CharField(required=False, max_length=16, help_text="Members in the published run.")
    axis = serializers.ChoiceField(required=False, choices=[axis.name for axis in AXES], help_text="Goes with segment.")
    segment = serializers.CharField(required=False, max_length=60, help_text="A segment of axis; goes with it.")
    membership_min = _share("The least membership in segment; one half unless told.")
    tier = serializers.ChoiceField(required=False, choices=list(TIERS))
    churn_risk_min = _share("Chance of no order in the shop's churn horizon, this or above.")
    churn_risk_max = _share("This or below.")
    lapse_risk_min = _share("Chance of no order within the own horizon, this or above.")
    lapse_risk_max = _share("This or below.")
    value_at_risk_min = NumberField(required=False, min_value=0, max_value=MOST_MONEY, help_text="Shop currency.")
    active = serializers.BooleanField(required=False, help_text="Whether the customer waits no longer than the own horizon.")

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Refuse half a filter and a range that ends before it begins."""
        for name, other in (("axis", "segment"), ("segment", "axis"), ("membership_min", "axis")):
            if name in asked and other not in asked:
                raise serializers.ValidationError({name: [f"{name} goes with {other}; give both."]})
        for risk in ("churn_risk", "lapse_risk"):
            low, high = asked.get(f"{risk}_min"), asked.get(f"{risk}_max")
            if low is not None and high is not None and high < low:
                raise serializers.ValidationError({f"{risk}_max": [f"{risk}_max is below {risk}_min; swap them."]})
        return asked


class CustomerPageParameters(PageParameters):
    """Where a page begins and how long it is."""

    limit = serializers.IntegerField(required=False, default=50, min_value=1, max_value=100)


class DirectoryParameters(FilterParameters, CustomerPageParameters):
    """Who is wanted, in which order, from where on."""

    sort = serializers.ChoiceField(
        required=False,
        choices=list(SORTS),
        default="value_at_risk",
        help_text="Largest or newest first, customer_id ascending. By a score: only customers with one; by last_order: buyers.",
    )


class MemberParameters(CustomerPageParameters):
    """In which order, from where on."""

    sort = serializers.ChoiceField(
        required=False,
        choices=list(SORTS),
        default="lifetime_value",
        help_text="Largest or newest first, customer_id ascending. By a score: only members with one.",
    )


def filters_of(asked: dict[str, Any]) -> Filters:
    """The filters among checked parameters."""
    given = {name: value for name, value in asked.items() if name in Filters.__dataclass_fields__}
    if "value_at_risk_min" in given:
        given["value_at_risk_min"] = Decimal(str(given["value_at_risk_min"]))
    return Filters(**given)


def page_json(filters: Filters, asked: dict[str, Any]) -> dict[str, Any]:
    """The page that `asked` (limit, cursor, sort) wants, as JSON. Raises `ValidationError` (400) for a filter of nothing."""
    name, limit = asked["sort"], asked["limit"]
    sort, question = SORTS[name], (name, filters)
    after = Place(*place_at(asked["cursor"], question)) if "cursor" in asked else None
    try:
        page = directory(filters, sort, limit, after)
    except UnknownFilter as problem:
        raise serializers.ValidationError({problem.field: [str(problem)]}) from problem
    next_place = page.next_place
    body: dict[str, Any] = {"customers": [row_json(row) for row in page.rows], "sort": name, "limit": limit}
    if next_place is None:
        body |= nulls(["next_cursor"], THE_END)
    else:
        body["next_cursor"] = cursor_for(question, [next_place.value, next_place.key])
    return body | _read_from(page, sort)


def _read_from(page: Directory, sort: Sort) -> dict[str, Any]:
    """Which run and which scoring the rows are of; where a sort by score finds nobody, what to do instead."""
    reading = page.reading
    body: dict[str, Any] = {"run_id": reading.run_id} if reading.run_id else nulls(["run_id"], NO_RUN)
    if reading.scored_as_of:
        return body | {"as_of": utc_text(reading.scored_as_of)}
    note = {"note": f"{reading.missing} {OTHER_SORTS}"} if sort.of_scores else {}
    return body | nulls(["as_of"], reading.missing) | note


def row_json(row: DirectoryRow) -> dict[str, Any]:
    """A row; every null with its reason."""
    body: dict[str, Any] = {
        "customer_id": row.customer_id,
        "lifetime_value": money(row.lifetime_value),
        "total_orders": row.total_orders,
    }
    body |= {"archetype_id": row.archetype_id} if row.archetype_id else nulls(["archetype_id"], row.archetype_reason)
    body |= (
        {"last_order_at": utc_text(row.last_order_at)}
        if row.last_order_at
        else nulls(["last_order_at"], AWAITING_FIRST_PURCHASE)
    )
    if row.score is None:
        body |= nulls(SCORE_FIELDS, row.score_reason)
    else:
        score = row.score
        body |= {
            "tier": score.tier,
            "churn_risk_score": shown_score(score.churn_risk_score),
            "lapse_risk_score": shown_score(score.lapse_risk_score),
            "lapse_horizon_days": score.lapse_horizon_days,
            "value_at_risk": money(score.value_at_risk),
            "predicted_value_180": money(score.value_180d),
            "is_active": score.is_active,
        }
    if row.contact is not None:
        contact = row.contact
        body |= {
            "name": contact.name,
            "email": contact.email,
            "phone": contact.phone,
            "email_consent": contact.email_consent,
            "sms_consent": contact.sms_consent,
        }
    return body


# --- What the OpenAPI document says ------------------------------------------------------------------------------------


class DirectoryRowSchema(serializers.Serializer[Any]):
    """A customer with scores and without contact data."""

    customer_id = serializers.CharField()
    tier = serializers.ChoiceField(choices=list(TIERS), allow_null=True)
    tier_reason = reason_field()
    archetype_id = serializers.CharField(allow_null=True)
    archetype_id_reason = reason_field()
    lifetime_value = serializers.FloatField(help_text="Valid orders net of refunds, shop currency.")
    total_orders = serializers.IntegerField()
    last_order_at = serializers.DateTimeField(allow_null=True)
    last_order_at_reason = reason_field()
    churn_risk_score = serializers.FloatField(allow_null=True, help_text="0 to 1: no order in the shop's churn horizon.")
    churn_risk_score_reason = reason_field()
    lapse_risk_score = serializers.FloatField(allow_null=True, help_text="0 to 1: no order within the own horizon.")
    lapse_risk_score_reason = reason_field()
    lapse_horizon_days = serializers.IntegerField(allow_null=True)
    lapse_horizon_days_reason = reason_field()
    value_at_risk = serializers.FloatField(allow_null=True, help_text="Lapse score times the value expected in 180 days.")
    value_at_risk_reason = reason_field()
    predicted_value_180 = serializers.FloatField(allow_null=True, help_text="Expected in the next 180 days.")
    predicted_value_180_reason = reason_field()
    is_active = serializers.BooleanField(allow_null=True, help_text="Waits no longer than the own horizon.")
    is_active_reason = reason_field()


class DirectorySchema(serializers.Serializer[Any]):
    """A page. By a membership filter it may hold fewer customers than `limit` and not be the last: go on to a null next_cursor.

    Each page is read from the scores of its own moment. Customers whose score is made anew between two pages may move.
    """

    customers = DirectoryRowSchema(many=True)
    sort = serializers.ChoiceField(choices=list(SORTS))
    limit = serializers.IntegerField()
    next_cursor = serializers.CharField(allow_null=True, help_text="Send it as cursor, with the same filters and sort.")
    next_cursor_reason = reason_field()
    run_id = serializers.IntegerField(allow_null=True, help_text="The segmentation run that archetypes are of.")
    run_id_reason = reason_field()
    as_of = serializers.DateTimeField(allow_null=True, help_text="Of the last scoring of everybody.")
    as_of_reason = reason_field()
    note = serializers.CharField(required=False, help_text="What to do where a sort by score finds nobody.")


class MembersSchema(DirectorySchema):
    """A page of an archetype's members."""

    archetype_id = serializers.CharField()
    member_count = serializers.IntegerField()


class ExportParameters(FilterParameters):
    """Who is wanted, in which format, with or without contact data."""

    format = serializers.ChoiceField(required=False, choices=["csv", "ndjson"], default="csv")
    contact = serializers.BooleanField(
        required=False, default=False, help_text="Adds name, email, phone and consents; needs the scope read:pii."
    )
