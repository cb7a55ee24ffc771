"""From occasions to scores: `fit` learns a shop's model, `score` tells everybody's risks and value with it.

A model is frozen: the population's gap, the model of ordering, classifiers, corrections and tier edges are those of its fit, so
that one customer scored alone gets what the batch gives him.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from predictions.maths import lapse, tiers, value
from predictions.maths.background import Background, background
from predictions.maths.buy_till_you_die import Dropout, Spend
from predictions.maths.churn import Answerer, Choice, Evidence, Trial, choose
from predictions.maths.churn_features import population_gap, rhythm
from predictions.maths.drift import Inputs
from predictions.maths.gate import check
from predictions.maths.occasions import Occasions
from predictions.maths.trees import Trees
from predictions.maths.trend import trend
from predictions.maths.windows import Past, Window, fit_on_some

LAPSING_WITHIN = (30, 90)
MOST_SAMPLED = 30_000
"""Customers whose past is looked back on to learn; everybody is scored."""


@dataclass(frozen=True, eq=False)
class FittedPredictions:
    """One version of the predictions.

    `day` is the last day that it knows, `history_days` and `buyers` what it learned from, `inputs` how those were spread.
    `notes` say in sentences where a fit fell back to something simpler. Scores are explained against `background`, which older
    versions lack.
    """

    day: int
    buyers: int
    history_days: int
    usual_gap_days: float
    kept_share: float
    dropout: Dropout
    spend: Spend | None
    choices: Mapping[int, Choice]
    level: value.Level
    waits: lapse.Waits
    tier_edges: tuple[float, ...]
    inputs: Inputs
    notes: tuple[str, ...] = ()
    background: Background | None = None

    def to_json(self) -> dict[str, Any]:
        """Everything but the trees, as plain values for JSON."""
        return {
            "day": self.day,
            "buyers": self.buyers,
            "history_days": self.history_days,
            "usual_gap_days": self.usual_gap_days,
            "kept_share": self.kept_share,
            "dropout": self.dropout.to_json(),
            "spend": self.spend.to_json() if self.spend else None,
            "choices": {str(days): _choice_to_json(choice) for days, choice in self.choices.items()},
            "level": asdict(self.level) | {"errors": list(self.level.errors)},
            "waits": self.waits.ratios.tolist(),
            "tier_edges": list(self.tier_edges),
            "inputs": self.inputs.to_json(),
            "notes": list(self.notes),
            "background": self.background.to_json() if self.background else None,
        }

    def trees(self) -> dict[int, bytes]:
        """The trees by horizon, where there are any."""
        return {days: c.answerer.trees.to_bytes() for days, c in self.choices.items() if c.answerer.trees is not None}

    @classmethod
    def stored(cls, parameters: Mapping[str, Any], trees: Mapping[int, bytes]) -> "FittedPredictions":
        """The inverse of `to_json` and `trees`."""
        return cls(
            day=int(parameters["day"]),
            buyers=int(parameters["buyers"]),
            history_days=int(parameters["history_days"]),
            usual_gap_days=float(parameters["usual_gap_days"]),
            kept_share=float(parameters["kept_share"]),
            dropout=Dropout.from_json(parameters["dropout"]),
            spend=Spend.from_json(parameters["spend"]) if parameters["spend"] else None,
            choices={
                int(days): _choice_from_json(int(days), choice, trees.get(int(days)))
                for days, choice in parameters["choices"].items()
            },
            level=value.Level(**parameters["level"] | {"errors": tuple(parameters["level"]["errors"])}),
            waits=lapse.Waits(np.array(parameters["waits"], dtype=np.float64)),
            tier_edges=tuple(float(edge) for edge in parameters["tier_edges"]),
            inputs=Inputs.from_json(parameters["inputs"]),
            notes=tuple(parameters["notes"]),
            background=Background.from_json(parameters["background"]) if parameters.get("background") else None,
        )


@dataclass(frozen=True, eq=False)
class Scores:
    """Everybody's predictions on one day; arrays of shape (n,), in the order of `customer_ids`.

    `none_within` is the probability of no purchase by days ahead. `earliest` and `latest` are days from now, NaN where unknown.
    `value_at_risk` is the lapse score times what the next 180 days are expected to bring. `is_active` is who waits no longer
    than his own horizon, `lapsing` the probability of no longer being so within 30 and 90 days, `trend` is -1, 0 or 1.
    """

    customer_ids: NDArray[np.int64]
    none_within: dict[int, NDArray[np.float64]]
    lapse_score: NDArray[np.float64]
    lapse_horizon_days: NDArray[np.int64]
    usual_gap_days: NDArray[np.float64]
    recency_days: NDArray[np.float64]
    overdue_ratio: NDArray[np.float64]
    earliest: NDArray[np.float64]
    latest: NDArray[np.float64]
    forecast: value.Forecast
    value_at_risk: NDArray[np.float64]
    is_active: NDArray[np.bool_]
    lapsing: dict[int, NDArray[np.float64]]
    trend: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.customer_ids)


def past_of(occasions: Occasions, today: int, *, seed: int = 0) -> Past:
    """What there is to learn from at the end of `today`: the past of everybody, or of a seeded sample of them."""
    occasions = occasions.until(today)
    if len(occasions) > MOST_SAMPLED:
        occasions = occasions.of(np.sort(np.random.default_rng(seed).choice(len(occasions), MOST_SAMPLED, replace=False)))
    return Past(occasions, today, seed=seed)


def fit(
    occasions: Occasions,
    today: int,
    *,
    horizons: Sequence[int] = lapse.HORIZONS,
    kept_share: float = 1.0,
    historic_value: NDArray[np.float64] | None = None,
    past: Past | None = None,
    seed: int = 0,
) -> FittedPredictions:
    """Learn from what is known at the end of `today`; what is after it changes nothing.

    Parameters
    ----------
    horizons : sequence of int
        Days ahead for which a model of its own is chosen; 30, 90 and 180 are always among them.
    kept_share : float
        The share of revenue that is not refunded.
    historic_value : array of shape (n,), optional
        Lifetime values by which tiers are told apart; what was paid where it is missing.
    past : Past, optional
        The past as of `today`, where several days are fitted and much of it is the same; made here where it is missing.

    Raises
    ------
    TooLittleData
        Below 200 buyers or 180 days of history.
    """
    occasions = occasions.until(today)
    check(occasions, today)
    counts = occasions.counts(today)
    usual_gap = population_gap(occasions, today)
    known = rhythm(occasions, today, usual_gap)
    past = past or past_of(occasions, today, seed=seed)
    choices = {days: choose(past, days) for days in sorted({*lapse.HORIZONS, *horizons})}
    level = value.level(past, choices)
    paid = occasions.spent(counts)[counts > 0] if historic_value is None else historic_value
    notes = []
    dropout, spend = fit_on_some(known, seed), value.spend_model(known, seed)
    if not dropout.converged:
        notes.append("The model of ordering did not come to rest; the best parameters that it met are used.")
    if spend is not None and not spend.converged:
        spend = None
        notes.append("The model of order values did not come to rest; each customer's own average is used instead.")
    return FittedPredictions(
        day=today,
        buyers=len(known),
        history_days=today - occasions.first_day,
        usual_gap_days=usual_gap,
        kept_share=kept_share,
        dropout=dropout,
        spend=spend,
        choices=choices,
        level=level,
        waits=lapse.Waits.of(occasions, today, usual_gap),
        tier_edges=tiers.edges(paid),
        inputs=Inputs.of(known),
        notes=tuple(notes),
        background=background(occasions, known, usual_gap, choices, seed=seed),
    )


def score(model: FittedPredictions, occasions: Occasions, today: int, *, refunded: NDArray[np.float64] | None = None) -> Scores:
    """Score everybody who has bought by the end of `today`; any number of customers gives each the same.

    `refunded` is what each of them got back, shape (n,); without it everybody is taken to get back the shop's share.
    """
    occasions = occasions.until(today)
    known = rhythm(occasions, today, model.usual_gap_days)
    window = Window(occasions, known, model.dropout)
    odds = log_odds_of_none(model, window)
    none_within = {days: expit(each) for days, each in odds.items()}
    horizon = lapse.own_horizon(known.gap_days)
    lapse_score = np.select([horizon == days for days in lapse.HORIZONS], [none_within[days] for days in lapse.HORIZONS])
    earliest, latest = model.waits.expected_next(known.recency_days, known.gap_days)
    kept: float | NDArray[np.float64] = model.kept_share
    if refunded is not None:
        usual = model.spend.population_mean if model.spend else model.background.average_value if model.background else 0.0
        kept = value.own_kept_share(known.spent, refunded[known.place], model.kept_share, usual)
    forecast = value.forecast(window, model.spend, odds, factor=model.level.factor, kept_share=kept)
    return Scores(
        customer_ids=occasions.customer_ids[known.place],
        none_within=none_within,
        lapse_score=lapse_score,
        lapse_horizon_days=horizon,
        usual_gap_days=known.gap_days,
        recency_days=known.recency_days,
        overdue_ratio=known.recency_days / np.maximum(known.gap_days, 1.0),
        earliest=earliest,
        latest=latest,
        forecast=forecast,
        value_at_risk=lapse_score * forecast.value[180],
        is_active=known.recency_days <= horizon,
        lapsing={days: lapse.lapsing_within(none_within, known.recency_days, horizon, days) for days in LAPSING_WITHIN},
        trend=trend(occasions, known),
    )


def log_odds_of_none(model: FittedPredictions, window: Window, most_days: int | None = None) -> dict[int, NDArray[np.float64]]:
    """Log odds of no purchase for the customers of a window, by days ahead up to `most_days`, ascending; each of shape (n,).

    No purchase in 90 days cannot be likelier than none in 30, whatever two models that do not know each other say.
    """
    fallen: dict[int, NDArray[np.float64]] = {}
    for days, choice in sorted(model.choices.items()):
        if most_days is None or days <= most_days:
            each = choice.answerer.log_odds(window)
            fallen[days] = np.minimum(each, next(reversed(fallen.values()))) if fallen else each
    return fallen


def drift(model: FittedPredictions, occasions: Occasions, today: int) -> dict[str, float]:
    """How far today's buyers have moved from those of the fit, by input; see `drift.Inputs.drift`."""
    return model.inputs.drift(rhythm(occasions.until(today), today, model.usual_gap_days))


