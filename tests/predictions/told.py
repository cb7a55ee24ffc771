"""Predictions of a shop as they are written down, made by hand around one real small fit; the trust page only reads them."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np

from predictions.maths import scoring
from predictions.maths.judging import Outcome
from predictions.maths.lapse import LEVELS
from predictions.models import PredictionModel, RiskTally, ScoreSnapshot, ScoringRun
from tests.factories import NOW
from tests.predictions.maths.invented_buyers import TODAY, invented

LAPSE = (500, 300, 150, 50)
CHURN = (820, 100, 60, 20)


@cache
def fitted(customers: int = 400, today: int = TODAY) -> dict[str, Any]:
    """A fit as JSON."""
    return scoring.fit(invented(customers).until(today), today).to_json()


def make_run(parameters: dict[str, Any] | None = None, **fields: Any) -> ScoringRun:
    """A thousand customers scored as of `NOW`, with the tallies of their levels."""
    model = PredictionModel.objects.create(
        created_at=NOW,
        as_of=NOW - timedelta(days=12),
        buyers=980,
        parameters=parameters if parameters is not None else fitted(),
    )
    for measure, sizes in ((RiskTally.Measure.LAPSE, LAPSE), (RiskTally.Measure.CHURN, CHURN)):
        for (level, _), size in zip(LEVELS, sizes, strict=True):
            RiskTally.objects.create(measure=measure, level=level, customers=size)
    drift = {"recency_days": 0.02, "usual_gap_days": 0.01, "repeats": 0.12, "average_value": 0.0}
    return ScoringRun.objects.create(
        **{
            "as_of": NOW,
            "created_at": NOW,
            "model": model,
            "customers": 1_000,
            "buyers": 1_000,
            "history_days": 900,
            "drift": drift,
            "seconds": 4.2,
            **fields,
        }
    )


def make_run_below_the_gate() -> ScoringRun:
    """Nobody could be scored: fifty buyers too few."""
    return ScoringRun.objects.create(
        as_of=NOW, buyers=150, history_days=400, missing="Predictions need 50 more customers with an order (150 of 200)."
    )


def happened(critical: int, did_not_order: int, others: int = 0) -> dict[str, Any]:
    """An outcome: so many were told 90 %, and so many of them did not order; others were told 10 % and ordered."""
    probability = np.array([0.9] * critical + [0.1] * others)
    none = np.array([True] * did_not_order + [False] * (critical - did_not_order + others), dtype=bool)
    return Outcome.of(probability, none).to_json()


def make_month(month: date, **outcomes: dict[str, Any]) -> ScoreSnapshot:
    """Scores kept on the 26th of a month; `outcomes` by name, with `lapse_30` for "lapse-30"."""
    return ScoreSnapshot.objects.create(
        month=month,
        as_of=datetime(month.year, month.month, 26, 3, tzinfo=UTC),
        customers=2_000,
        scores=b"",
        outcomes={name.replace("_", "-"): outcome for name, outcome in outcomes.items()},
    )
