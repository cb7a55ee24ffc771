"""One axis: scale its features, choose the number of clusters, find the centres.

Everything here is repeatable: rows are put in an order of their own first, so neither their order nor the machine's number of
processors changes a result.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

LARGEST_K = 6
SAMPLE = 5_000
STARTS = 5
SMALLEST_CLUSTER_SHARE = 0.02
SILHOUETTE_TIE = 0.02
WINSORISE = (0.005, 0.995)
_ROWS_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Scale:
    """How one axis's features become comparable: limits, mean and spread, in transformed units; arrays (n_features,)."""

    low: Matrix
    high: Matrix
    mean: Matrix
    spread: Matrix

    def standardise(self, values: Matrix) -> Matrix:
        """Clip to the limits, then to mean 0 and spread 1; an unknown value is the mean."""
        standard = (np.clip(values, self.low, self.high) - self.mean) / self.spread
        return np.where(np.isfinite(standard), standard, 0.0)

    def restore(self, standard: Matrix) -> Matrix:
        """From standard units back to transformed units."""
        return standard * self.spread + self.mean


@dataclass(frozen=True, eq=False)
class Clusters:
    """Centres in standard units, and how good they are.

    `radius` is the root of the mean squared distance of members to their own centre, over all clusters. `silhouette` (of the
    sample) is None for one cluster. `inertia_share` is the part of the variation that the centres leave unexplained, 0 to 1.
    """

    centres: Matrix
    radius: float
    silhouette: float | None
    inertia_share: float


def fit_scale(values: Matrix) -> Scale:
    """Winsorise limits, means and spreads of transformed features of shape (n_customers, n_features).

    A constant column gets spread 1: it becomes zeros and has no say.
    """
    if len(values) == 0:
        zeros = np.zeros(values.shape[1])
        return Scale(zeros, zeros, zeros, np.ones(values.shape[1]))
    finite = np.where(np.isfinite(values), values, np.nan)
    known = np.isfinite(finite).any(axis=0)
    finite[:, ~known] = 0.0
    low, high = np.nanquantile(finite, WINSORISE, axis=0)
    clipped = np.clip(finite, low, high)
    mean, spread = np.nanmean(clipped, axis=0), np.nanstd(clipped, axis=0)
    # A spread at the level of rounding errors is no spread.
    spread = np.where(spread > 1e-9 * np.maximum(1.0, np.abs(mean)), spread, 1.0)
    return Scale(low, high, mean, spread)


def find_clusters(points: Matrix, *, seed: int = 0) -> Clusters:
    """Choose k and find the centres.

    k runs from 2 to 6 on a sample of 5,000; a k whose smallest cluster holds under 2 % of it is not eligible; among those
    within 0.02 of the best silhouette the largest k wins. If no k is eligible, or no two points differ, there is one cluster.

    Parameters
    ----------
    points : array of shape (n_customers, n_features)
        Standardised and finite; n_customers at least 1.
    seed : int
        For the sample and for KMeans.

    Returns
    -------
    Clusters
        About 0.5 s for 94,000 customers. Repeatable, whatever the order of the rows.

    Notes
    -----
    Product reference, "Clustering (Per Axis)", steps b and c.
    """
    points = points[np.lexsort(points.T)]
    sample = points
    if len(points) > SAMPLE:
        sample = points[np.sort(np.random.default_rng(seed).choice(len(points), SAMPLE, replace=False))]
    silhouette, centres = _best_on_sample(sample, seed)
    if centres is None:
        return _one_cluster(points)
    if len(points) > len(sample):
        centres = _kmeans(points, centres, seed)[0]
    return _measured(points, centres, silhouette)


def move_centres(points: Matrix, centres: Matrix, *, steps: int = 20) -> Clusters:
    """Lloyd's algorithm from given centres: a few steps, and a cluster that lost everybody stays where it was.

    Unlike KMeans it never puts an empty cluster somewhere else, so each centre can keep its name.
    """
    centres = centres.copy()
    for _ in range(steps):
        nearest = nearest_centre(points, centres)
        size = np.bincount(nearest, minlength=len(centres))
        alive = size > 0
        before = centres.copy()
        for feature in range(points.shape[1]):
            sums = np.bincount(nearest, points[:, feature], minlength=len(centres))
            centres[alive, feature] = sums[alive] / size[alive]
        if np.abs(centres - before).max(initial=0.0) < 1e-4:
            break
    return _measured(points, centres, None)


def nearest_centre(points: Matrix, centres: Matrix) -> NDArray[np.int64]:
    """The position of each point's nearest centre, the first of equals."""
    # Less the square of the point itself, which is the same for all centres.
    squared = np.einsum("kf,kf->k", centres, centres) - 2.0 * np.einsum("nf,kf->nk", points, centres)
    return np.asarray(squared.argmin(axis=1), dtype=np.int64)


