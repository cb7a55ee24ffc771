import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from segmentation.maths.memberships import memberships_from_distances, scaled_distances


def test_the_formula_of_the_reference_holds_not_its_printed_percentages():
    # exp(-0.09), exp(-1.44), exp(-7.84) over their sum.
    assert memberships_from_distances(np.array([[0.3, 1.2, 2.8]])) == pytest.approx(
        np.array([[0.7939, 0.2058, 0.0003]]), abs=5e-4
    )


def test_an_outlier_belongs_to_the_nearest_segment_and_is_never_nan():
    far = memberships_from_distances(np.array([[40.0, 41.0], [1e6, 1e6]]))
    assert far[0] == pytest.approx([1.0, 0.0])
    assert far[1] == pytest.approx([0.5, 0.5])


@given(arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.floats(0, 1e7)))
def test_rows_sum_to_one_and_the_nearest_is_largest(distances):
    memberships = memberships_from_distances(distances)
    assert memberships.sum(axis=1) == pytest.approx(np.ones(len(distances)))
    nearest = distances.argmin(axis=1)
    assert (memberships[np.arange(len(distances)), nearest] == memberships.max(axis=1)).all()


@pytest.mark.parametrize("bad", [np.array([1.0]), np.zeros((2, 0)), np.array([[-1.0, 0.0]]), np.array([[np.nan, 0.0]])])
def test_what_is_not_a_table_of_distances_is_refused(bad):
    with pytest.raises(ValueError, match=r"distances|n_segments"):
        memberships_from_distances(bad)


def test_distances_are_in_units_of_root_two_radii():
    # A 3-4-5 triangle with radius 2.5: 5 / (1.41421 * 2.5).
    assert scaled_distances(np.array([[3.0, 4.0]]), np.zeros((1, 2)), 2.5) == pytest.approx(np.array([[2**0.5]]))


def test_a_cluster_without_radius_takes_its_members_whole():
    distances = scaled_distances(np.array([[0.0], [1.0], [0.4]]), np.array([[0.0], [1.0]]), 0.0)
    assert memberships_from_distances(distances) == pytest.approx(np.array([[1, 0], [0, 1], [1, 0]]))


def test_scaled_distances_of_a_row_do_not_depend_on_the_others():
    points, centres = np.random.default_rng(0).normal(size=(50, 4)), np.random.default_rng(1).normal(size=(3, 4))
    together = scaled_distances(points, centres, 0.7)
    assert all((scaled_distances(points[[row]], centres, 0.7)[0] == together[row]).all() for row in range(50))
