import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.axes import AXES, AXIS_BY_NAME
from segmentation.maths.labels import name_clusters, transformed

FREQUENCY, VALUE, PRICE = (AXIS_BY_NAME[name] for name in ("purchase_frequency", "purchase_value", "price_sensitivity"))


def by_gap(*days):
    natural = np.array([(gap, 30.4 / gap) for gap in days])
    return name_clusters(FREQUENCY, np.zeros((len(days), 2)), transformed(FREQUENCY, natural))


def by_value(*deviations):
    centres = np.array([(z, z) for z in deviations])
    return name_clusters(VALUE, centres, np.zeros((len(deviations), 2)))


def test_absolute_names_mean_what_they_say():
    assert by_gap(7.5) == ["weekly_shopper"]
    assert by_gap(28, 350, 9) == ["monthly_regular", "once_a_year", "weekly_shopper"]
    # In a shop where nobody buys more than twice a year nobody is called a weekly shopper.
    assert by_gap(170, 800) == ["twice_a_year", "rare_buyer"]


def test_relative_names_follow_the_order_of_the_clusters():
    assert by_value(0.9, -0.8) == ["high_value", "budget_conscious"]
    assert by_value(-1.1, 1.3, 0.1) == ["budget_conscious", "high_value", "mid_tier"]
    assert by_value(0.0) == ["mid_tier"]
    assert by_value(-2.2, -0.9, -0.4, 0.1, 0.9, 2.4) == [
        *("small_basket", "budget_conscious", "lower_mid", "mid_tier", "high_value", "top_spender"),
    ]


def test_shares_are_shares():
    found = np.array([(0.03, 0.005, 0.03), (0.8, 0.16, 0.8), (0.4, 0.06, 0.38)])
    assert name_clusters(PRICE, np.zeros((3, 3)), found) == ["full_price_buyer", "deal_hunter", "value_focused"]


@pytest.mark.parametrize("axis", AXES, ids=lambda axis: axis.name)
def test_a_prototype_gets_its_own_name(axis):
    prototypes = np.array([segment.prototype for segment in axis.names], dtype=float)
    assert name_clusters(axis, prototypes, transformed(axis, prototypes))[:6] == [segment.name for segment in axis.names][:6]


@given(st.sampled_from(AXES), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_no_name_twice_and_the_order_of_clusters_does_not_matter(axis, k, seed):
    dice = np.random.default_rng(seed)
    centres = dice.normal(size=(k, len(axis.clustered)))
    typical = np.abs(dice.normal(size=centres.shape))
    names = name_clusters(axis, centres, typical)
    assert len(set(names)) == k
    assert set(names) <= {segment.name for segment in axis.names}
    order = dice.permutation(k)
    assert name_clusters(axis, centres[order], typical[order]) == [names[at] for at in order]
