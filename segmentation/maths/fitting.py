"""One axis, from everybody's features to named centres, and its centres moved later on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.axes import Axis
from segmentation.maths.clustering import Clusters, Scale, find_clusters, fit_scale, move_centres, nearest_centre
from segmentation.maths.counting import Column
from segmentation.maths.labels import name_clusters, transformed
from segmentation.maths.observing import Observations

Features = Mapping[str, Column]
Matrix = NDArray[np.float64]

# With fewer customers than this who have enough orders, an axis is fitted on everybody who has evidence on it.
ENOUGH_TO_FIT = 200


@dataclass(frozen=True, eq=False)
class FittedAxis:
    """One axis of a model.

    Attributes
    ----------
    names : list of str
        Segment names of the centres, in the order of the closed list; empty where nobody had evidence.
    scale, clusters
        How features are made comparable, and the centres in those units.
    typical : {segment: {feature: value}}
        What the members of each segment do on average, in natural units; None where there is nothing to tell.
    fitted_on : int
        Customers that formed the centres.
    notes : list of str
        What a reader must know ("The product stands in for its category …").
    sizes : {segment: share}
        Mean membership of everybody at the fit, with the "not enough" segment.
    information_bits : float
        Mutual information of customer and segment.
    """

    names: list[str]
    scale: Scale
    clusters: Clusters
    typical: dict[str, dict[str, float | None]]
    fitted_on: int
    notes: list[str]
    sizes: dict[str, float] = field(default_factory=dict)
    information_bits: float = 0.0

    @property
    def k(self) -> int:
        """The number of clusters."""
        return len(self.names)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON, without loss."""
        scale, clusters = self.scale, self.clusters
        return {
            "names": self.names,
            "scale": [part.tolist() for part in (scale.low, scale.high, scale.mean, scale.spread)],
            "centres": clusters.centres.tolist(),
            "radius": clusters.radius,
            "silhouette": clusters.silhouette,
            "inertia_share": clusters.inertia_share,
            "typical": self.typical,
            "fitted_on": self.fitted_on,
            "notes": self.notes,
            "sizes": self.sizes,
            "information_bits": self.information_bits,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "FittedAxis":
        """The inverse of `to_json`."""
        scale = Scale(*(np.array(part, dtype=np.float64) for part in stored["scale"]))
        centres = np.array(stored["centres"], dtype=np.float64).reshape(len(stored["names"]), len(scale.mean))
        return cls(
            list(stored["names"]),
            scale,
            Clusters(centres, float(stored["radius"]), stored["silhouette"], float(stored["inertia_share"])),
            stored["typical"],
            int(stored["fitted_on"]),
            list(stored["notes"]),
            stored["sizes"],
            float(stored["information_bits"]),
        )


def fit_axis(axis: Axis, observations: Observations, features: Features, plain: Features, *, seed: int) -> FittedAxis:
    """Scale, cluster and name one axis.

    Parameters
    ----------
    features, plain : mapping from feature to array of shape (n_customers,)
        As the clustering sees them, and each customer's own plain numbers (NaN where there are none).
    """
    rows = fit_rows(axis, observations)
    notes = _notes(axis, observations, rows)
    values = clustered_values(axis, features, rows)
    scale = fit_scale(values)
    if not rows.any():
        # Nobody to learn from. Without a "not enough" segment the axis still needs one that everybody can be in.
        centres = np.zeros((0 if axis.not_enough else 1, len(axis.clustered)))
        names = name_clusters(axis, centres, centres) if len(centres) else []
        return FittedAxis(names, scale, Clusters(centres, 0.0, None, 0.0), {name: {} for name in names}, 0, notes)

    points = scale.standardise(values)
    clusters = find_clusters(points, seed=seed)
    averages = _averages(axis, nearest_centre(points, clusters.centres), len(clusters.centres), plain, rows)
    names = name_clusters(axis, clusters.centres, _as_lived(axis, scale.restore(clusters.centres), averages))
    closed_list = [segment.name for segment in axis.names]
    order = sorted(range(len(names)), key=lambda at: closed_list.index(names[at]))
    clusters = replace(clusters, centres=clusters.centres[order])
    typical = {names[at]: _natural(axis, averages, at) for at in order}
    return FittedAxis([names[at] for at in order], scale, clusters, typical, int(rows.sum()), notes)


def refit_axis(axis: Axis, fitted: FittedAxis, observations: Observations, features: Features, plain: Features) -> FittedAxis:
    """The axis with its centres moved to where customers are now; scale, k and names stay, and so does the silhouette."""
    rows = fit_rows(axis, observations)
    if not fitted.names or not rows.any():
        return fitted
    points = fitted.scale.standardise(clustered_values(axis, features, rows))
    moved = move_centres(points, fitted.clusters.centres)
    averages = _averages(axis, nearest_centre(points, moved.centres), fitted.k, plain, rows)
    return replace(
        fitted,
        clusters=replace(moved, silhouette=fitted.clusters.silhouette),
        typical={name: _natural(axis, averages, at) for at, name in enumerate(fitted.names)},
        fitted_on=int(rows.sum()),
    )


def has_evidence(axis: Axis, observations: Observations) -> NDArray[np.bool_]:
    """Customers of whom enough is known on this axis; everybody where the axis has no "not enough" segment."""
    if axis.not_enough is None:
        return np.ones(len(observations), dtype=bool)
    return observations.counts[axis.evidence] >= axis.least_evidence


def fit_rows(axis: Axis, observations: Observations) -> NDArray[np.bool_]:
    """Customers on whom the axis is fitted: with evidence and enough orders, or all with evidence where those are few."""
    known = has_evidence(axis, observations)
    frequent = known & (observations.counts["orders"] >= axis.fit_from_orders)
    return frequent if frequent.sum() >= ENOUGH_TO_FIT else known


def clustered_values(axis: Axis, features: Features, rows: NDArray[np.bool_]) -> Matrix:
    """The features that form the segments, transformed; array of shape (n_rows, n_clustered_features)."""
    return transformed(axis, np.column_stack([features[feature.name][rows] for feature in axis.clustered]))


def _averages(
    axis: Axis, nearest: NDArray[np.int64], k: int, plain: Features, rows: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Each cluster's mean of each plain feature in transformed units, over the members who have one; NaN if most have none."""
    averages = {}
    members = np.bincount(nearest, minlength=k)
    for feature in axis.features:
        values = plain[feature.name][rows]
        known = np.isfinite(values)
        values = np.log1p(np.maximum(values[known], 0.0)) if feature.transform == "log" else values[known]
        having = np.bincount(nearest[known], minlength=k).astype(np.float64)
        sums = np.bincount(nearest[known], values, minlength=k)
        averages[feature.name] = np.divide(sums, having, out=np.full(k, np.nan), where=(having > 0) & (having >= members / 2))
    return averages


def _as_lived(axis: Axis, centres: Matrix, averages: Features) -> Matrix:
    """What clusters are named by: numbers as members really have them, not as shrunk; the centre's where most have none."""
    lived = np.column_stack([averages[feature.name] for feature in axis.clustered])
    return np.where(np.isfinite(lived), lived, centres)


def _natural(axis: Axis, averages: Features, cluster: int) -> dict[str, float | None]:
    natural: dict[str, float | None] = {}
    for feature in axis.features:
        value = float(averages[feature.name][cluster])
        natural[feature.name] = None if np.isnan(value) else float(np.expm1(value)) if feature.transform == "log" else value
    return natural


def _notes(axis: Axis, observations: Observations, rows: NDArray[np.bool_]) -> list[str]:
    notes = []
    if axis.name == "category_exploration" and not observations.levels.has_categories:
        notes.append("The shop has no product categories, so each product stands in for its category.")
    unknown_level = {
        "product_knowledge": not observations.levels.knowledge,
        "value_sophistication": not observations.levels.value,
    }
    if unknown_level.get(axis.name):
        notes.append("Neither words nor prices within a category tell the level of enough products.")
    elif not rows.any():
        notes.append("Nobody has enough observations on this axis yet.")
    elif int((observations.counts["orders"][rows] < axis.fit_from_orders).sum()):
        notes.append(
            f"Fewer than {ENOUGH_TO_FIT} customers have {axis.fit_from_orders} orders, so everybody formed the segments."
        )
    return notes
