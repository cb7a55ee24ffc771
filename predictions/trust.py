"""How good the predictions are: what stands behind the trust page and its endpoint, read as it was written down, not recounted.

Two sources. *Tests*: at every fit the chosen models had to predict the shop's last windows from what was known then. *Record*:
the scores that were really given, kept once a month, against what then happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import add

from predictions.maths import drift, lapse, remembering
from predictions.maths.days import date_of
from predictions.maths.gate import LEAST_BUYERS, LEAST_HISTORY_DAYS
from predictions.maths.judging import Outcome
from predictions.models import RiskTally, ScoreSnapshot, ScoringRun

MONTHS_SHOWN, _MONTHS_OPEN = 24, 6
KINDS = {
    "ordering": "Ordering alone (MBG/NBD)",
    "rhythm": "Regression on rhythm",
    "blend": "Boosted trees and regression",
}
SHIFTS = {
    "none": "none",
    "latest": "to the level of the latest window",
    "season": "to the latest window and last year's change",
}
INPUTS = {
    "recency_days": "Days since the last order",
    "usual_gap_days": "Usual gap",
    "repeats": "Number of orders",
    "average_value": "Average order",
}


# Below so many a rate "of 100 customers" would pretend to more than is known.
FEW = 100


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
class Judged:
    """Probabilities against what happened, over `customers` cases; None where there are none.

    `said_rate` is their mean and `base_rate` the share to whom it happened; `curve` has both and the size for each tenth of
    the scale that holds anybody.
    """

    customers: int
    said_rate: float | None
    base_rate: float | None
    calibration_error: float | None
    log_loss: float | None
    curve: tuple[tuple[float, float, int], ...]
    critical: int
    critical_happened: int

    @classmethod
    def of(cls, outcome: Outcome) -> "Judged":
        """From the sums."""
        critical, happened = outcome.at("critical")
        some = outcome.customers > 0
        return cls(
            customers=outcome.customers,
            said_rate=sum(outcome.predicted) / outcome.customers if some else None,
            base_rate=outcome.base_rate if some else None,
            calibration_error=outcome.calibration_error if some else None,
            log_loss=outcome.log_loss if some else None,
            curve=outcome.curve,
            critical=critical,
            critical_happened=happened,
        )

    @property
    def of_a_hundred(self) -> int | None:
        """Of a hundred called critical, so many did not order; None where nobody was. Never all or none by rounding."""
        if not self.critical:
            return None
        if self.critical_happened in {0, self.critical}:
            return 100 if self.critical_happened else 0
        return min(99, max(1, round(100 * self.critical_happened / self.critical)))

    @property
    def critical_rate(self) -> float | None:
        """The share of those called critical who did not order; None where nobody was."""
        return self.critical_happened / self.critical if self.critical else None

    @property
    def is_few(self) -> bool:
        """Whether too few were called critical to speak of a hundred."""
        return self.critical < FEW


@dataclass(frozen=True)
class HorizonModel:
    """The model of one horizon: which, how corrected, why, and how it did on windows that it had not seen.

    `better_by` is the share by which it was closer to what happened (log loss) than the model of ordering alone; model and
    correction were chosen on the same windows, which flatters them a little. `judged`, `area` and what belongs to it are None
    where no window of the past could be tested. `fell_back` where a larger model was wanted and its fit did not come to rest.
    """

    days: int
    kind: str
    shift: str
    reason: str
    windows: int
    tested: tuple[date, ...]
    judged: Judged | None
    better_by: float | None
    area: float | None
    ordering_area: float | None
    fell_back: bool

    @property
    def kind_words(self) -> str:
        """Which model."""
        return KINDS.get(self.kind, self.kind)

    @property
    def shift_words(self) -> str:
        """How corrected."""
        return SHIFTS.get(self.shift, self.shift)


@dataclass(frozen=True)
class Month:
    """The scores of one month against what happened.

    `lapse` is over the customers whose horizons have passed; `lapse_waits` still wait, and on `lapse_next_on` more is known
    (None if all is).
    """

    month: date
    as_of: datetime
    customers: int
    churn_days: int
    churn: Judged | None
    lapse: Judged | None
    lapse_waits: int
    lapse_next_on: datetime | None

    @property
    def churn_words(self) -> str:
        """The literal measure by its full name."""
        return f"No order in {self.churn_days} days"

    @property
    def churn_known_on(self) -> datetime:
        """When it will be known who did not order."""
        return self.as_of + timedelta(days=self.churn_days)


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


NO_RUN = "Nothing has been predicted yet; predictions follow the first segmentation, or run `predict`."
NOT_TESTED = "No window of the past could be tested yet: the shop's history is too short to hide a part of it."


def trust() -> Trust:
    """The state of the predictions; three queries, whatever the size of the shop."""
    run = ScoringRun.objects.select_related("model").first()
    has_scores = run is not None and run.model is not None
    parameters = run.model.parameters if run is not None and run.model is not None else None
    levels = _levels() if has_scores else {}
    choices = {int(days): choice for days, choice in parameters["choices"].items()} if parameters else {}
    models = [_model(days, choice) for days, choice in sorted(choices.items())]
    own, regulars = (_evidence_of(choices, name) for name in ("own", "regulars"))
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
        revenue_errors=_revenue_errors(parameters["level"]["errors"]) if parameters else (),
        notes=tuple(parameters["notes"]) if parameters else (),
        drift=[_drift(name, run.drift[name]) for name in INPUTS if name in run.drift] if run else (),
        months=[_month(snapshot) for snapshot in ScoreSnapshot.objects.defer("scores")[:MONTHS_SHOWN]],
    )


def _revenue_errors(came_over_expected: Sequence[float]) -> tuple[float, ...]:
    """What was expected over what came, less one: above zero where too much was promised."""
    return tuple(1.0 / (1.0 + error) - 1.0 for error in came_over_expected)


def _levels() -> dict[str, list[Level]]:
    found: dict[str, dict[str, int]] = {}
    for measure, level, customers in RiskTally.objects.values_list("measure", "level", "customers"):
        found.setdefault(measure, {})[level] = customers
    return {
        measure: [Level(name, sizes.get(name, 0), sizes.get(name, 0) / max(1, sum(sizes.values()))) for name, _ in lapse.LEVELS]
        for measure, sizes in found.items()
    }


def _model(days: int, choice: dict) -> HorizonModel:  # type: ignore[type-arg]  # stored JSON
    evidence = choice["evidence"]
    judged = Judged.of(Outcome.from_json(evidence["everybody"])) if evidence else None
    better_by = None
    if judged is not None and judged.log_loss is not None and evidence["ordering_loss"]:
        better_by = 1.0 - judged.log_loss / evidence["ordering_loss"]
    return HorizonModel(
        days=days,
        kind=choice["kind"],
        shift=choice["shift"],
        reason=choice["reason"],
        windows=len(choice["windows"]),
        tested=tuple(date_of(day) for day in evidence["days"]) if evidence else (),
        judged=judged,
        better_by=better_by,
        area=evidence["area"] if evidence else None,
        ordering_area=evidence["ordering_area"] if evidence else None,
        fell_back=choice["fell_back"],
    )


def _evidence_of(choices: dict[int, dict], which: str) -> Judged | None:  # type: ignore[type-arg]  # stored JSON
    """Lapse risk in the tests: of each horizon the customers whose own it is, together."""
    parts = [
        Outcome.from_json(choice["evidence"][which])
        for days, choice in choices.items()
        if days in lapse.HORIZONS and choice["evidence"]
    ]
    together = reduce(add, parts) if parts else Outcome()
    return Judged.of(together) if together.customers else None


def _month(snapshot: ScoreSnapshot) -> Month:
    known = {name: Outcome.from_json(stored) for name, stored in snapshot.outcomes.items()}
    of_lapse = [outcome for name, outcome in known.items() if name != remembering.CHURN]
    together = reduce(add, of_lapse) if of_lapse else None
    waits = [days for days in lapse.HORIZONS if remembering.lapse_of(days) not in known]
    return Month(
        month=snapshot.month,
        as_of=snapshot.as_of,
        customers=snapshot.customers,
        churn_days=snapshot.churn_days,
        churn=Judged.of(known[remembering.CHURN]) if remembering.CHURN in known else None,
        lapse=Judged.of(together) if together is not None and together.customers else None,
        lapse_waits=snapshot.customers - (together.customers if together else 0) if waits else 0,
        lapse_next_on=snapshot.as_of + timedelta(days=min(waits)) if waits else None,
    )


def _drift(name: str, index: float) -> Drift:
    words = "little" if index < drift.LITTLE else "some" if index < drift.MUCH else "much"
    return Drift(name, INPUTS.get(name, name), index, words)
