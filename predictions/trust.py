"""How good the predictions are: what stands behind the trust page and its endpoint, read as it was written down, not recounted.

Two sources. *Tests*: at every fit the chosen models had to predict the shop's last windows from what was known then. *Record*:
the scores that were really given, kept once a month, against what then happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from customers.figures import share
from predictions.judged import Judged
from predictions.maths import drift, lapse
from predictions.maths.gate import LEAST_BUYERS, LEAST_HISTORY_DAYS
from predictions.models import RiskTally, ScoreSnapshot, ScoringRun
from predictions.proof import HorizonModel, evidence_of, model_of, revenue_errors
from predictions.track_record import Month, month_of

MONTHS_SHOWN, _MONTHS_OPEN = 24, 6
INPUTS = {
    "recency_days": "Days since the last order",
    "usual_gap_days": "Usual gap",
    "repeats": "Number of orders",
    "average_value": "Average order",
}
NO_RUN = "Nothing has been predicted yet; predictions follow the first segmentation, or run `predict`."
NOT_TESTED = "No window of the past could be tested yet: the shop's history is too short to hide a part of it."


@dataclass(frozen=True)
class Gate:
    """One thing that there must be enough of: `have` of `need`; None before anything was counted."""

    name: str
    have: int | None
    need: int

    @property
    def is_met(self) -> bool:
        """Whether there is enough."""
        return self.have is not None and self.have >= self.need

    @property
    def share(self) -> float:
        """How much of it is there, 0 to 1."""
        return min(1.0, (self.have or 0) / self.need)


@dataclass(frozen=True)
class Drift:
    """How far one input has moved since the fit: "little", "some" or "much"."""

    input: str
    name: str
    index: float
    words: str


@dataclass(frozen=True)
class Level:
    """One risk level: how many customers, and their share from 0 to 1."""

    name: str
    customers: int
    share: float


@dataclass(frozen=True)
class Trust:
    """The state of the predictions. Without a run or below a gate `missing` says why there are none, and the rest is empty.

    `lapse` and `regulars` are lapse risk in the tests, over everybody and over those with three or more occasions.
    `revenue_errors` are of the tested windows, the newest first.
    """

    gates: Sequence[Gate]
    missing: str
    as_of: datetime | None
    scored_at: datetime | None
    seconds: float
    customers: int
    churn_days: int
    model_version: int | None
    fitted_at: datetime | None
    fitted_as_of: datetime | None
    learned_from: int
    churn_levels: Sequence[Level]
    lapse_levels: Sequence[Level]
    models: Sequence[HorizonModel]
    lapse: Judged | None
    regulars: Judged | None
    revenue_errors: Sequence[float]
    notes: Sequence[str]
    drift: Sequence[Drift]
    months: Sequence[Month]

    @property
    def churn_words(self) -> str:
        """The literal measure by its full name."""
        return f"No order in {self.churn_days} days"

    @property
    def churn(self) -> HorizonModel | None:
        """The model of the shop's churn horizon."""
        return next((model for model in self.models if model.days == self.churn_days), None)

    @property
    def latest(self) -> Month | None:
        """The newest month of which we know what happened to `FEW` called critical by lapse risk or more, else to anybody."""
        known = [month for month in self.months if month.lapse and month.lapse.critical]
        return next((month for month in known if month.lapse and not month.lapse.is_few), known[0] if known else None)

    @property
    def is_ready(self) -> bool:
        """Whether there are predictions."""
        return self.model_version is not None

    @property
    def has_run(self) -> bool:
        """Whether anybody ever asked for predictions, so that the gates are counted."""
        return self.as_of is not None

    @property
    def answer(self) -> Judged | None:
        """What "how good" is answered with: the newest month of the record, before that the tests; None without either."""
        return self.latest.lapse if self.latest else self.lapse

    @property
    def fallbacks(self) -> Sequence[str]:
        """Where a fit fell back to something simpler, in sentences."""
        return [*self.notes, *(f"No order in {each.days} days: {each.reason}" for each in self.models if each.fell_back)]

    @property
    def worst_drift(self) -> Drift | None:
        """The input that has moved most."""
        return max(self.drift, key=lambda moved: moved.index, default=None)

    @property
    def has_drifted(self) -> bool:
        """Whether an input has moved so far that the model should learn anew."""
        return self.worst_drift is not None and self.worst_drift.index >= drift.MUCH

    @property
    def is_mostly_critical(self) -> bool:
        """Whether most customers are critical by the literal measure, as in most shops."""
        return any(level.name == "critical" and level.share > 0.5 for level in self.churn_levels)

    @property
    def newer_months(self) -> Sequence[Month]:
        """The months that the page opens with."""
        return self.months[:_MONTHS_OPEN]

    @property
    def older_months(self) -> Sequence[Month]:
        """Those that it folds away."""
        return self.months[_MONTHS_OPEN:]

    @property
    def first_month(self) -> Month | None:
        """The oldest month that is shown."""
        return self.months[-1] if self.months else None

    @property
    def record_from(self) -> datetime | None:
        """From when on it is known what happened to the first scores that were kept; None as long as none were."""
        first = self.first_month
        return min(first.churn_known_on, first.lapse_next_on or first.churn_known_on) if first else None

    @property
    def has_record(self) -> bool:
        """Whether anything is known yet of what happened."""
        return any(month.churn or month.lapse for month in self.months)


