"""What stands behind the trust page: read from what was written down, in three queries."""

from datetime import UTC, date, datetime, timedelta

import pytest

from predictions.charts import calibration_chart
from predictions.judged import Judged
from predictions.maths import churn
from predictions.maths.judging import Outcome
from predictions.maths.windows import Past
from predictions.trust import NO_RUN, trust
from tests.factories import NOW
from tests.predictions.maths.invented_buyers import TODAY, invented
from tests.predictions.told import fitted, happened, make_month, make_run, make_run_below_the_gate

pytestmark = pytest.mark.django_db


def judged(critical, did_not_order, others=0):
    return Judged.of(Outcome.from_json(happened(critical, did_not_order, others)))


def test_before_the_first_predictions_nothing_is_counted_and_nothing_is_claimed():
    state = trust()
    assert (state.is_ready, state.has_run, state.missing) == (False, False, NO_RUN)
    assert [(gate.have, gate.is_met, gate.share) for gate in state.gates] == [(None, False, 0.0), (None, False, 0.0)]
    assert state.answer is None
    assert state.worst_drift is None


def test_below_a_gate_only_the_gates_are_told():
    make_run_below_the_gate()
    state = trust()
    assert not state.is_ready
    assert state.missing == "Predictions need 50 more customers with an order (150 of 200)."
    assert [(gate.have, gate.need, gate.is_met) for gate in state.gates] == [(150, 200, False), (400, 180, True)]
    assert (list(state.models), list(state.churn_levels), state.answer) == ([], [], None)


def test_below_a_gate_again_the_former_models_are_not_shown():
    make_run()
    make_run_below_the_gate()
    assert not trust().is_ready
    assert list(trust().models) == []


def test_everything_is_read_in_three_queries(django_assert_num_queries):
    make_run()
    for number in range(1, 11):
        make_month(date(2026, number, 1), churn=happened(100, 90))
    with django_assert_num_queries(3):
        assert trust().is_ready


def test_the_models_come_with_their_tests_by_horizon():
    make_run()
    models = trust().models
    assert [model.days for model in models] == [30, 90, 180]
    stored = fitted()["choices"]["30"]
    thirty = models[0]
    assert (thirty.kind, thirty.reason) == (stored["kind"], stored["reason"])
    assert thirty.tested == tuple(date(1970, 1, 1) + timedelta(days=day) for day in stored["evidence"]["days"])
    assert thirty.judged.customers == sum(stored["evidence"]["everybody"]["sizes"])
    assert thirty.better_by == pytest.approx(1 - thirty.judged.log_loss / stored["evidence"]["ordering_loss"])


def test_lapse_risk_in_the_tests_is_that_of_each_customers_own_horizon():
    make_run()
    parts = [sum(fitted()["choices"][str(days)]["evidence"]["own"]["sizes"]) for days in (30, 90, 180)]
    assert trust().lapse.customers == sum(parts)
    assert trust().regulars.customers < sum(parts)


def test_levels_are_shares_of_everybody_who_is_scored_the_worst_first():
    make_run()
    assert [(level.name, level.customers, level.share) for level in trust().lapse_levels] == [
        ("critical", 500, 0.5),
        ("high", 300, 0.3),
        ("medium", 150, 0.15),
        ("low", 50, 0.05),
    ]
    assert trust().is_mostly_critical


def test_an_error_of_revenue_is_above_zero_where_too_much_was_promised():
    """Half of what was expected came: twice as much was promised, plus 100 %."""
    make_run(fitted() | {"level": fitted()["level"] | {"errors": [-0.5, 0.25]}})
    assert trust().revenue_errors == pytest.approx((1.0, -0.2))


@pytest.mark.parametrize(
    ("critical", "happened_to", "of_a_hundred"),
    [(0, 0, None), (1384, 1204, 87), (1000, 999, 99), (1000, 1, 1), (7, 7, 100), (9, 0, 0)],
)
def test_of_a_hundred_is_never_all_or_none_by_rounding(critical, happened_to, of_a_hundred):
    assert judged(critical, happened_to).of_a_hundred == of_a_hundred


def test_what_was_said_stands_beside_what_happened():
    told = judged(100, 90, others=100)
    assert told.said_rate == pytest.approx(0.5)
    assert told.base_rate == 0.45
    assert told.calibration_error == pytest.approx(0.05)  # 0 points for the first hundred, 10 for the others
    assert not told.is_few
    assert judged(99, 90).is_few


