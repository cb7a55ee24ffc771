"""The record of what was said: everybody's scores once a month, and what then happened."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from accounts.models import Shop
from predictions.maths.days import number_of
from predictions.maths.occasions import Occasions
from predictions.maths.remembering import Remembered, names_of_outcomes, outcomes
from predictions.models import PredictionModel, ScoreSnapshot

if TYPE_CHECKING:
    from predictions.maths.scoring import Scores


def local_day(as_of: datetime) -> int:
    """Days since 1970-01-01 on the shop's calendar."""
    return number_of(as_of.astimezone(Shop.current().zone).date())


def last_whole_day(as_of: datetime) -> int:
    """The last day that is over at `as_of`: at two in the night yesterday, a second before midnight that day."""
    return local_day(as_of + timedelta(seconds=1)) - 1


def keep(model: PredictionModel, scores: "Scores", as_of: datetime, churn_days: int) -> None:
    """Keep these scores if they are the first of their month; about 1 MB for 94,000 customers."""
    month = as_of.astimezone(Shop.current().zone).date().replace(day=1)
    if ScoreSnapshot.objects.filter(month=month).exists():
        return
    kept = Remembered(
        scores.customer_ids,
        scores.none_within[churn_days].astype(np.float32),
        scores.lapse_score.astype(np.float32),
        scores.lapse_horizon_days.astype(np.int16),
    )
    ScoreSnapshot.objects.get_or_create(
        month=month,
        defaults={
            "as_of": as_of.astimezone(UTC),
            "model": model,
            "churn_days": churn_days,
            "customers": len(kept),
            "scores": kept.to_bytes(),
        },
    )


def settle(everybody: Occasions, as_of: datetime) -> int:
    """Write down what happened to the customers of earlier months, as far as their horizons have passed by `as_of`.

    Each outcome is told once and then stands: orders that come in later with an older date do not rewrite the record. Returns
    how many months had news. Reads only snapshots that can have some.
    """
    today, told = last_whole_day(as_of), 0
    for snapshot in ScoreSnapshot.objects.filter(as_of__lt=as_of).defer("scores"):
        day = last_whole_day(snapshot.as_of)
        if len(snapshot.outcomes) == len(names_of_outcomes()) or not _has_news(snapshot, today - day):
            continue
        scores = Remembered.from_bytes(bytes(snapshot.scores))
        known = outcomes(scores, everybody, day, today, snapshot.churn_days)
        news = {name: outcome.to_json() for name, outcome in known.items() if name not in snapshot.outcomes}
        if news:
            snapshot.outcomes = snapshot.outcomes | news
            snapshot.save(update_fields=["outcomes"])
            told += 1
    return told


def _has_news(snapshot: ScoreSnapshot, days_since: int) -> bool:
    due = {"churn": snapshot.churn_days} | {
        name: int(name.removeprefix("lapse-")) for name in names_of_outcomes() if name.startswith("lapse-")
    }
    return any(days <= days_since and name not in snapshot.outcomes for name, days in due.items())
