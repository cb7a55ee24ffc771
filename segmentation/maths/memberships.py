"""Distances to segment centres -> fuzzy memberships."""

import numpy as np
from numpy.typing import NDArray

# The radius of a cluster whose members are all alike. Not zero: whoever stands on a centre belongs to it, nobody gets 0 / 0.
SMALLEST_RADIUS = 1e-6


def scaled_distances(points: NDArray[np.float64], centres: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Euclidean distances in units of sqrt(2) times the axis's pooled within-cluster radius.

    With that unit ``exp(-distance**2)`` is the density of a round cluster, and does not saturate as plain distances do.

    Parameters
    ----------
    points : array of shape (n_customers, n_features)
    centres : array of shape (n_segments, n_features)
        Both in standardised space.
    radius : float
        Root of the mean squared distance of members to their own centre.

    Returns
    -------
    array of shape (n_customers, n_segments)
        Summed feature by feature and not by BLAS, so that a row does not depend on the rows around it.
    """
    squared = np.zeros((len(points), len(centres)))
    for feature in range(points.shape[1]):
        squared += (points[:, feature, None] - centres[None, :, feature]) ** 2
    distances: NDArray[np.float64] = np.sqrt(squared) / (np.sqrt(2.0) * max(radius, SMALLEST_RADIUS))
    return distances


def memberships_from_distances(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn distances to segment centres into fuzzy memberships.

    A membership is ``exp(-distance**2)``, scaled so that each row sums to one. Each row's smallest squared distance is
    subtracted first: it cancels out, and spares far-away customers a 0 / 0.

    Parameters
    ----------
    distances : array of shape (n_customers, n_segments)
        Euclidean distances in standardised space, in units of sqrt(2) times the axis's pooled radius.

    Returns
    -------
    array of shape (n_customers, n_segments)
        Memberships from 0 to 1.

    Raises
    ------
    ValueError
        If the array is not two-dimensional, has no segments, or holds a negative or non-finite value.

    Notes
    -----
    Product reference, "Clustering (Per Axis)", step d; the percentages printed there do not follow from the formula.
    """
    if distances.ndim != 2 or distances.shape[1] == 0:
        raise ValueError(f"expected (n_customers, n_segments), got shape {distances.shape}")
    if not np.isfinite(distances).all() or (distances < 0).any():
        raise ValueError("distances must be finite and non-negative")

    squared = distances**2
    strength = np.exp(-(squared - squared.min(axis=1, keepdims=True)))
    memberships: NDArray[np.float64] = strength / strength.sum(axis=1, keepdims=True)
    return memberships