def test_the_record_answers_before_the_tests_do():
    make_run()
    assert trust().answer == trust().lapse
    make_month(date(2026, 9, 1), lapse_30=happened(400, 380), churn=happened(900, 880))
    make_month(date(2026, 10, 1), lapse_30=happened(99, 99))  # too few to speak of a hundred
    make_month(date(2026, 11, 1))
    state = trust()
    assert state.latest.month == date(2026, 9, 1)
    assert (state.answer.critical, state.answer.critical_happened) == (400, 380)


def test_a_month_adds_up_the_horizons_that_have_passed_and_says_when_the_next_has():
    make_month(date(2026, 6, 1), lapse_30=happened(400, 380), lapse_90=happened(600, 500))
    month = trust().months[0]
    assert (month.lapse.critical, month.lapse.critical_happened) == (1_000, 880)
    assert month.lapse_waits == 1_000
    assert month.lapse_next_on == datetime(2026, 6, 26, 3, tzinfo=UTC) + timedelta(days=180)
    assert month.churn is None


def test_nobody_waits_once_all_horizons_have_passed():
    """Customers who were removed meanwhile are not judged, and not awaited either."""
    all_told = {name: happened(100, 90) for name in ("lapse_30", "lapse_90", "lapse_180", "churn")}
    make_month(date(2026, 3, 1), **all_told)
    month = trust().months[0]
    assert (month.lapse_waits, month.lapse_next_on) == (0, None)


def test_an_empty_record_says_when_it_begins():
    assert trust().record_from is None
    make_month(date(2026, 11, 1))
    assert not trust().has_record
    assert trust().record_from == datetime(2026, 12, 26, 3, tzinfo=UTC)


def test_drift_is_said_in_words_and_the_worst_decides():
    make_run(drift={"recency_days": 0.099, "repeats": 0.1, "average_value": 0.249})
    assert [(moved.name, moved.words) for moved in trust().drift] == [
        ("Days since the last order", "little"),
        ("Number of orders", "some"),
        ("Average order", "some"),
    ]
    assert not trust().has_drifted
    assert trust().worst_drift.name == "Average order"


def test_much_drift_asks_to_learn_anew():
    make_run(drift={"recency_days": 0.25, "repeats": 0.0})
    assert trust().has_drifted


def test_a_fit_that_does_not_come_to_rest_is_told_as_it_is_written(monkeypatch):
    past = Past(invented(400), TODAY, seed=0)
    whole_fit = churn.fit
    monkeypatch.setattr(churn, "best_of", lambda trials: ("rhythm", "none"))
    monkeypatch.setattr(churn, "_reason", lambda *arguments: "")
    monkeypatch.setattr(
        churn, "fit", lambda w, d, kinds, *rest: [] if list(kinds) == ["rhythm"] else whole_fit(w, d, kinds, *rest)
    )
    monkeypatch.setattr(churn, "_evidence", lambda *arguments: None)
    monkeypatch.setattr(churn.Look, "log_odds", lambda *arguments: None)
    choice = churn.choose(past, 30)
    choices = fitted()["choices"]
    make_run(
        fitted()
        | {
            "choices": choices | {"90": choices["90"] | {"reason": choice.reason, "fell_back": choice.fell_back}},
            "notes": ["A note."],
        }
    )
    assert trust().fallbacks == [
        "A note.",
        "No order in 90 days: A regression on each customer's rhythm did not come to rest today: "
        "the model of ordering is kept.",
    ]


def test_an_untested_model_has_figures_of_nothing():
    choices = {days: choice | {"evidence": None} for days, choice in fitted()["choices"].items()}
    make_run(fitted() | {"choices": choices, "level": fitted()["level"] | {"errors": []}})
    state = trust()
    assert (state.lapse, state.regulars, state.answer, state.revenue_errors) == (None, None, None, ())
    assert {model.better_by for model in state.models} == {model.area for model in state.models} == {None}


def test_dots_are_as_large_as_they_hold_scores():
    """Area, not width, goes with the number: a quarter of the customers is half as wide."""
    option = calibration_chart(judged(400, 400, others=100))["option"]
    dots = option["series"][1]["data"]
    assert [dot["symbolSize"] for dot in dots] == [13, 26]
    assert dots[1] == {"name": "Said 90%, happened 100%: 400 scores", "value": [90.0, 100.0], "symbolSize": 26}
    assert option["series"][0]["data"] == [[0, 0], [100, 100]]


def test_the_day_of_the_scores_is_that_of_the_run():
    make_run()
    assert (trust().as_of, trust().customers) == (NOW, 1_000)