def _choice_to_json(choice: Choice) -> dict[str, Any]:
    answerer = choice.answerer
    arrays = {
        name: None if (array := getattr(answerer, name)) is None else array.tolist()
        for name in ("mean", "scale", "coefficients")
    }
    return {
        "kind": answerer.kind,
        "shift_by": answerer.shift,
        "intercept": answerer.intercept,
        **arrays,
        "shift": choice.shift,
        "reason": choice.reason,
        "trials": [asdict(trial) for trial in choice.trials],
        "windows": list(choice.windows),
        "evidence": choice.evidence.to_json() if choice.evidence else None,
        "fell_back": choice.fell_back,
    }


def _choice_from_json(days: int, stored: Mapping[str, Any], trees: bytes | None) -> Choice:
    arrays = {
        name: None if stored[name] is None else np.array(stored[name], dtype=np.float64)
        for name in ("mean", "scale", "coefficients")
    }
    answerer = Answerer(
        kind=stored["kind"],
        days=days,
        shift=stored["shift_by"],
        mean=arrays["mean"],
        scale=arrays["scale"],
        coefficients=arrays["coefficients"],
        intercept=stored["intercept"],
        trees=Trees.from_bytes(trees) if trees is not None else None,
    )
    trials = tuple(Trial(**trial) for trial in stored["trials"])
    evidence = Evidence.from_json(stored["evidence"]) if stored["evidence"] else None
    return Choice(
        answerer, stored["shift"], stored["reason"], trials, tuple(stored["windows"]), evidence, bool(stored["fell_back"])
    )
