"""Growth: what is counted, and that every projected figure adds up."""

from datetime import date
from itertools import pairwise
from math import isfinite

import numpy as np
import pytest

from predictions.maths.churn_features import population_gap, rhythm
from predictions.maths.growth import Month, month_of, months_on, observe
from predictions.maths.lapse import own_horizon
from predictions.maths.occasions import Occasions
from predictions.maths.projecting import TooLittleHistory, project
from tests.predictions.maths.invented_buyers import TODAY, invented

EPOCH = date(1970, 1, 1)
NOW = date(2026, 11, 26)


def day(text):
    return (date.fromisoformat(text) - EPOCH).days


def bought(**days_of):
    """Occasions of customers 1, 2, … on the days given as text."""
    rows = [(number, day(text)) for number, days in enumerate(days_of.values(), 1) for text in days.split()]
    customer, when = (np.array(column) for column in zip(*rows, strict=True))
    return Occasions.of_orders(customer, when, np.ones(len(rows)))


def past(count, *, active=1_000, newcomers=50, returns=10, churn=0.05, lapsed=500, first=None):
    """`count` months up to October 2026; each argument a number, or a function of the month's place."""

    def at(figure, place):
        return figure(place) if callable(figure) else figure

    months = []
    for place in range(count):
        lapses = round(active * at(churn, place))
        month = Month(
            months_on(first or months_on(date(2026, 11, 1), -count), place),
            active,
            at(newcomers, place),
            at(returns, place),
            lapses,
            lapsed,
        )
        months.append(month)
        active, lapsed = month.active_after, month.lapsed_after
    return months


def counts(month):
    return month.active_before, month.newcomers, month.returns, month.lapses, month.lapsed_before


# --- Observing ---------------------------------------------------------------------------------------------------------


