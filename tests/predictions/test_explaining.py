"""Explanations in words: every label is true, and the points add up to the percent that is shown."""

import random
from dataclasses import replace

import pytest

from predictions.explaining import BASE, engagement_trend, factors, order_frequency, value_tier
from predictions.maths.explaining import GROUPS, WAIT, Explanation
from predictions.models import Prediction
from predictions.shown import shown_percent

VERA = Explanation(
    score=0.842,
    horizon_days=90,
    base=0.585,
    parts=(("rhythm", -0.241), ("value", -0.022), ("season", 0.004), ("wait", 0.516)),
    recency_days=61,
    usual_gap_days=24.4,
    repeats=23,
    active_span_days=552,
    age_days=613,
    last_gaps_days=(21, 26, 25),
    average_value=142.0,
    shop_average_value=64.0,
    bought_these_days_last_year=True,
)
ONE_ORDER = replace(VERA, repeats=0, active_span_days=0, age_days=61, last_gaps_days=(), usual_gap_days=48.0)


def dollars(amount):
    return f"${amount:.0f}"


def label(explanation, group, **options):
    """What is said of a group, whatever its weight."""
    parts = tuple((each, 0.05 if each == group else 0.0) for each in (*GROUPS, WAIT))
    explained = replace(explanation, parts=parts, base=explanation.score - 0.05)
    return next(each.label for each in factors(explained, dollars, **options) if each.group == group)


def test_the_base_comes_first_then_the_day_of_the_last_order_and_then_the_wait():
    assert [(each.label, each.points) for each in factors(VERA, dollars)] == [
        ("Customers of this shop on average", 58),
        ("24 orders, one every 24 days", -24),
        ("Spends $142 an order, the shop's average is $64", -2),
        ("61 days since the last order, usually 24", 52),
    ]


def test_the_points_add_up_to_the_percent_shown():
    for seed in range(300):
        rng = random.Random(seed)
        score, parts = rng.random(), [(group, rng.uniform(-0.3, 0.3)) for group in (*GROUPS, WAIT)]
        base = score - sum(share for _, share in parts)
        found = factors(replace(VERA, score=score, base=base, parts=tuple(parts)), dollars)
        assert sum(each.points for each in found) == shown_percent(score)
        exact = {BASE: base, **dict(parts)}
        assert all(abs(each.points - 100 * exact[each.group]) < 1.5 for each in found)


def test_a_group_of_no_whole_point_is_left_out():
    assert "season" not in {each.group for each in factors(VERA, dollars)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "61 days since the last order, usually 24"),
        ({"recency_days": 1}, "1 day since the last order, usually 24"),
        ({"recency_days": 0}, "The last order was today"),
        ({"repeats": 0}, "61 days since the only order"),
        ({"repeats": 0, "recency_days": 0}, "The only order was today"),
        ({"repeats": 2, "active_span_days": 20}, "61 days since the last order, about 24 expected"),  # 10 days apart so far
    ],
)
def test_the_wait_is_told_against_the_usual_one(changes, words):
    assert label(replace(VERA, **changes), "wait") == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "24 orders, one every 24 days"),
        ({"last_gaps_days": (21, 26, 33)}, "Gaps between orders growing: 21, 26, 33 days"),
        ({"last_gaps_days": (21, 26, 29)}, "24 orders, one every 24 days"),  # the last rose by less than 15 %
        ({"repeats": 0, "active_span_days": 0, "last_gaps_days": ()}, "One order so far"),
        ({"repeats": 1, "active_span_days": 1, "last_gaps_days": (1,)}, "2 orders, 1 day apart"),
        ({"repeats": 9, "active_span_days": 11}, "10 orders, about one a day"),
    ],
)
def test_the_rhythm_is_told_by_its_gaps(changes, words):
    assert label(replace(VERA, **changes), "rhythm") == words


def test_what_an_order_is_worth_is_told_against_the_shops_average():
    assert label(VERA, "value") == "Spends $142 an order, the shop's average is $64"
    assert label(replace(VERA, average_value=64.2), "value") == "Spends $64 an order, the shop's average"
    assert label(ONE_ORDER, "value") == "Spent $142 on the only order, the shop's average is $64"


def test_last_years_season_is_told_to_those_who_were_customers_then():
    assert label(replace(VERA, horizon_days=30), "season") == "Bought in these weeks last year"
    assert label(VERA, "season") == "Bought in these months last year"
    assert label(replace(VERA, bought_these_days_last_year=False), "season") == "Bought nothing in these months last year"
    young = replace(VERA, age_days=364, bought_these_days_last_year=False)
    assert label(young, "season") == "Not a customer yet a year ago"


def test_where_two_orders_fell_on_one_day_the_labels_count_days():
    assert label(VERA, "rhythm", order_count=24) == "24 orders, one every 24 days"
    assert label(VERA, "rhythm", order_count=25) == "24 order days, one every 24 days"
    assert label(VERA, "value", order_count=25) == "Spends $142 an order day, the shop's average is $64"


def test_one_time_buyers_get_labels_that_are_true_of_one_order():
    said = {group: label(ONE_ORDER, group) for group in ("wait", "rhythm", "season")}
    assert said["wait"] == "61 days since the only order"
    assert said["rhythm"] == "One order so far"


@pytest.mark.parametrize(
    ("gap", "word"),
    [
        (3, "weekly"), (10, "weekly"), (10.1, "biweekly"), (21, "biweekly"), (45, "monthly"), (135, "quarterly"),
        (240, "twice_a_year"), (450, "yearly"), (451, "rarely"),
    ],
)  # fmt: skip
def test_the_usual_gap_has_a_word(gap, word):
    assert order_frequency(gap, 5) == word


def test_a_single_order_has_no_frequency():
    assert order_frequency(48.0, 1) == "one_order"


def test_trend_and_tier_have_the_words_of_the_contract():
    assert [engagement_trend(each) for each in Prediction.Trend.values] == ["declining", "stable", "increasing"]
    assert [value_tier(each) for each in Prediction.Tier.values] == ["vip", "high_value", "mid_tier", "low_value"]


def test_who_has_been_silent_for_more_than_two_usual_gaps_declines_whatever_was_before():
    for trend in Prediction.Trend.values:
        assert engagement_trend(trend, 2.01) == "declining"
        assert engagement_trend(trend, 2.0) == engagement_trend(trend)
