"""The probability of no purchase in the next days: which model, how corrected, chosen by the shop's own past.

Three models, by how much there is to learn from: MBG/NBD alone; a logistic regression on a customer's rhythm beside it; and the
mean, in log odds, of that and of boosted trees. Each answer can be shifted to the level of the latest window, or to that and
last year's change of the season. Model and shift are the pair that would have predicted best on the last windows, trained each
time only on what was known then; a larger model or a shift has to earn its place.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from predictions.maths.churn_features import YEAR
from predictions.maths.judging import Outcome, area_under_curve, log_loss
from predictions.maths.lapse import own_horizon
from predictions.maths.trees import Trees
from predictions.maths.windows import STEP_DAYS, Past, Window, log_odds

Kind = Literal["ordering", "rhythm", "blend"]
Shift = Literal["none", "latest", "season"]
KINDS: tuple[Kind, ...] = ("ordering", "rhythm", "blend")
SHIFTS: tuple[Shift, ...] = ("none", "latest", "season")

LEAST_FOR: dict[Kind, int] = {"ordering": 0, "rhythm": 500, "blend": 3_000}
"""Buyers from which on a model is tried at all."""
MOST_WINDOWS, TEST_WINDOWS = 12, 3
MOST_ROWS, MOST_TRIAL_ROWS = 100_000, 40_000
# No past makes anybody surer than one in three thousand, in log odds.
_SUREST = 8.0
_MOST_STEPS = 200
# What a larger model or a shift has to gain in log loss, as a share, before it is believed.
WORTH = 0.001
_TREES = {
    "max_iter": 60, "learning_rate": 0.1, "max_leaf_nodes": 16, "max_depth": 5, "min_samples_leaf": 60,
    "l2_regularization": 5.0,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Answerer:
    """A fitted model of one horizon; `shift` is added to its log odds. `coefficients` are of standardised columns."""

    kind: Kind
    days: int
    shift: float = 0.0
    mean: NDArray[np.float64] | None = None
    scale: NDArray[np.float64] | None = None
    coefficients: NDArray[np.float64] | None = None
    intercept: float = 0.0
    trees: Trees | None = None

    def log_odds(self, window: Window) -> NDArray[np.float64]:
        """Log odds of no purchase for the customers of a window; shape (n,)."""
        if self.kind == "ordering":
            return np.clip(window.log_odds_of_none(self.days) + self.shift, -_SUREST, _SUREST)
        rows = window.features(self.days)
        answer = self.linear(rows)
        if self.kind == "blend" and self.trees is not None:
            answer = (answer + self.trees.log_odds(rows)) / 2.0
        return np.clip(answer + self.shift, -_SUREST, _SUREST)

    def linear(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """The logistic regression's part, without the shift."""
        assert self.mean is not None and self.scale is not None and self.coefficients is not None  # noqa: S101, PT018
        answer: NDArray[np.float64] = (rows - self.mean) / self.scale @ self.coefficients + self.intercept
        return answer

    def probability(self, window: Window) -> NDArray[np.float64]:
        """The probability of no purchase in the next `days` days; shape (n,)."""
        probability: NDArray[np.float64] = expit(self.log_odds(window))
        return probability


@dataclass(frozen=True)
class Trial:
    """How a pair of model and shift did on one past window: mean log loss."""

    kind: Kind
    shift: Shift
    day: int
    loss: float