def test_newcomers_returns_and_lapses_of_a_small_shop_by_hand():
    # Nobody comes twice before 25 March: half a year counts as everybody's gap, and the horizon is 180 days. Then Cleo's 20
    # days are the population's gap and the horizon is 90: on 30 April Anna has been quiet for 119 days, Ben for 100.
    occasions = bought(anna="2025-01-01 2025-09-10", ben="2025-01-20", cleo="2025-03-05 2025-03-25")
    #                active before, newcomers, returns, lapses, lapsed before
    assert [(m.month.month, *counts(m)) for m in observe(occasions, day("2025-10-02"))] == [
        (1, 0, 2, 0, 0, 0),
        (2, 2, 0, 0, 0, 0),
        (3, 2, 1, 0, 0, 0),
        (4, 3, 0, 0, 2, 0),
        (5, 1, 0, 0, 0, 2),
        (6, 1, 0, 0, 1, 2),  # Cleo after 90 days
        (7, 0, 0, 0, 0, 3),
        (8, 0, 0, 0, 0, 3),
        (9, 0, 0, 1, 0, 3),  # Anna's next order
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_months_add_up_follow_one_another_and_agree_with_the_definition(seed):
    occasions = invented(400, seed=seed)
    months = observe(occasions, TODAY)
    assert len(months) == 36
    for month, following in pairwise(months):
        assert following.month == months_on(month.month)
        assert (month.active_after, month.lapsed_after) == (following.active_before, following.lapsed_before)
        end = (following.month - EPOCH).days - 1
        seen = rhythm(occasions, end, population_gap(occasions, end))
        assert month.active_after == (seen.recency_days <= own_horizon(seen.gap_days)).sum()
        assert month.active_after + month.lapsed_after == len(seen)
    assert all(min(m.newcomers, m.returns, m.lapses, m.active_before, m.lapsed_before) >= 0 for m in months)


def test_a_month_knows_nothing_of_what_came_after_it():
    assert observe(invented(200), 900) == observe(invented(200).until(900), 900)


def test_only_whole_months_that_are_not_known_yet_are_counted_and_at_most_so_many():
    occasions = invented(200)
    months = observe(occasions, TODAY)
    assert months[-1].month == months_on(month_of(TODAY), -1)
    assert observe(occasions, TODAY, most=5) == months[-5:]
    assert observe(occasions, TODAY, known={m.month for m in months[:-2]}) == months[-2:]
    assert observe(occasions, TODAY, known={months[-2].month}) == [*months[:-2], months[-1]]
    assert observe(occasions, TODAY, known=[m.month for m in months]) == []


def test_the_month_of_today_and_a_first_month_that_began_before_the_shop_are_no_whole_ones():
    occasions = bought(anna="2025-01-02 2025-03-31")
    assert [m.month.month for m in observe(occasions, day("2025-03-31"))] == [2]
    assert [m.month.month for m in observe(occasions, day("2025-04-01"))] == [2, 3]
    assert [m.month.month for m in observe(bought(anna="2025-01-01"), day("2025-03-31"))] == [1, 2]
    assert observe(bought(anna="2025-01-02"), day("2025-01-31")) == []
    assert observe(Occasions.of_orders(*[np.empty(0)] * 3), 20_000) == []


# --- Projecting --------------------------------------------------------------------------------------------------------


def adds_up(projection, lapsed=500):
    before = projection.active
    for row in projection.rows:
        assert row.customers == before + row.newcomers + row.returns - row.lapses
        assert row.new_customers == row.newcomers + row.returns
        assert 0 <= row.low <= row.customers <= row.high
        assert min(row.newcomers, row.returns, row.lapses) >= 0
        assert row.growth_rate == (row.customers / before - 1 if before else None)
        lapsed += row.lapses - row.returns
        assert lapsed >= 0
        before = row.customers
    for periods in (projection.by_quarter, projection.by_year):
        assert sum(period.months for period in periods) == len(projection.rows)
        assert sum(period.newcomers for period in periods) == sum(row.newcomers for row in projection.rows)
        before = projection.active
        for period in periods:
            assert period.customers == before + period.new_customers - period.lapses
            before = period.customers


def test_a_steady_shop_goes_on_as_it_was():
    # 5 % of 1,000 lapse, 50 come: nothing moves, and nothing ever was different.
    projection = project(past(12, returns=0), 1_000, 500, NOW, 12)
    assert {row.customers for row in projection.rows} == {1_000}
    assert [row.month for row in projection.rows][::11] == [date(2026, 12, 1), date(2027, 11, 1)]
    assert projection.assumptions.churn_rate == pytest.approx(0.05)
    assert projection.assumptions.acquisition_rate == 0.05
    assert projection.past_error.one_month == 0
    assert (projection.rows[0].low, projection.rows[-1].high) == (1_000, 1_000)


def test_each_month_is_the_one_before_less_churn_and_what_is_new():
    projection = project(past(8, returns=30), 1_040, 480, NOW, 24)
    rates, before = projection.assumptions, 1_040
    for row in projection.rows:
        assert row.customers == pytest.approx(before * (1 - rates.churn_rate) + row.new_customers, abs=2)
        before = row.customers
    adds_up(projection, 480)


def test_newcomers_are_a_constant_number_and_do_not_compound():
    projection = project(past(6), 1_000, 0, NOW, 60, churn_rate=0.0, acquisition_rate=0.08)
    assert [row.newcomers for row in projection.rows] == [80] * 60
    assert projection.rows[-1].customers == 1_000 + 60 * 80


@pytest.mark.parametrize("months", [1, 12, 60])
@pytest.mark.parametrize("count", [3, 4, 7, 24, 36])
@pytest.mark.parametrize(("active", "lapsed"), [(0, 0), (0, 700), (1, 0), (3, 5), (977, 512), (94_000, 3)])
@pytest.mark.parametrize(
    "rates", [{}, {"churn_rate": 1.0}, {"churn_rate": 0.0, "acquisition_rate": 1.0}, {"churn_rate": 0.013}]
)
def test_figures_add_up_whatever_the_shop(months, count, active, lapsed, rates):
    rng = np.random.default_rng(count)
    history = past(count, newcomers=lambda _: int(rng.integers(0, 60)), churn=lambda _: float(rng.uniform(0, 0.3)))
    projection = project(history, active, lapsed, NOW, months, **rates)
    adds_up(projection, lapsed)
    widths = [row.high / max(row.customers, 1) for row in projection.rows]
    assert all(map(isfinite, widths))
    assumed = projection.assumptions
    assert all(rate >= 0 and isfinite(rate) for rate in (assumed.churn_rate, assumed.return_rate, assumed.acquisition_rate))


def test_nobody_active_grows_by_newcomers_and_has_no_rate_to_grow_by():
    projection = project(past(6, returns=0), 0, 0, NOW, 2)
    assert [row.customers for row in projection.rows] == [50, 98]  # 5 % of 50 lapse: 2.5, rounded to even
    assert projection.rows[0].growth_rate is None
    assert (projection.assumptions.acquisition_rate, projection.assumptions.newcomers_a_month) == (0.0, 50.0)


def test_a_history_without_anybody_is_harmless():
    empty = [Month(months_on(date(2026, 1, 1), place), 0, 0, 0, 0, 0) for place in range(10)]
    projection = project(empty, 0, 0, NOW, 12)
    adds_up(projection, 0)
    assert projection.rows[-1].customers == 0


def test_the_window_is_the_one_that_served_the_past_best():
    def changing(place):
        return 400 if place >= 20 else 20

    lately = project(past(24, newcomers=changing), 2_000, 500, NOW, 6)
    assert lately.based_on_months == 3
    assert lately.assumptions.newcomers_a_month == 400
    assert "last 3 months" in lately.reason


def test_where_months_differ_by_chance_alone_the_long_average_mostly_wins():
    chosen = []
    for seed in range(9):
        rng = np.random.default_rng(seed)
        history = past(23, newcomers=lambda _, rng=rng: int(rng.integers(0, 100)))
        chosen.append(project(history, 1_000, 500, NOW, 6).based_on_months)
    assert chosen.count(12) > chosen.count(3)


def test_with_two_years_a_season_is_followed_if_it_tells_more():
    def christmas(place):  # three Novembers and Decembers on the way to October
        return 300 if months_on(date(2023, 11, 1), place).month in {11, 12} else 20

    projection = project(past(36, newcomers=christmas, churn=0.06), 1_000, 500, NOW, 13)
    assert projection.based_on_months == 24
    assert "same months of the last year" in projection.reason
    assert [row.newcomers for row in projection.rows] == [300, *[20] * 10, 300, 300]
    plain = project(past(23, newcomers=lambda place: christmas(place + 13), churn=0.06), 1_000, 500, NOW, 12)
    assert plain.based_on_months in {3, 6, 12}


def test_the_range_never_narrows_and_holds_about_four_of_five_past_months():
    rng = np.random.default_rng(7)
    history = past(36, newcomers=lambda _: int(rng.poisson(60)), churn=lambda _: float(rng.uniform(0.03, 0.08)))
    held = tried = 0
    for at in range(20, 34):
        projection = project(history[:at], history[at].active_before, history[at].lapsed_before, history[at].month, 3)
        widths = [row.high / row.low for row in projection.rows]
        assert widths == sorted(widths) or max(widths) - min(widths) < 0.01
        came = [month.active_after for month in history[at : at + 3]]
        held += sum(row.low <= came_of <= row.high for row, came_of in zip(projection.rows, came, strict=False))
        tried += len(came)
    assert 0.6 <= held / tried <= 1.0
    far = project(history, 1_000, 500, NOW, 60).rows
    assert (far[47].high / far[47].customers) > (far[11].high / far[11].customers)


def test_with_few_past_months_the_range_is_a_wide_guess_and_says_so():
    projection = project(past(4), 1_000, 500, NOW, 4)
    assert projection.past_error is None
    assert "wide guess" in projection.range_reason
    assert projection.rows[0].high >= projection.rows[0].customers * 1.1
    assert projection.rows[3].high / projection.rows[3].customers > 1.2


def test_own_assumptions_keep_the_width_of_the_range_and_are_named():
    rng = np.random.default_rng(1)
    history = past(20, newcomers=lambda _: int(rng.integers(20, 90)))
    own, edited = project(history, 1_000, 500, NOW, 12), project(history, 1_000, 500, NOW, 12, churn_rate=0.02)
    assert edited.rows[-1].customers > own.rows[-1].customers
    for before, after in zip(own.rows, edited.rows, strict=True):
        assert after.high / after.customers == pytest.approx(before.high / before.customers, abs=0.005)
    assert edited.assumptions.churn_rate == 0.02
    assert edited.reason.startswith("Your own churn.")
    assert not own.reason.startswith("Your own")


def test_quarters_and_years_end_where_their_last_month_does_and_say_how_many_they_hold():
    projection = project(past(12), 1_000, 500, NOW, 12)
    assert [(q.label, q.months) for q in projection.by_quarter] == [
        ("2026-Q4", 1), ("2027-Q1", 3), ("2027-Q2", 3), ("2027-Q3", 3), ("2027-Q4", 2),
    ]  # fmt: skip
    assert [(y.label, y.months) for y in projection.by_year] == [("2026", 1), ("2027", 11)]
    assert projection.by_year[-1].customers == projection.rows[-1].customers
    assert projection.by_year[-1].growth_rate == projection.rows[-1].customers / projection.rows[0].customers - 1


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (0, "Growth needs 3 more whole months of orders (0 of 3)."),
        (2, "Growth needs 1 more whole month of orders (2 of 3)."),
    ],
)
def test_too_little_history_says_what_is_missing(count, sentence):
    with pytest.raises(TooLittleHistory) as raised:
        project(past(count), 1_000, 500, NOW, 12)
    assert str(raised.value) == sentence


def test_what_lies_before_a_gap_is_not_looked_at():
    history = past(12)
    with pytest.raises(TooLittleHistory, match="2 of 3"):
        project([*history[:9], *history[10:]], 1_000, 500, NOW, 12)


@pytest.mark.parametrize(("today", "first"), [(date(2026, 11, 15), 11), (date(2026, 11, 16), 12), (date(2026, 12, 31), 1)])
def test_the_first_month_projected_is_the_one_that_mostly_lies_ahead(today, first):
    assert project(past(6), 1_000, 500, today, 1).rows[0].month.month == first
