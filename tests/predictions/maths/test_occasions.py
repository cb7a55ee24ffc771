import numpy as np
import pytest

from predictions.maths.churn_features import NAMES, features, none_within, population_gap, rhythm
from predictions.maths.lapse import Waits, level, own_horizon
from predictions.maths.occasions import Occasions
from predictions.maths.tiers import TIERS, edges, tier_of


def occasions(**days_of):
    """Customers by their ids ("c7": [days]); everything is worth 10."""
    customer = [int(name[1:]) for name, days in days_of.items() for _ in days]
    day = [day for days in days_of.values() for day in days]
    return Occasions.of_orders(np.array(customer), np.array(day), np.full(len(day), 10.0))


def test_orders_of_one_day_are_one_occasion_worth_their_sum():
    both = Occasions.of_orders(np.array([2, 1, 2, 2]), np.array([5, 9, 5, 8]), np.array([10.0, 4.0, 7.0, 1.0]))
    assert both.customer_ids.tolist() == [1, 2]
    assert both.day.tolist() == [9, 5, 8]
    assert both.value.tolist() == [4.0, 17.0, 1.0]


def test_until_a_day_there_is_nothing_after_it_and_nobody_who_came_only_then():
    cut = occasions(c1=[10, 20, 30], c2=[25], c3=[5]).until(20)
    assert cut.customer_ids.tolist() == [1, 3]
    assert cut.day.tolist() == [10, 20, 5]


def test_some_customers_keep_their_own_occasions():
    some = occasions(c1=[10, 20], c2=[25], c3=[5, 6, 7]).of(np.array([0, 2]))
    assert some.customer_ids.tolist() == [1, 3]
    assert some.starts.tolist() == [0, 2, 5]
    assert some.day.tolist() == [10, 20, 5, 6, 7]


def test_a_rhythm_worked_by_hand():
    shop = occasions(c1=[0, 10, 30, 90], c2=[50])
    known = rhythm(shop, 40, usual_gap_days=40.0)
    assert known.place.tolist() == [0]  # the second customer has not come yet
    assert (known.repeats[0], known.last[0], known.age[0], known.recency_days[0]) == (2, 30, 40, 10)
    assert known.gap_days[0] == pytest.approx((30 + 2 * 40) / (2 + 2))
    assert known.mean_value[0] == 10.0
    assert none_within(shop, known, 49).tolist() == [True]
    assert none_within(shop, known, 50).tolist() == [False]


def test_features_are_finite_and_know_nothing_of_later_days():
    early = occasions(c1=[0, 10, 30], c2=[35])
    late = occasions(c1=[0, 10, 30, 41, 50], c2=[35, 60], c3=[44])
    for shop in (early, late):
        assert population_gap(shop, 40) == pytest.approx(15.0)
    rows = [features(shop, rhythm(shop, 40, 20.0), 30) for shop in (early, late)]
    assert rows[0].shape == (2, len(NAMES))
    assert np.isfinite(rows[0]).all()
    assert np.array_equal(*rows)


def test_a_shop_where_nobody_came_twice_has_a_usual_gap_of_half_a_year():
    assert population_gap(occasions(c1=[3], c2=[7]), 10) == 182.5


@pytest.mark.parametrize(("gap", "horizon"), [(3, 30), (15, 30), (15.1, 90), (45, 90), (46, 180), (400, 180)])
def test_the_own_horizon_is_the_smallest_of_at_least_two_usual_gaps(gap, horizon):
    assert own_horizon(np.array([float(gap)])).tolist() == [horizon]


@pytest.mark.parametrize(
    ("score", "name"), [(0.7, "critical"), (0.699, "high"), (0.5, "high"), (0.3, "medium"), (0.299, "low"), (0.0, "low")]
)
def test_the_lower_edge_of_a_level_belongs_to_it(score, name):
    assert level(score) == name


def test_the_next_order_of_regular_customers_is_expected_after_their_own_gap():
    rng = np.random.default_rng(1)
    shop = occasions(**{f"c{n}": np.cumsum(rng.integers(27, 34, 12)).tolist() for n in range(200)})
    waits = Waits.of(shop, 10_000, 30.0)
    earliest, latest = waits.expected_next(np.array([0.0, 28.0]), np.array([30.0, 30.0]))
    assert 27 <= earliest[0] <= 30 <= latest[0] <= 34
    assert 0 <= earliest[1] <= latest[1] <= 6
    assert np.isnan(waits.expected_next(np.array([300.0]), np.array([30.0]))[0]).all()


def test_without_gaps_no_next_order_is_expected():
    waits = Waits.of(occasions(c1=[1], c2=[5]), 10, 30.0)
    assert np.isnan(waits.expected_next(np.array([2.0]), np.array([30.0]))).all()


def test_tiers_are_the_top_5_the_next_15_the_middle_60_and_the_bottom_20_percent():
    values = np.arange(1000.0)
    tier = tier_of(values, edges(values))
    assert [int((tier == place).sum()) for place in range(len(TIERS))] == [50, 150, 600, 200]
    assert TIERS[tier[-1]] == "vip"