@dataclass(frozen=True)
class Evidence:
    """How the chosen pair did on the last windows, each time knowing only what was known then.

    `days` are those windows, `everybody` their outcome, `own` that of the customers whose own horizon it is, `regulars` of
    those among them with three or more occasions. `area` is the mean area under the curve; `ordering_loss` and `ordering_area`
    are those of the model of ordering alone on the same customers.
    """

    days: tuple[int, ...]
    everybody: Outcome
    own: Outcome
    regulars: Outcome
    area: float
    ordering_loss: float
    ordering_area: float

    def to_json(self) -> dict[str, Any]:
        """The fields by name; NaN as None."""
        return {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Evidence":
        """The inverse of `to_json`."""
        return cls(
            days=tuple(stored["days"]),
            everybody=Outcome.from_json(stored["everybody"]),
            own=Outcome.from_json(stored["own"]),
            regulars=Outcome.from_json(stored["regulars"]),
            area=_number(stored["area"]),
            ordering_loss=_number(stored["ordering_loss"]),
            ordering_area=_number(stored["ordering_area"]),
        )


@dataclass(frozen=True, eq=False)
class Choice:
    """The model of one horizon, why it was chosen, and on what evidence.

    `windows` are past days that it learned from, `kinds` the models tried (not stored); `fell_back` where a larger model was
    wanted and its fit did not come to rest.
    """

    answerer: Answerer
    shift: Shift
    reason: str
    trials: tuple[Trial, ...] = ()
    windows: tuple[int, ...] = field(default=())
    evidence: Evidence | None = None
    fell_back: bool = False
    kinds: tuple[Kind, ...] = ("ordering",)


def choose(past: Past, days: int) -> Choice:
    """Fit the models that the shop has data for, try them on its last windows, and return the best for today.

    Cost: for 94,000 customers and 30 days about four seconds of one thread.
    """
    trainable = past.before(past.today, days, MOST_WINDOWS)
    if not trainable:
        return Choice(Answerer("ordering", days), "none", "There is no past window to learn from yet.")
    kinds = kinds_for(len(trainable[0]))
    tested = [look for window in trainable[:TEST_WINDOWS] if (look := look_back(past, window, days, kinds)) is not None]
    trials = tuple(trial for look in tested for trial in look.trials())
    windows = tuple(window.day for window in trainable)
    if len(tested) < TEST_WINDOWS:
        reason = f"Only {len(tested)} of {TEST_WINDOWS} past windows can be tested: the model of ordering is kept."
        evidence = _evidence([(window, window.log_odds_of_none(days)) for window in trainable[:TEST_WINDOWS]], days)
        return Choice(Answerer("ordering", days), "none", reason, trials, windows, evidence, kinds=kinds)
    kind, shift = best_of(trials)
    reason = _reason(trials, kind, shift)
    fell_back = len(kinds) > 1 and not any("rhythm" in look.answers for look in tested) and _differ(trainable, days)
    if fell_back:
        reason = f"{_IN_WORDS['rhythm'].capitalize()} did not come to rest on past windows: the model of ordering is kept."
    fitted = {each.kind: each for each in fit(trainable, days, [kind], past.seed)}
    if kind not in fitted:
        reason = f"{_IN_WORDS[kind].capitalize()} did not come to rest today: the model of ordering is kept."
        kind, shift, fell_back = "ordering", "none", True
    answerer = shifted(fitted.get(kind, Answerer("ordering", days)), past, past.today, days, shift)
    evidence = _evidence([(look.window, look.log_odds(kind, shift)) for look in tested], days)
    return Choice(answerer, shift, reason, trials, windows, evidence, fell_back, kinds)


def _differ(windows: Sequence[Window], days: int) -> bool:
    """Whether some customers bought and some did not, so that there is something to tell apart."""
    outcomes = [window.outcome(days) for window in windows]
    return any(each.any() for each in outcomes) and not all(each.all() for each in outcomes)


def best_of(trials: Sequence[Trial]) -> tuple[Kind, Shift]:
    """The pair with the least mean loss; a larger model or a shift only where it gains at least `WORTH`."""
    mean: dict[tuple[Kind, Shift], float] = {}
    for kind in KINDS:
        for shift in SHIFTS:
            losses = [trial.loss for trial in trials if (trial.kind, trial.shift) == (kind, shift)]
            if losses and len(losses) == len({trial.day for trial in trials}):
                mean[kind, shift] = float(np.mean(losses))
    best: tuple[Kind, Shift] = ("ordering", "none")
    for pair, loss in mean.items():  # from the simplest to the largest
        if loss < mean[best] * (1 - WORTH):
            best = pair
    return best


def fit(windows: Sequence[Window], days: int, kinds: Sequence[Kind], seed: int, most_rows: int = MOST_ROWS) -> list[Answerer]:
    """The models of `kinds`, fitted on at most `most_rows` looks of past windows whose outcome is known, without a shift."""
    found: list[Answerer] = [Answerer("ordering", days)] if "ordering" in kinds else []
    if not {"rhythm", "blend"} & set(kinds):
        return found
    rows, happened = _stacked(windows, days, seed, most_rows)
    if happened.all() or not happened.any():
        return found
    mean, scale = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    scale[scale < 1e-9] = 1.0
    linear = _linear((rows - mean) / scale, happened)
    if linear is None:
        return found
    parts: dict[str, Any] = {"mean": mean, "scale": scale, "coefficients": linear[:-1], "intercept": float(linear[-1])}
    if "rhythm" in kinds:
        found.append(Answerer("rhythm", days, **parts))
    if "blend" in kinds:
        found.append(Answerer("blend", days, **parts, trees=_boosted(rows, happened, seed)))
    return found


@dataclass(frozen=True, eq=False)
class Look:
    """What each model would have said on a past window, having learned only from what had happened by then.

    `answers` are log odds by model, without a shift; `shifts` what a shift would have added, by model and shift, as far as the
    past told.
    """

    window: Window
    days: int
    answers: Mapping[Kind, NDArray[np.float64]]
    shifts: Mapping[tuple[Kind, Shift], float]

    def log_odds(self, kind: Kind, shift: Shift) -> NDArray[np.float64]:
        """What a pair would have said."""
        return np.clip(self.answers[kind] + self.shifts[kind, shift], -_SUREST, _SUREST)

    def trials(self) -> list[Trial]:
        """How each pair did."""
        happened = self.window.outcome(self.days)
        return [
            Trial(kind, shift, self.window.day, log_loss(expit(self.answers[kind] + by), happened))
            for (kind, shift), by in self.shifts.items()
        ]


def kinds_for(customers: int) -> tuple[Kind, ...]:
    """The models that so many customers are enough to learn from."""
    return tuple(kind for kind in KINDS if customers >= LEAST_FOR[kind])


def look_back(past: Past, window: Window, days: int, kinds: Sequence[Kind]) -> Look | None:
    """What the models would have said on a window, made once and kept with the past; None without a window to learn from."""
    key = (window.day, days, tuple(kinds))
    if key not in past.looks:
        past.looks[key] = _look_back(past, window, days, kinds)
    look: Look | None = past.looks[key]
    return look


def _look_back(past: Past, window: Window, days: int, kinds: Sequence[Kind]) -> Look | None:
    earlier = past.before(window.day, days, MOST_WINDOWS)
    if not earlier:
        return None
    answerers = fit(earlier, days, kinds, past.seed, MOST_TRIAL_ROWS)
    shifts = {
        (answerer.kind, shift): by for answerer in answerers for shift, by in _shifts(answerer, past, window.day, days).items()
    }
    return Look(window, days, {answerer.kind: answerer.log_odds(window) for answerer in answerers}, shifts)


def _evidence(said: Sequence[tuple[Window, NDArray[np.float64]]], days: int) -> Evidence:
    """The outcomes of log odds given on past windows, put together."""
    everybody = own = regulars = Outcome()
    areas, ordering_areas, ordering_losses = [], [], []
    for window, answers in said:
        probability, happened = expit(answers), window.outcome(days)
        is_own = own_horizon(window.known.gap_days) == days
        is_regular = is_own & (window.known.repeats >= 2)
        everybody += Outcome.of(probability, happened)
        own += Outcome.of(probability[is_own], happened[is_own])
        regulars += Outcome.of(probability[is_regular], happened[is_regular])
        ordering = expit(window.log_odds_of_none(days))
        ordering_losses.append(log_loss(ordering, happened) * len(window))
        areas.append(area_under_curve(probability, happened))
        ordering_areas.append(area_under_curve(ordering, happened))
    return Evidence(
        days=tuple(window.day for window, _ in said),
        everybody=everybody,
        own=own,
        regulars=regulars,
        area=float(np.mean(areas)),
        ordering_loss=sum(ordering_losses) / max(1, everybody.customers),
        ordering_area=float(np.mean(ordering_areas)),
    )


def _number(stored: float | None) -> float:
    return float("nan") if stored is None else float(stored)


def shifted(answerer: Answerer, past: Past, day: int, days: int, shift: Shift) -> Answerer:
    """The same model with the shift that it would have had for a prediction made on `day`; 0 where the past does not tell."""
    by = _shifts(answerer, past, day, days, [shift]).get(shift, 0.0)
    return replace(answerer, shift=by)


def _shifts(answerer: Answerer, past: Past, day: int, days: int, wanted: Sequence[Shift] = SHIFTS) -> dict[Shift, float]:
    """What to add to the log odds of a prediction made on `day`, by shift, as far as the past tells."""
    shifts: dict[Shift, float] = {"none": 0.0}
    latest = past.window(day - days) if wanted != ["none"] else None
    if latest is not None:
        shifts["latest"] = _off_by(answerer, latest, days)
        then, then_before = past.window(day - YEAR), past.window(day - days - YEAR)
        if "season" in wanted and then is not None and then_before is not None:
            shifts["season"] = shifts["latest"] + _off_by(answerer, then, days) - _off_by(answerer, then_before, days)
    return shifts


def _off_by(answerer: Answerer, window: Window, days: int) -> float:
    """The shift at which the answers add up to what happened in a window."""
    from scipy.optimize import brentq  # slow to import, and only a fit needs it

    answers, happened = answerer.log_odds(window), window.outcome(days)
    wanted = float(np.clip(happened.mean(), 0.5 / len(happened), 1 - 0.5 / len(happened)))
    return float(brentq(lambda by: expit(answers + by).mean() - wanted, -20.0, 20.0, xtol=1e-4))


def _stacked(windows: Sequence[Window], days: int, seed: int, most_rows: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Rows and outcomes of all windows, thinned to about `most_rows`."""
    share = min(1.0, most_rows / max(1, sum(map(len, windows))))
    rows, happened = [], []
    for window in windows:
        chosen = np.arange(len(window))
        if share < 1.0:
            chosen = np.flatnonzero(np.random.default_rng([seed, window.day, days]).random(len(window)) < share)
        rows.append(window.features(days)[chosen])
        happened.append(window.outcome(days)[chosen])
    return np.concatenate(rows), np.concatenate(happened)


def _linear(rows: NDArray[np.float64], happened: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Coefficients and, last, the intercept of a logistic regression; None if the search did not come to rest."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-8, max_iter=_MOST_STEPS).fit(rows, happened)
    if int(fitted.n_iter_[0]) >= _MOST_STEPS or not np.isfinite(fitted.coef_).all():
        return None
    return np.append(fitted.coef_[0], fitted.intercept_[0])


def _boosted(rows: NDArray[np.float32], happened: NDArray[np.bool_], seed: int) -> Trees:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return Trees.of(HistGradientBoostingClassifier(**_TREES, early_stopping=False, random_state=seed).fit(rows, happened))


_IN_WORDS = {
    "ordering": "the model of ordering alone",
    "rhythm": "a regression on each customer's rhythm",
    "blend": "boosted trees averaged with a regression",
    "none": "as it is",
    "latest": "shifted to the level of the latest window",
    "season": "shifted to the latest window and last year's change",
}


def _reason(trials: Sequence[Trial], kind: Kind, shift: Shift) -> str:
    mean = {
        pair: np.mean([trial.loss for trial in trials if (trial.kind, trial.shift) == pair])
        for pair in {(trial.kind, trial.shift) for trial in trials}
    }
    gain = 1 - mean[kind, shift] / mean["ordering", "none"]
    days = len({trial.day for trial in trials})
    words = f"{_IN_WORDS[kind]}, {_IN_WORDS[shift]}"
    if (kind, shift) == ("ordering", "none"):
        return f"On the last {days} windows nothing beat {_IN_WORDS['ordering']}."
    return f"On the last {days} windows {words} was {gain:.1%} closer to what happened than the model of ordering alone."


__all__ = ["KINDS", "STEP_DAYS", "Answerer", "Choice", "Trial", "best_of", "choose", "fit", "log_odds"]
