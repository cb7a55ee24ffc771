"""How many customers stand at each risk level: counted with everybody's scores, and exact when one's change or one is erased.

A page or an endpoint reads eight rows, whatever the size of the shop. The rows are also the lock under which scores change.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.db.models import Aggregate, Case, Count, F, Q, Sum, Value, When
from numpy.typing import NDArray

from customers.money import from_units, to_units
from customers.querysets import CustomerQuerySet
from predictions.maths.lapse import LEVELS, level, level_places
from predictions.models import Prediction, RiskTally

SCORES = {RiskTally.Measure.CHURN: "churn_risk_score", RiskTally.Measure.LAPSE: "lapse_risk_score"}
_MONEY = ("value_at_risk", "value_365d")
_SHARES = ("lapsing_30d", "lapsing_90d")


def lock() -> None:
    """Wait until nobody else is changing scores, and hold it to the end of the caller's transaction.

    The first look may wait for somebody who puts new rows in the place of these; the second then finds the new ones.
    """
    if not RiskTally.objects.select_for_update().order_by("pk").values_list("pk", flat=True):
        list(RiskTally.objects.select_for_update().order_by("pk").values_list("pk", flat=True))


def count_everybody(columns: Mapping[str, NDArray[Any]]) -> None:
    """Write the tallies of these columns of `Prediction` (money in units), under the caller's lock."""
    RiskTally.objects.all().delete()
    RiskTally.objects.bulk_create(_tallies(columns))


def forget() -> None:
    """Nobody has a score."""
    RiskTally.objects.all().delete()


def move(before: Prediction | None, after: Prediction | None) -> None:
    """One customer's scores changed from `before` to `after`; under the caller's lock, at most four updates."""
    for prediction, sign in ((before, -1), (after, 1)):
        if prediction is None:
            continue
        changes = {"customers": F("customers") + sign, "active": F("active") + sign * int(prediction.is_active)}
        changes |= {name: F(name) + sign * to_units(getattr(prediction, name)) for name in _MONEY}
        changes |= {name: F(name) + sign * getattr(prediction, name) for name in _SHARES}
        for measure, score in SCORES.items():
            RiskTally.objects.filter(measure=measure, level=level(getattr(prediction, score))).update(**changes)


def take_out(customers: CustomerQuerySet) -> None:
    """These customers are erased: their scores count no more. Takes the lock; two queries and at most eight updates."""
    lock()
    scored = Prediction.objects.filter(customer__in=customers.order_by().values("pk"))
    gone: dict[str, Aggregate] = {"customers": Count("pk"), "active": Count("pk", filter=Q(is_active=True))}
    gone |= {name: Sum(name) for name in (*_MONEY, *_SHARES)}
    for measure, score in SCORES.items():
        at = Case(*(When(**{f"{score}__gte": edge}, then=Value(name)) for name, edge in LEVELS))
        counted = scored.annotate(at=at).values("at").annotate(**{f"gone_{name}": figure for name, figure in gone.items()})
        for name, *figures in counted.values_list("at", *(f"gone_{name}" for name in gone)):
            less = {
                figure: F(figure) - (to_units(much) if figure in _MONEY else much)
                for figure, much in zip(gone, figures, strict=True)
            }
            RiskTally.objects.filter(measure=measure, level=name).update(**less)


def _tallies(columns: Mapping[str, NDArray[Any]]) -> list[RiskTally]:
    tallies = []
    for measure, score in SCORES.items():
        places = level_places(columns[score])
        sizes = np.bincount(places, minlength=len(LEVELS))
        summed = ("is_active", *_SHARES, *_MONEY)
        sums = {name: np.bincount(places, weights=columns[name], minlength=len(LEVELS)) for name in summed}
        for at, (name, _) in enumerate(LEVELS):
            tallies.append(
                RiskTally(
                    measure=measure,
                    level=name,
                    customers=int(sizes[at]),
                    active=int(sums["is_active"][at]),
                    lapsing_30d=float(sums["lapsing_30d"][at]),
                    lapsing_90d=float(sums["lapsing_90d"][at]),
                    **{money: from_units(round(sums[money][at])) for money in _MONEY},
                )
            )
    return tallies
