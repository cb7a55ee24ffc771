"""Fitting the shop's predictions, and scoring everybody or one customer with them.

read occasions -> check the data gate -> (fit) -> score -> store, all rows in one transaction: a reader sees the old or the new
-> keep the month's scores, and tell what happened to those of earlier months
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from accounts.models import Shop
from customers.columns import Column, read_columns, write_columns
from customers.money import UNIT
from jobs.exclusive import one_at_a_time
from predictions import archetype_risk, growth, level_changes, record, standings, tallies
from predictions.histories import kept_share, lifetime_values, occasions
from predictions.maths import gate, scoring, tiers
from predictions.maths.occasions import Occasions
from predictions.models import ArchetypeRisk, Ensemble, Prediction, PredictionModel, ScoringRun
from predictions.reading import fitted_version, version_for
from predictions.record import last_whole_day, local_day

if TYPE_CHECKING:
    from predictions.maths.scoring import FittedPredictions, Scores

Progress = Callable[[float, str], None]
SEED = 0
_RUNS_KEPT = 400


def fit(as_of: datetime, progress: Progress | None = None) -> PredictionModel:
    """Learn from what is known at `as_of` and store the version; see docs/benchmarks.md for the cost.

    Raises
    ------
    predictions.maths.gate.TooLittleData
        Below the data gate; the message says what is missing.
    jobs.exclusive.Busy
        While another fit or scoring is on.
    """
    with one_at_a_time("prediction"):
        return _fit(occasions(as_of), as_of, Shop.current().churn_days, progress or _silent)[0]


def predict_everyone(
    as_of: datetime, progress: Progress | None = None, *, refit: bool = False, for_the_record: bool = True
) -> int:
    """Score every buyer with the version that knows most but nothing after `as_of`, fitting one if there is none or `refit`.

    Returns the number of customers scored. A version that does not answer for the shop's churn horizon is fitted anew. Below
    the data gate nobody keeps a score, and `TooLittleData` says what is missing. `for_the_record` is False for a look into the
    past, whose scores were never given to anybody then.
    """
    tell, began = progress or _silent, time.monotonic()
    churn_days = Shop.current().churn_days
    with one_at_a_time("prediction"):
        tell(0.0, "Read orders")
        everybody, today, whole = occasions(as_of), local_day(as_of), last_whole_day(as_of)
        buyers, history_days = gate.size(everybody, whole)
        run = ScoringRun(as_of=as_of, buyers=buyers, history_days=history_days, churn_days=churn_days)
        try:
            gate.check(everybody, whole)
        except gate.TooLittleData as problem:
            run.missing = str(problem)
            _nobody_is_scored(run)
            raise
        known = None if refit else version_for(as_of, churn_days)
        stored, model = known or _fit(everybody, as_of, churn_days, tell)
        tell(0.8, "Score customers")
        worth = lifetime_values(everybody, as_of)
        scores = score(model, everybody, worth, as_of)
        growth.store_months(everybody, today, afresh=known is None)
        record.settle(everybody, as_of)
        tell(0.9, "Store predictions")
        run.model, run.drift = stored, scoring.drift(model, everybody, today)
        columns = _columns(stored, model, scores, worth, as_of, churn_days)
        with transaction.atomic():
            tallies.lock()
            standings.lock()
            columns = _of_who_is_here(columns)
            run.customers, run.seconds = len(columns["customer_id"]), time.monotonic() - began
            run.save()
            levels = level_changes.levels_now()
            Prediction.objects.all().delete()
            stood = standings.read()
            write_columns(Prediction._meta.db_table, columns | {"archetype": stood.archetypes_of(columns["customer_id"])})
            standings.refresh(stood.unlike(columns))
            tallies.count_everybody(columns)
            level_changes.tell_everybody(levels, columns, as_of)
            if for_the_record:
                record.keep(stored, scores, as_of, churn_days)
            ScoringRun.objects.filter(pk__lte=run.pk - _RUNS_KEPT).delete()
        archetype_risk.count_archetypes()
        tell(1.0, f"{run.customers:,} customers scored")
        return run.customers


def predict_customer(customer_pk: int, as_of: datetime) -> Prediction | None:
    """Score one customer with the version that scored the others; None without an order or where nobody has a score.

    Under the lock from the first look on: what was true before somebody else changed scores may not be so any more.
    """
    with transaction.atomic():
        tallies.lock()
        run = ScoringRun.objects.select_related("model").defer("model__parameters").first()
        if run is None or run.model is None:
            return None
        model = fitted_version(run.model.pk, run.model.created_at)
        own = occasions(as_of, customer_pk=customer_pk)
        before = Prediction.objects.filter(customer=customer_pk).first()
        if before is not None:
            Prediction.objects.filter(customer=customer_pk).delete()
        if len(own):
            worth = lifetime_values(own, as_of)
            scores = score(model, own, worth, as_of)
            columns = _columns(run.model, model, scores, worth, as_of, run.churn_days)
            archetypes = standings.read(customer_pk).archetypes_of(columns["customer_id"])
            write_columns(Prediction._meta.db_table, columns | {"archetype": archetypes})
        standings.refresh([customer_pk])
        after = Prediction.objects.filter(customer=customer_pk).first()
        tallies.move(before, after)
        level_changes.tell_of_one(before, after, as_of)
    return after


def score(model: "FittedPredictions", who: Occasions, worth: NDArray[np.float64], as_of: datetime) -> "Scores":
    """Everybody in `who` scored on `as_of`'s local day, by what each is worth (paid less refunded) at `as_of`.

    One thread, so that alone and in the batch agree.
    """
    refunded = np.maximum(who.spent(np.diff(who.starts)) - worth, 0.0)
    with threadpool_limits(1):
        return scoring.score(model, who, local_day(as_of), refunded=refunded)


def _nobody_is_scored(run: ScoringRun) -> None:
    with transaction.atomic():
        run.save()
        tallies.lock()
        Prediction.objects.all().delete()
        standings.refresh()
        ArchetypeRisk.objects.all().delete()
        tallies.forget()


def _fit(everybody: Occasions, as_of: datetime, churn_days: int, tell: Progress) -> tuple[PredictionModel, "FittedPredictions"]:
    """Learn up to the last day that is over: one that has hardly begun would teach that nobody buys."""
    tell(0.1, "Learn from the past")
    with threadpool_limits(1):
        fitted = scoring.fit(
            everybody,
            last_whole_day(as_of),
            horizons=(churn_days,),
            kept_share=kept_share(as_of),
            historic_value=lifetime_values(everybody, as_of),
            seed=SEED,
        )
    with transaction.atomic():
        stored = PredictionModel.objects.create(as_of=as_of, buyers=fitted.buyers, parameters=fitted.to_json())
        Ensemble.objects.bulk_create(Ensemble(model=stored, days=days, trees=trees) for days, trees in fitted.trees().items())
    return stored, fitted


def _columns(
    stored: PredictionModel,
    model: "FittedPredictions",
    scores: "Scores",
    worth: NDArray[np.float64],
    as_of: datetime,
    churn_days: int,
) -> dict[str, NDArray[Any]]:
    n, forecast = len(scores), scores.forecast
    return {
        "customer_id": scores.customer_ids,
        "model_id": np.full(n, stored.pk, dtype=np.int64),
        "as_of": np.full(n, np.datetime64(as_of.astimezone(UTC).replace(tzinfo=None), "us")),
        "churn_risk_score": scores.none_within[churn_days],
        "lapse_risk_score": scores.lapse_score,
        "lapse_horizon_days": scores.lapse_horizon_days.astype(np.int16),
        "usual_gap_days": scores.usual_gap_days,
        "overdue_ratio": scores.overdue_ratio,
        "next_order_in_days": _whole_days(scores.earliest),
        "next_order_in_days_at_most": _whole_days(scores.latest),
        **{f"orders_{days}d": forecast.orders[days] for days in (30, 90, 180, 365)},
        **{f"value_{days}d": _units(forecast.value[days]) for days in (90, 180, 365)},
        **{f"value_{days}d_low": _units(forecast.low[days]) for days in (90, 180, 365)},
        **{f"value_{days}d_high": _units(forecast.high[days]) for days in (90, 180, 365)},
        "value_at_risk": _units(scores.value_at_risk),
        "tier": tiers.tier_of(worth, model.tier_edges).astype(np.int16),
        "trend": scores.trend.astype(np.int16),
        "is_active": scores.is_active,
        **{f"lapsing_{days}d": within for days, within in scores.lapsing.items()},
    }


def _of_who_is_here(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Without those who were erased since their orders were read; one query. Who erases now waits for the tallies."""
    here = read_columns({"id": Column("id", "int64")}, "customers_customer ORDER BY id")["id"]
    stays = np.isin(columns["customer_id"], here, assume_unique=True)
    return columns if stays.all() else {name: values[stays] for name, values in columns.items()}


def _units(amounts: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(amounts * UNIT).astype(np.int64)


def _whole_days(days: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.where(np.isnan(days), -1, np.clip(np.round(days), 0, 30_000)).astype(np.int16)


def _silent(share: float, note: str) -> None:
    """Nobody asked for progress."""
