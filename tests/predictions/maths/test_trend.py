import numpy as np
import pytest

from predictions.maths.churn_features import rhythm
from predictions.maths.occasions import Occasions
from predictions.maths.trend import trend

TODAY = 2_000


def trend_of(*days_ago, usual_gap=20.0):
    """The trend of one customer who bought so many days ago."""
    shop = Occasions.of_orders(np.ones(len(days_ago), int), TODAY - np.array(days_ago), np.full(len(days_ago), 10.0))
    return trend(shop, rhythm(shop, TODAY, usual_gap)).tolist()[0]


def test_purchases_evenly_spread_are_stable():
    assert trend_of(*range(5, 400, 20)) == 0


def test_three_purchases_after_one_as_often_as_by_chance_one_in_five_are_a_rise():
    # A gap of about 20 days compares 60 with 60; the chance of three or more of four, ties halved, is 1/16 + 4/32 = 0.19.
    assert trend_of(5, 25, 45, 100, 130, 135, 140, 145, 150, 155) == 1


def test_three_purchases_after_two_are_no_rise():
    assert trend_of(5, 25, 45, 80, 100, 130, 135, 140, 145, 150) == 0


def test_four_purchases_after_two_could_be_chance():
    # (1 + 6) / 64 + 15 / 128 = 0.23, which is above a fifth
    assert trend_of(5, 15, 25, 45, 80, 100, 130, 135, 140, 145, 150) == 0


def test_one_purchase_after_three_is_a_decline():
    assert trend_of(35, 70, 80, 100, 130, 135, 140, 145, 150, 155) == -1


def test_two_purchases_after_none_are_a_rise_only_while_they_are_recent():
    often = [130, 135, 140, 145, 150, 155, 160, 165, 170, 175]
    assert trend_of(5, 25, *often) == 1
    assert trend_of(45, 50, *often) == 0  # more than two usual gaps of some 15 days without an order


def test_silence_after_a_steady_run_is_a_decline():
    assert trend_of(*range(62, 400, 20)) == -1


def test_on_three_purchases_there_is_no_word():
    assert trend_of(100, 105, 300) == 0


def test_a_customer_who_came_within_the_two_halves_has_no_trend():
    assert trend_of(1, 5, 10, 15, 20, 70) == 0


def test_later_purchases_and_other_customers_change_nothing():
    customer = np.array([1] * 17 + [2, 2] + [3] * 20)
    days = np.concatenate([TODAY - np.arange(62, 400, 20), [TODAY - 900, TODAY + 5], TODAY - np.arange(5, 400, 20)])
    shop = Occasions.of_orders(customer, days, np.full(39, 10.0))
    with_later = Occasions.of_orders(
        np.append(customer, [1, 1, 3]), np.append(days, TODAY + np.array([1, 4, 9])), np.full(42, 10.0)
    )
    assert trend(shop, rhythm(shop, TODAY, 20.0)).tolist() == [-1, 0, 0]
    assert trend(with_later, rhythm(with_later, TODAY, 20.0)).tolist() == [-1, 0, 0]


def test_nobody_has_no_trend():
    nobody = Occasions.of_orders(np.empty(0, int), np.empty(0, int), np.empty(0))
    assert trend(nobody, rhythm(nobody, TODAY, 20.0)).tolist() == []


def test_each_half_is_as_long_as_three_usual_gaps():
    # A usual gap of (1500 + 2 * 100) / 17 = 100 days compares 300 with 300 days.
    days = [10, 40, 80, 120, 160, 200, 290, 320, 560, 700, 900, 1000, 1200, 1300, 1400, 1510]
    assert trend_of(*days, usual_gap=100.0) == 1


@pytest.mark.parametrize("day", [-5, 0, 3, 9, 10, 40, 99])
def test_purchases_up_to_a_day_of_ones_own(day):
    rng = np.random.default_rng(2)
    shop = Occasions.of_orders(rng.integers(1, 30, 200), rng.integers(0, 60, 200), np.ones(200))
    place = np.array([4, 0, 17, 4])
    assert shop.counts_at(np.full(4, day), place).tolist() == shop.counts(day)[place].tolist()
    apart = shop.counts_at(np.array([day, 7, 20, day + 1]), place)
    assert apart.tolist() == [shop.counts(each)[at] for each, at in zip((day, 7, 20, day + 1), place, strict=True)]
