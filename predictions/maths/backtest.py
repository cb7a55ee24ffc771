"""The honesty report: predict on days of the past with what was known then, and compare with what happened."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from predictions.maths import gate, scoring
from predictions.maths.churn_features import none_within, rhythm
from predictions.maths.judging import area_under_curve, calibration, expected_calibration_error, log_loss
from predictions.maths.lapse import HORIZONS, LEVELS, level
from predictions.maths.occasions import Occasions
from predictions.maths.windows import STEP_DAYS, Past, Window

CHURN_DAYS, VALUE_DAYS = 30, 90
LAPSE_LEAST_REPEATS = 2


@dataclass(frozen=True)
class Report:
    """One day of the past. Errors are shares, ``predicted / happened - 1``; NaN where it cannot be told.

    `log_loss`, `area` and `calibration_error` are of "no order in 30 days", `ordering_*` those of the model of ordering alone
    on the same customers. `lapse_calibration_error` is over customers with three or more orders, each at his own horizon, as
    far as that has passed. `critical` counts those called critical by lapse risk, `critical_lapsed` the share of them who did
    not order within their horizon. `curve` has predicted share, observed share and size by bin.
    """

    day: int
    customers: int
    base_rate: float
    log_loss: float
    ordering_log_loss: float
    calibration_error: float
    area: float
    ordering_area: float
    lapse_calibration_error: float
    levels: dict[str, int]
    critical: int
    critical_lapsed: float
    revenue_error: float
    rank_correlation: float
    curve: tuple[tuple[float, float, int], ...]


def backtest(
    occasions: Occasions,
    today: int,
    *,
    cutoffs: int = 3,
    kept_share: float = 1.0,
    past: Past | None = None,
    seed: int = 0,
) -> list[Report]:
    """Reports for `cutoffs` days, the newest 90 days before `today` and then 30 days apart; stops at the data gate.

    Costs about half a fit for each: what a model would have said of a window is worked out once for all days.
    """
    reports = []
    past = past or scoring.past_of(occasions, today, seed=seed)
    for number in range(cutoffs):
        day = today - VALUE_DAYS - STEP_DAYS * number
        try:
            model = scoring.fit(occasions, day, kept_share=kept_share, past=past.as_of(day), seed=seed)
        except gate.TooLittleData:
            break
        reports.append(_compare(model, occasions, day, today))
    return reports


def _compare(model: scoring.FittedPredictions, occasions: Occasions, day: int, today: int) -> Report:
    scores = scoring.score(model, occasions, day)
    known = rhythm(occasions, day, model.usual_gap_days)
    window = Window(occasions, known, model.dropout)
    churn, ordering = scores.none_within[CHURN_DAYS], expit(window.log_odds_of_none(CHURN_DAYS))
    happened = none_within(occasions, known, CHURN_DAYS)

    over = scores.lapse_horizon_days <= today - day
    lapsed = np.zeros(len(known), dtype=bool)
    for days in HORIZONS:
        own = scores.lapse_horizon_days == days
        lapsed[own] = none_within(occasions, known, days)[own]
    judged = over & (known.repeats >= LAPSE_LEAST_REPEATS)
    critical = over & (scores.lapse_score >= dict(LEVELS)["critical"])
    names = [level(each) for each in scores.lapse_score.tolist()]

    came = (occasions.spent(occasions.counts(day + VALUE_DAYS)) - occasions.spent(occasions.counts(day)))[known.place]
    expected = scores.forecast.value[VALUE_DAYS] / max(model.kept_share, 1e-9)
    return Report(
        day=day,
        customers=len(known),
        base_rate=float(happened.mean()),
        log_loss=log_loss(churn, happened),
        ordering_log_loss=log_loss(ordering, happened),
        calibration_error=expected_calibration_error(churn, happened),
        area=area_under_curve(churn, happened),
        ordering_area=area_under_curve(ordering, happened),
        lapse_calibration_error=expected_calibration_error(scores.lapse_score[judged], lapsed[judged]),
        levels={name: names.count(name) for name, _ in LEVELS},
        critical=int(critical.sum()),
        critical_lapsed=float(lapsed[critical].mean()) if critical.any() else float("nan"),
        revenue_error=float(expected.sum() / came.sum() - 1.0) if came.sum() > 0 else float("nan"),
        rank_correlation=_rank_correlation(expected, came),
        curve=tuple(calibration(churn, happened)),
    )


def _rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic) if len(one) > 2 and np.ptp(one) > 0 and np.ptp(other) > 0 else float("nan")
