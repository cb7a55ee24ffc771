from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from predictions.maths import value
from predictions.maths.churn_features import Rhythm
from predictions.maths.value import _number_at


@given(st.floats(1e-6, 1 - 1e-6), st.floats(0.01, 200.0), st.floats(1e-6, 400.0))
@settings(deadline=None)
def test_the_number_of_orders_at_a_share_is_the_quantile_of_the_library(share, shape, mean):
    chance = shape / (shape + mean)
    (number,) = _number_at(np.array([share]), np.array([shape]), np.array([chance]))
    # A share may lie on a step of the distribution, where the last digit decides.
    assert nbinom.ppf(share * (1 - 1e-9), shape, chance) <= number <= nbinom.ppf(share * (1 + 1e-9), shape, chance)


def test_who_has_surely_gone_brings_nothing():
    assert _number_at(np.array([-0.5, 0.0]), np.array([2.0, 2.0]), np.array([0.1, 0.1])) == pytest.approx([0.0, 0.0])


class FakePast:
    """Windows of 90 days of which only `came over expected` is known, by day."""

    today = 2_000

    def __init__(self, ratio):
        self.ratio = ratio

    def window(self, day):
        return SimpleNamespace(day=day)

    def before(self, day, days, most):
        return [self.window(day - days - 30 * number) for number in range(most)]


@pytest.fixture
def corrected(monkeypatch):
    """`level` in a shop where `ratio(day)` of what was expected after a day came."""
    monkeypatch.setattr(value, "_came_over_expected", lambda past, window, choice: past.ratio(window.day))
    return lambda ratio: value.level(FakePast(ratio), {})


def test_a_shop_that_gets_what_is_expected_is_not_corrected(corrected):
    found = corrected(lambda day: 1.005)
    assert (found.shift, found.factor) == ("none", 1.0)
    assert found.errors == pytest.approx([0.005] * 3)


def test_a_lasting_level_is_corrected_by_the_latest_window_in_part(corrected):
    found = corrected(lambda day: 1.3 if day > 1_700 else 1.0)
    assert found.shift == "latest"
    assert found.factor == pytest.approx(1.3 ** (1 / 3))


def test_a_yearly_rhythm_is_corrected_by_the_same_window_a_year_ago(corrected):
    found = corrected(lambda day: 1.5 if (day - 2_000) % 365 in {0, *(365 - 90 - 30 * n for n in range(3))} else 0.9)
    assert found.shift in {"year", "season"}
    assert found.factor == pytest.approx(1.5 ** (1 / 3))  # that season's came over expected, whichever way it is found


def test_a_correction_that_gains_next_to_nothing_is_not_believed(corrected):
    assert corrected(lambda day: 1.012).shift == "none"


def test_expected_orders_follow_the_chosen_model_by_rates(monkeypatch):
    monkeypatch.setattr(value, "expected_orders", lambda dropout, repeats, last, age, days: np.full(2, days / 30.0))
    none = np.exp([-1.0, -1.0])
    said = np.exp([-2.0, -0.5])  # twice, and half, as often
    nobody = np.zeros(2)
    known = Rhythm(day=0, place=np.arange(2), repeats=nobody, last=nobody, age=nobody, spent=nobody, gap_days=nobody)
    window = SimpleNamespace(known=known, dropout=None, log_odds_of_none=lambda days: np.log(none / (1 - none)))
    orders = value._expected(window, {30: np.log(said / (1 - said))}, [30])
    assert orders[30] == pytest.approx([2.0, 0.5])


def test_the_own_kept_share_is_drawn_towards_the_shops_by_two_usual_orders():
    shares = value.own_kept_share(np.array([0.0, 1_000.0, 1_000.0]), np.array([0.0, 1_000.0, 0.0]), 0.9, 100.0)
    assert shares == pytest.approx([0.9, 180 / 1_200, 1_180 / 1_200])
