"""Why one customer's lapse risk is what it is; worked out when asked, with the version and the day of the score shown."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from customers.figures import STEPS
from insights.profiles import CustomerProfile
from predictions.histories import occasions
from predictions.reading import fitted_version
from predictions.record import local_day

if TYPE_CHECKING:
    from predictions.maths.explaining import Explanation


OLD_VERSION = "This score is of a version that kept nobody to compare with; scores of the next version can be explained."
# The profile's score is told to four places, so the same score made anew may be a step away from it.
_SAME = 1.01 / STEPS
CHANGED_SINCE = "The orders behind this score have changed since; it can be explained again after the next scoring."


@dataclass(frozen=True)
class Why:
    """The profile, and the parts that its lapse risk is made of; None with `reason` where there is no score to explain.

    The explanation's score is the profile's, as it is told; the parts add up to it to within a step of its last place.
    """

    profile: CustomerProfile
    explanation: "Explanation | None"
    reason: str


def why(profile: CustomerProfile) -> Why:
    """The explanation of the score in a profile.

    Three queries, two more when this process meets a version for the first time; 10 to 40 ms of work.
    """
    from predictions.maths.explaining import explain

    if profile.churn is None:
        return Why(profile, None, profile.churn_reason)
    scored_at = profile.churn.as_of
    model = fitted_version(profile.churn.model_version, profile.churn.model_made_at)
    if model.background is None:
        return Why(profile, None, OLD_VERSION)
    own = occasions(scored_at, customer_pk=profile.customer.pk)
    explanation = explain(model, own, local_day(scored_at)) if len(own) else None
    if explanation is None or abs(explanation.score - profile.churn.lapse.score) > _SAME:
        return Why(profile, None, CHANGED_SINCE)
    return Why(profile, replace(explanation, score=profile.churn.lapse.score), "")