def trust() -> Trust:
    """The state of the predictions; three queries, whatever the size of the shop."""
    run = ScoringRun.objects.select_related("model").first()
    has_scores = run is not None and run.model is not None
    parameters = run.model.parameters if run is not None and run.model is not None else None
    levels = _levels() if has_scores else {}
    choices = {int(days): choice for days, choice in parameters["choices"].items()} if parameters else {}
    models = [model_of(days, choice) for days, choice in sorted(choices.items())]
    own, regulars = (evidence_of(choices, name) for name in ("own", "regulars"))
    return Trust(
        gates=[
            Gate("Customers with an order", run.buyers if run else None, LEAST_BUYERS),
            Gate("Days of order history", run.history_days if run else None, LEAST_HISTORY_DAYS),
        ],
        missing=(run.missing if run else NO_RUN),
        as_of=run.as_of if run else None,
        scored_at=run.created_at if run else None,
        seconds=run.seconds if run else 0.0,
        customers=run.customers if run else 0,
        churn_days=run.churn_days if run else 30,
        model_version=run.model_id if run else None,
        fitted_at=run.model.created_at if run and run.model else None,
        fitted_as_of=run.model.as_of if run and run.model else None,
        learned_from=run.model.buyers if run and run.model else 0,
        churn_levels=levels.get(RiskTally.Measure.CHURN, ()),
        lapse_levels=levels.get(RiskTally.Measure.LAPSE, ()),
        models=models,
        lapse=own,
        regulars=regulars,
        revenue_errors=revenue_errors(parameters["level"]["errors"]) if parameters else (),
        notes=tuple(parameters["notes"]) if parameters else (),
        drift=[_drift(name, run.drift[name]) for name in INPUTS if name in run.drift] if run else (),
        months=[month_of(snapshot) for snapshot in ScoreSnapshot.objects.defer("scores")[:MONTHS_SHOWN]],
    )


def _levels() -> dict[str, list[Level]]:
    found: dict[str, dict[str, int]] = {}
    for measure, level, customers in RiskTally.objects.values_list("measure", "level", "customers"):
        found.setdefault(measure, {})[level] = customers
    return {
        measure: [Level(name, sizes.get(name, 0), sizes.get(name, 0) / max(1, sum(sizes.values()))) for name, _ in lapse.LEVELS]
        for measure, sizes in found.items()
    }


def _drift(name: str, index: float) -> Drift:
    index = share(index)
    words = "little" if index < drift.LITTLE else "some" if index < drift.MUCH else "much"
    return Drift(name, INPUTS.get(name, name), index, words)