def silhouettes(points: Matrix, labelings: Sequence[NDArray[np.int64]]) -> list[float]:
    """The mean silhouette of several labelings of the same points, from one pass over the pairwise distances.

    Parameters
    ----------
    points : array of shape (n, n_features)
    labelings : arrays of shape (n,)
        Cluster numbers from 0. A member alone in its cluster has silhouette 0.

    Returns
    -------
    list of float
        As `sklearn.metrics.silhouette_score` to about 1e-4; 0.0 for a labeling with one cluster. Never NaN. Memory is 64
        rows of distances, which stay in the processor's cache.
    """
    counts = [int(labels.max(initial=0)) + 1 for labels in labelings]
    is_member = np.concatenate(
        [np.eye(k, dtype=np.float32)[labels] for k, labels in zip(counts, labelings, strict=True)], axis=1
    )
    sums = np.empty((len(points), is_member.shape[1]))
    # |a - b|² = |a|² + |b|² - 2ab as one product of matrices; in float64, because for near points it subtracts large numbers.
    squares = np.einsum("nf,nf->n", points, points)
    ones = np.ones(len(points))
    left, right = np.column_stack([points, squares, ones]), np.vstack([-2.0 * points.T, ones, squares])
    squared = np.empty((_ROWS_AT_ONCE, len(points)))
    distance = np.empty((_ROWS_AT_ONCE, len(points)), dtype=np.float32)
    for start in range(0, len(points), _ROWS_AT_ONCE):
        end = min(start + _ROWS_AT_ONCE, len(points))
        wide, narrow = squared[: end - start], distance[: end - start]
        np.maximum(np.matmul(left[start:end], right, out=wide), 0.0, out=wide)
        narrow[...] = wide
        np.sqrt(narrow, out=narrow)
        narrow[np.arange(end - start), np.arange(start, end)] = 0.0
        sums[start:end] = narrow @ is_member
    firsts = np.cumsum([0, *counts])
    return [
        _mean_silhouette(sums[:, first : first + k], labels)
        for first, k, labels in zip(firsts, counts, labelings, strict=False)
    ]


def _mean_silhouette(sums: Matrix, labels: NDArray[np.int64]) -> float:
    """The mean of (b - a) / max(a, b), from each point's summed distances to each cluster; array of shape (n, k)."""
    n, k = sums.shape
    size = np.bincount(labels, minlength=k).astype(np.float64)
    if (size > 0).sum() < 2:
        return 0.0
    here = np.arange(n)
    within = sums[here, labels] / np.maximum(size[labels] - 1, 1)
    mean = sums / np.maximum(size, 1)
    mean[:, size == 0] = np.inf
    mean[here, labels] = np.inf
    other = mean.min(axis=1)
    larger = np.maximum(within, other)
    value = np.divide(other - within, larger, out=np.zeros(n), where=(larger > 0) & (size[labels] > 1))
    return float(value.mean())


def _best_on_sample(sample: Matrix, seed: int) -> tuple[float | None, Matrix | None]:
    """The silhouette and the centres of the k that wins; None and None for one cluster."""
    coarse = np.round(sample[np.lexsort(np.round(sample, 6).T)], 6)
    distinct = 1 + int((coarse[1:] != coarse[:-1]).any(axis=1).sum())
    fits = []
    for k in range(2, min(LARGEST_K, distinct, len(sample)) + 1):
        centres, labels = _kmeans(sample, k, seed)
        if np.bincount(labels, minlength=k).min() >= max(SMALLEST_CLUSTER_SHARE * len(sample), 1):
            fits.append((centres, labels))
    if not fits:
        return None, None
    values = silhouettes(sample, [labels for _, labels in fits])
    best = max(values)
    winner = max(number for number, value in enumerate(values) if value >= best - SILHOUETTE_TIE)
    return values[winner], fits[winner][0]


def _kmeans(points: Matrix, start: int | Matrix, seed: int) -> tuple[Matrix, NDArray[np.int64]]:
    """Centres and labels by KMeans: from `start` clusters, best of five, or from given centres."""
    from sklearn.cluster import KMeans  # slow to import, and pages that only read a model never need it

    if isinstance(start, int):
        fitted = KMeans(start, n_init=STARTS, random_state=seed).fit(points)
    else:
        fitted = KMeans(len(start), init=start, n_init=1, random_state=seed).fit(points)
    return np.asarray(fitted.cluster_centers_, dtype=np.float64), np.asarray(fitted.labels_, dtype=np.int64)


def _one_cluster(points: Matrix) -> Clusters:
    return _measured(points, points.mean(axis=0, keepdims=True), None)


def _measured(points: Matrix, centres: Matrix, silhouette: float | None) -> Clusters:
    """Radius and unexplained variation of given centres."""
    if len(points) == 0:
        return Clusters(centres, 0.0, silhouette, 0.0)
    inertia = float(((points - centres[nearest_centre(points, centres)]) ** 2).sum())
    total = float(((points - points.mean(axis=0)) ** 2).sum())
    share = min(inertia / total, 1.0) if total > 1e-12 else 0.0
    return Clusters(centres, float(np.sqrt(inertia / len(points))), silhouette, share)
