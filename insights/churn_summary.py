"""Churn and lapse risk over the whole customer base: everybody counted, nobody sampled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from customers.figures import percentage
from customers.models import Customer
from insights.churn_risk import NOT_PREDICTED_YET
from predictions.maths.lapse import LEVELS
from predictions.models import RiskTally, ScoringRun


@dataclass(frozen=True)
class LevelCount:
    """How many scored customers stand at one level, and with how much; `percentage` is of all scored, 0 to 100."""

    customers: int
    percentage: float
    active: int
    value_at_risk: Decimal
    expected_value_365d: Decimal


@dataclass(frozen=True)
class ChurnSummary:
    """The customer base at one moment.

    `churn` and `lapse` are counts by level, the riskiest first. `active` is who waits no longer than his own horizon;
    `lapsing_30d` and `lapsing_90d` are how many of those are expected not to be active any more by then.
    """

    churn: Mapping[str, LevelCount]
    lapse: Mapping[str, LevelCount]
    scored: int
    active: int
    lapsing_30d: float
    lapsing_90d: float
    value_at_risk: Decimal
    churn_days: int
    as_of: datetime
    model_version: int


@dataclass(frozen=True)
class NoSummary:
    """Why there is none, and how many customers with an order there are."""

    reason: str
    buyers: int


def churn_summary() -> ChurnSummary | NoSummary:
    """The summary, or the reason why there is none; two queries of nine rows, whatever the size of the shop."""
    run = ScoringRun.objects.first()
    tallies = {(tally.measure, tally.level): tally for tally in RiskTally.objects.all()}
    if run is None or run.model_id is None or not tallies:
        reason = run.missing if run is not None and run.missing else NOT_PREDICTED_YET
        return NoSummary(reason, run.buyers if run is not None else Customer.objects.buyers().count())
    lapse = [tallies[RiskTally.Measure.LAPSE, name] for name, _ in LEVELS]
    scored = sum(tally.customers for tally in lapse)
    return ChurnSummary(
        churn=_by_level([tallies[RiskTally.Measure.CHURN, name] for name, _ in LEVELS], scored),
        lapse=_by_level(lapse, scored),
        scored=scored,
        active=sum(tally.active for tally in lapse),
        lapsing_30d=sum(tally.lapsing_30d for tally in lapse),
        lapsing_90d=sum(tally.lapsing_90d for tally in lapse),
        value_at_risk=sum((tally.value_at_risk for tally in lapse), Decimal(0)),
        churn_days=run.churn_days,
        as_of=run.as_of,
        model_version=run.model_id,
    )


def _by_level(tallies: list[RiskTally], scored: int) -> dict[str, LevelCount]:
    return {
        tally.level: LevelCount(
            customers=tally.customers,
            percentage=percentage(tally.customers, scored),
            active=tally.active,
            value_at_risk=tally.value_at_risk,
            expected_value_365d=tally.value_365d,
        )
        for tally in tallies
    }
