import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import silhouette_score

from segmentation.maths.clustering import find_clusters, fit_scale, move_centres, nearest_centre, silhouettes


def blobs(sizes, places, spread=0.1, seed=0):
    dice = np.random.default_rng(seed)
    return np.concatenate([dice.normal(place, spread, (size, len(place))) for size, place in zip(sizes, places, strict=True)])


@pytest.mark.parametrize("n", [10, 64, 65, 700])
def test_silhouettes_are_those_of_scikit_learn(n):
    dice = np.random.default_rng(n)
    points = dice.normal(size=(n, 3)) * [1, 3, 0.1] + 50
    labelings = [dice.permutation(np.arange(n) % k) for k in (2, 3, 6)]
    labelings.append(np.where(np.arange(n) == 0, 0, 1))  # one member alone
    expected = [silhouette_score(points, labels) for labels in labelings]
    assert silhouettes(points, labelings) == pytest.approx(expected, abs=1e-4)


def test_silhouettes_worked_by_hand():
    # 0, 1 | 10: for 0 a = 1, b = 10; for 1 a = 1, b = 9; 10 is alone. (0.9 + 8/9 + 0) / 3
    assert silhouettes(np.array([[0.0], [1.0], [10.0]]), [np.array([0, 0, 1])])[0] == pytest.approx((0.9 + 8 / 9) / 3, abs=1e-4)


def test_a_missing_cluster_or_equal_points_give_a_number():
    same = np.zeros((6, 2))
    assert silhouettes(same, [np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 2, 2, 2]), np.zeros(6, dtype=int)]) == [0, 0, 0]


@pytest.mark.parametrize("k", [2, 3, 4, 5, 6])
def test_clear_clusters_are_counted(k):
    places = [(np.cos(at), np.sin(at)) for at in np.arange(k) * 2 * np.pi / k]
    found = find_clusters(blobs([60] * k, places, spread=0.05))
    assert len(found.centres) == k
    assert found.silhouette > 0.6
    assert found.inertia_share < 0.05


def test_a_handful_of_whales_is_not_a_segment():
    # Two groups and 12 of 1,212 far away: under 2 %, so k = 3 is not eligible though it fits best.
    points = blobs([600, 600, 12], [(0, 0), (2, 0), (60, 60)])
    found = find_clusters(points)
    assert min(np.bincount(nearest_centre(points, found.centres))) >= 0.02 * len(points)


def test_of_nearly_equal_silhouettes_the_largest_k_wins():
    # Two pairs of neighbours: two clusters and four fit almost equally well.
    points = blobs([200] * 4, [(0, 0), (0.85, 0), (5, 0), (5.85, 0)], spread=0.05)
    four = np.arange(800) // 200
    of_two, of_four = silhouettes(points, [four // 2, four])
    assert of_four < of_two < of_four + 0.02
    assert len(find_clusters(points).centres) == 4


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((1, 3)),
        np.array([[0.0], [1.0]]),
        np.ones((50, 2)),
        np.repeat([[0.0, 1.0], [1.0, 0.0]], 30, axis=0),
        np.column_stack([np.zeros(40), np.arange(40) % 3]),
        np.column_stack([np.arange(5.0), np.zeros(5)]),
    ],
    ids=["one", "two", "identical", "two kinds", "constant column", "five"],
)
def test_degenerate_points_give_finite_clusters(points, recwarn):
    found = find_clusters(points)
    assert 1 <= len(found.centres) <= min(6, len(np.unique(points, axis=0)))
    assert np.isfinite(found.centres).all()
    assert np.isfinite(found.radius)
    assert not recwarn.list


def test_identical_customers_are_one_cluster_without_radius():
    found = find_clusters(np.ones((50, 2)))
    assert (len(found.centres), found.radius, found.silhouette, found.inertia_share) == (1, 0.0, None, 0.0)


def test_the_order_of_rows_does_not_matter_and_a_seed_repeats():
    points = np.random.default_rng(3).gamma(2, size=(7_000, 3))
    first, again = find_clusters(points, seed=4), find_clusters(points[::-1], seed=4)
    assert (first.centres == again.centres).all()
    assert first.silhouette == again.silhouette


@given(arrays(np.float64, st.tuples(st.integers(1, 40), st.integers(1, 3)), elements=st.floats(-1e3, 1e3, width=16)))
@settings(max_examples=25, deadline=None)
def test_whatever_the_points_clusters_are_finite(points):
    found = find_clusters(fit_scale(points).standardise(points))
    assert np.isfinite(found.centres).all()
    assert found.silhouette is None or -1 <= found.silhouette <= 1
    assert 0 <= found.inertia_share <= 1


def test_a_constant_column_is_harmless():
    points = blobs([80, 80, 80], [(0, 0), (3, 0), (0, 3)])
    with_constant = np.column_stack([points, np.full(len(points), 7.3)])
    plain = find_clusters(fit_scale(points).standardise(points))
    padded = find_clusters(fit_scale(with_constant).standardise(with_constant))
    assert padded.centres[:, :2] == pytest.approx(plain.centres)
    assert padded.centres[:, 2] == pytest.approx(0)
    assert padded.radius == pytest.approx(plain.radius)


def test_the_scale_winsorises_and_takes_the_unknown_for_the_mean():
    values = np.concatenate([np.arange(1000.0), [1e12]])[:, None]
    scale = fit_scale(values)
    assert scale.high[0] == pytest.approx(995)
    standard = scale.standardise(np.array([[1e12], [np.nan], [np.inf], [scale.mean[0]]]))
    assert standard[:, 0] == pytest.approx(
        [(995 - scale.mean[0]) / scale.spread[0], 0, (995 - scale.mean[0]) / scale.spread[0], 0]
    )


def test_nobody_or_nothing_known_makes_a_harmless_scale():
    assert fit_scale(np.zeros((0, 2))).standardise(np.array([[5.0, np.nan]])).tolist() == [[0, 0]]
    assert fit_scale(np.full((3, 1), np.nan)).standardise(np.array([[2.0]])).tolist() == [[0]]


def test_centres_move_with_their_members_and_an_empty_one_stays():
    points = blobs([50, 50], [(0.5, 0), (4.5, 0)])
    moved = move_centres(points, np.array([[0.0, 0.0], [5.0, 0.0], [99.0, 99.0]]))
    assert moved.centres == pytest.approx(np.array([[0.5, 0], [4.5, 0], [99, 99]]), abs=0.05)
