"""Centres -> segment names, by the assignment that fits the prototypes best over all clusters of an axis."""

import numpy as np
from numpy.typing import NDArray

from segmentation.axes import Axis

Matrix = NDArray[np.float64]

# How much closer a reserve name must be, in squared noticeable differences.
RESERVE_COST = 0.15


def transformed(axis: Axis, natural: Matrix) -> Matrix:
    """An axis's clustered features from their own units into those that are standardised: log1p where so declared."""
    is_log = np.array([feature.transform == "log" for feature in axis.clustered])
    return np.where(is_log, np.log1p(np.maximum(natural, 0.0)), natural)


def name_clusters(axis: Axis, centres: Matrix, typical: Matrix) -> list[str]:
    """Give each cluster a name of the axis's closed list, no name twice.

    The distance of a cluster from a name is measured in differences that people would notice (`Feature.step`), so that it does
    not depend on how much the customers of this shop happen to differ. The squares of the distances are summed over all
    clusters and the smallest sum wins: on one feature that keeps the order (who spends more never gets the lower name).

    Parameters
    ----------
    axis : Axis
    centres : array of shape (k, n_clustered_features)
        In standard units; compared where a prototype is relative.
    typical : array of shape (k, n_clustered_features)
        What the members do, in transformed units; compared where a prototype is absolute.

    Returns
    -------
    list of k names
        The same for the same clusters in whatever order.
    """
    from scipy.optimize import linear_sum_assignment  # slow to import, and only discovery names clusters

    features = axis.clustered
    steps = np.array([feature.step for feature in features])
    relative = np.array([feature.relative for feature in features])
    prototypes = np.array([segment.prototype for segment in axis.names], dtype=np.float64)
    targets = np.where(relative, prototypes, transformed(axis, prototypes))
    found = np.where(relative, centres, typical)
    reserve = np.array([segment.reserve for segment in axis.names])
    cost = (((found[:, None, :] - targets[None, :, :]) / steps) ** 2).mean(axis=2) + np.where(reserve, RESERVE_COST, 0.0)
    # Sorted rows make equal clusters come out alike in whatever order they came in.
    order = np.lexsort(found.T)
    rows, names = linear_sum_assignment(cost[order])
    chosen = dict(zip(order[rows].tolist(), names.tolist(), strict=True))
    return [axis.names[chosen[cluster]].name for cluster in range(len(centres))]
