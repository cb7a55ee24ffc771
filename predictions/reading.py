"""Reading a stored version: parsed once a process, for it is never changed once made."""

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from accounts.models import Shop
from predictions.models import PredictionModel, ScoringRun

if TYPE_CHECKING:
    from predictions.maths.scoring import FittedPredictions


def version_for(as_of: datetime, churn_days: int) -> tuple[PredictionModel, "FittedPredictions"] | None:
    """The version that knows most, but nothing after `as_of`, if it answers for that churn horizon.

    One query, and two more when this process meets a version for the first time. The row comes without its parameters.
    """
    known = PredictionModel.objects.filter(as_of__lte=as_of).defer("parameters")
    newest = known.order_by("-as_of", "-id").first()  # by what it knows: a look into the past may be fitted later
    if newest is None:
        return None
    fitted = fitted_version(newest.pk, newest.created_at)
    return (newest, fitted) if churn_days in fitted.choices else None


def churn_days_in_force() -> int:
    """The horizon of the churn scores that are stored; the shop's setting before there are any. One or two queries."""
    run = ScoringRun.objects.exclude(model=None).values_list("churn_days", flat=True).first()
    return run if run is not None else Shop.current().churn_days


@lru_cache(maxsize=2)
def fitted_version(pk: int, created_at: datetime) -> "FittedPredictions":
    """The version as the maths knows it; `created_at` is in the key because a restored database may give a number again."""
    return PredictionModel.objects.get(pk=pk).fitted()
