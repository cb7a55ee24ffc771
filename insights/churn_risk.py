"""One customer's churn and lapse risk, expected orders and value: behind the page, the profile and its own endpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from customers.figures import ratio, to_cents
from customers.models import Customer
from predictions import explaining
from predictions.maths.lapse import level
from predictions.models import Prediction
from predictions.shown import shown_score

NOT_PREDICTED_YET = "Nothing has been predicted yet; predictions follow the first segmentation, or run `predict`."
NOT_IN_PREDICTION_YET = "First order recorded after the last prediction; this customer is about to be scored."
NO_RANGE = "Nobody in this shop has come back after so long a wait, so no date is expected."
VALUE_DAYS = (90, 180, 365)
ORDER_DAYS = (30, 90, 180, 365)


@dataclass(frozen=True)
class Expected:
    """What a customer is expected to spend in some days ahead; four of five customers end between `low` and `high`."""

    value: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class LapseRisk:
    """The probability of no order within the customer's own horizon, and when one is expected.

    `earliest` and `latest` are days of the shop's calendar, None where nobody came back after so long a wait; `in_days` are the
    same counted from today. `overdue_ratio` is the wait by today over the usual gap.
    """

    level: str
    score: float
    horizon_days: int
    usual_gap_days: int
    overdue_ratio: float
    earliest: date | None
    latest: date | None
    in_days: tuple[int, int] | None


@dataclass(frozen=True)
class ChurnRisk:
    """All that is predicted of one customer, as of `as_of` by the version `model_version`, in figures as they are told.

    `score` is the probability of no order within `churn_days`. `recency_days` are those of the customer's metrics, counted by
    today, so that one answer knows one number; `order_frequency`, `value_tier` and `engagement_trend` are the reference's
    words. `trend` compares how often the customer came (-1, 0 or 1), and knows nothing of the wait since.
    """

    level: str
    score: float
    churn_days: int
    lapse: LapseRisk
    recency_days: int
    order_frequency: str
    value_tier: str
    engagement_trend: str
    trend: int
    tier: str
    is_active: bool
    expected: Mapping[int, Expected]
    orders: Mapping[int, float]
    value_at_risk: Decimal
    as_of: datetime
    model_version: int
    model_made_at: datetime


def churn_risk(
    customer: Customer,
    prediction: Prediction,
    *,
    recency_days: int,
    as_of: datetime,
    churn_days: int,
    model_made_at: datetime,
    zone: ZoneInfo,
) -> ChurnRisk:
    """The risk as it is stored, in words and dates of `as_of`, at which the last order was `recency_days` ago; no query."""
    overdue_ratio = ratio(recency_days / max(prediction.usual_gap_days, 1.0))
    scored_on, today = (moment.astimezone(zone).date() for moment in (prediction.as_of, as_of))
    earliest = _day(scored_on, prediction.next_order_in_days)
    latest = _day(scored_on, prediction.next_order_in_days_at_most)
    lapse = LapseRisk(
        level=level(prediction.lapse_risk_score),
        score=shown_score(prediction.lapse_risk_score),
        horizon_days=prediction.lapse_horizon_days,
        usual_gap_days=round(prediction.usual_gap_days),
        overdue_ratio=overdue_ratio,
        earliest=earliest,
        latest=latest,
        in_days=((earliest - today).days, (latest - today).days) if earliest and latest else None,
    )
    tier = Prediction.Tier(prediction.tier).label
    return ChurnRisk(
        level=level(prediction.churn_risk_score),
        score=shown_score(prediction.churn_risk_score),
        churn_days=churn_days,
        lapse=lapse,
        recency_days=recency_days,
        order_frequency=explaining.order_frequency(prediction.usual_gap_days, customer.order_count),
        value_tier=explaining.value_tier(prediction.tier),
        engagement_trend=explaining.engagement_trend(prediction.trend, overdue_ratio),
        trend=prediction.trend,
        tier=tier,
        is_active=prediction.is_active,
        expected={days: _expected(prediction, days) for days in VALUE_DAYS},
        orders={days: ratio(getattr(prediction, f"orders_{days}d")) for days in ORDER_DAYS},
        value_at_risk=to_cents(prediction.value_at_risk),
        as_of=prediction.as_of,
        model_version=prediction.model_id,
        model_made_at=model_made_at,
    )


def _expected(prediction: Prediction, days: int) -> Expected:
    return Expected(*(to_cents(getattr(prediction, f"value_{days}d{end}")) for end in ("", "_low", "_high")))


def _day(scored_on: date, in_days: int) -> date | None:
    return None if in_days < 0 else scored_on + timedelta(days=in_days)
