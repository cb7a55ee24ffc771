import numpy as np
import pytest

from segmentation.maths.observing import observe
from segmentation.maths.priors import population_priors
from segmentation.maths.purchase_features import purchase_counts, purchase_features
from tests.segmentation.maths.invented_shop import AS_OF, TODAY, small_history

# The 3rd, 13th and 23rd of October 2025 (Friday, Monday, Thursday), 40, 30 and 20 days before 12 November.
EVEN = [(40, 100.0), (30, 50.0), (20, 150.0)]


def counted(*orders, **more):
    return {name: column[0] for name, column in purchase_counts(small_history(list(orders), **more), TODAY).items()}


def test_orders_money_and_days_are_counted_by_hand():
    counts = counted(EVEN)
    assert (counts["orders"], counts["value"], counts["max_value"]) == (3, 300, 150)
    assert (counts["tenure_days"], counts["recency_days"], counts["active_span_days"]) == (40, 20, 20)
    assert (counts["gaps"], counts["gap_days"], counts["gap_days_squared"], counts["short_gaps"]) == (2, 20, 200, 2)
    assert counts["payday_occasions"] == 1
    assert counts["weekend_occasions"] == 0
    assert counts["gap_change"] == pytest.approx(0)


def test_two_orders_on_one_day_are_one_occasion_and_two_orders():
    counts = counted([(40, 10.0), (40, 20.0), (30, 5.0)])
    assert (counts["orders"], counts["occasions"], counts["gaps"], counts["gap_days"]) == (3, 2, 1, 10)


def test_weekends_are_saturday_and_sunday():
    # 12 November 2025 is a Wednesday; 4 days before was a Saturday, 3 a Sunday, 5 a Friday.
    counts = counted([(5, 1.0), (4, 1.0), (3, 1.0)])
    assert counts["weekend_occasions"] == 2
    assert counted([(18, 1.0), (11, 1.0), (4, 1.0), (2, 1.0)])["top_weekday_occasions"] == 3


def test_growing_gaps_have_a_positive_change():
    # Gaps of 5 and 20 days: log(21) - log(6) from the first to the last.
    assert counted([(30, 1.0), (25, 1.0), (5, 1.0)])["gap_change"] == pytest.approx(np.log(21 / 6))


def test_a_partly_refunded_order_and_one_that_went_back_whole_are_two_of_four():
    counts = counted(EVEN, refunds=[(0, 1, False, 20.0), (0, 1, False, 5.0), (0, -1, True, 80.0)])
    assert (counts["refunds"], counts["refunded_orders"], counts["orders_and_returned"]) == (3, 2, 4)
    assert (counts["refunded_from_orders"], counts["refunded_value"], counts["value_and_returned"]) == (25, 105, 380)


def test_refunds_above_what_was_paid_leave_nothing_and_never_less():
    history = small_history([EVEN], refunds=[(0, 0, False, 5_000.0)])
    counts = observe(history, AS_OF).counts
    features = purchase_features(counts, population_priors(counts))
    assert features["avg_order_value"][0] == 0
    assert features["refunded_value_share"][0] == 1


def test_a_share_is_drawn_to_the_populations_by_two_pseudo_observations():
    # Two customers, 1 of 1 and 0 of 3 orders with a discount: the population's share is 1/4.
    history = small_history([[(9, 100.0)], EVEN], discounts=[10.0, 0.0, 0.0, 0.0])
    counts = observe(history, AS_OF).counts
    priors = population_priors(counts)
    assert priors["discounted_order_share"] == 0.25
    share = purchase_features(counts, priors)["discounted_order_share"]
    assert share == pytest.approx([(1 + 0.5) / 3, 0.5 / 5])
    assert purchase_features(counts, priors, strength=0)["discounted_order_share"] == pytest.approx([1, 0])


def test_the_discount_of_lines_counts_where_the_order_does_not_know_of_it():
    history = small_history([EVEN], lines=[(0, "p", "", "A thing", 10.0)])
    history.lines["discount"] = 30.0
    assert purchase_counts(history, TODAY)["discount"][0] == 30


def test_plain_numbers_are_for_people_and_unknown_where_there_is_nothing_to_tell():
    counts = purchase_counts(small_history([EVEN, [(700, 10.0)]]), TODAY)
    plain = purchase_features(counts, {}, strength=0)
    assert plain["mean_gap_days"][0] == 10
    assert np.isnan(plain["mean_gap_days"][1])
    assert np.isnan(plain["gap_cv"][1])
    assert plain["orders_365d"].tolist() == [3, 0]


def test_who_bought_once_long_ago_is_rarer_than_who_bought_once_just_now():
    counts = observe(small_history([[(800, 10.0)], [(3, 10.0)], EVEN]), AS_OF).counts
    features = purchase_features(counts, population_priors(counts))
    assert features["mean_gap_days"][0] == pytest.approx(800)
    assert features["mean_gap_days"][1] == pytest.approx(10)  # the population's middle gap
    assert features["orders_per_month"][0] < features["orders_per_month"][1]


def test_50_000_orders_of_one_customer_are_counted():
    counts = counted([(1 + at // 20, 10.0) for at in range(50_000)])
    assert (counts["orders"], counts["occasions"]) == (50_000, 2_500)
    assert counts["gap_change"] == pytest.approx(0)


def test_money_that_is_no_number_counts_as_none():
    counts = counted([(9, float("nan")), (8, float("inf")), (7, -5.0), (6, 12.0)])
    assert (counts["value"], counts["max_value"]) == (12, 12)
