import numpy as np
import pytest

from predictions.maths.occasions import Occasions
from predictions.maths.remembering import CHURN, Remembered, lapse_of, outcomes

DAY = 1_000
# Customer 1 comes back after 10 days, 2 after 50, 3 never, 4 was erased since; 5 is new.
ORDERS = Occasions.of_orders(
    np.array([1, 1, 2, 2, 3, 5]), np.array([900, DAY + 10, 900, DAY + 50, 900, DAY + 1]), np.full(6, 20.0)
)
SCORES = Remembered(
    np.array([1, 2, 3, 4]),
    np.array([0.2, 0.6, 0.9, 0.9], np.float32),
    np.array([0.1, 0.4, 0.8, 0.8], np.float32),
    np.array([30, 90, 90, 30], np.int16),
)


def test_what_is_remembered_comes_back_as_it_was():
    again = Remembered.from_bytes(SCORES.to_bytes())
    for name, kept in SCORES.__dict__.items():
        np.testing.assert_array_equal(getattr(again, name), kept)
        assert getattr(again, name).dtype == kept.dtype


def test_nothing_is_told_before_its_time():
    assert outcomes(SCORES, ORDERS, DAY, DAY + 29, churn_days=30) == {}
    assert set(outcomes(SCORES, ORDERS, DAY, DAY + 30, churn_days=30)) == {CHURN, lapse_of(30)}
    assert set(outcomes(SCORES, ORDERS, DAY, DAY + 90, churn_days=120)) == {lapse_of(30), lapse_of(90)}


def test_each_is_judged_by_what_came_within_the_horizon_and_the_erased_are_left_out():
    told = outcomes(SCORES, ORDERS, DAY, DAY + 180, churn_days=30)
    assert told[CHURN].customers == 3
    assert told[CHURN].at("low") == (1, 0)  # 1 came back within 30 days
    assert told[CHURN].at("high") == (1, 1)  # 2 came back too late
    assert told[CHURN].at("critical") == (1, 1)
    assert told[lapse_of(30)].customers == 1
    assert told[lapse_of(90)].at("medium") == (1, 0)
    assert told[lapse_of(90)].at("critical") == (1, 1)
    assert told[lapse_of(180)].customers == 0
    assert told[CHURN].base_rate == pytest.approx(2 / 3)
