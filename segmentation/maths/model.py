"""The fitted model: all that is needed to say who somebody is, frozen.

`observe` counts what customers did; `fit` learns a model from that; `score` tells everybody's memberships; `drift` says when
the model has grown old, and `warm_refit` moves its centres without changing their names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from segmentation.axes import AXES
from segmentation.maths.archetypes import (
    COVERAGE,
    LEAST_MEMBERS,
    MOST_ARCHETYPES,
    choose_defining_axes,
    column_starts,
    information,
)
from segmentation.maths.clustering import nearest_centre
from segmentation.maths.fitting import FittedAxis, clustered_values, fit_axis, fit_rows, has_evidence, refit_axis
from segmentation.maths.memberships import SMALLEST_RADIUS, memberships_from_distances, scaled_distances
from segmentation.maths.observing import Observations, all_features, natural_features, observe
from segmentation.maths.priors import population_priors
from segmentation.maths.product_levels import ProductLevels

__all__ = [
    "Drift",
    "FittedAxis",
    "FittedModel",
    "Observations",
    "Scores",
    "drift",
    "fit",
    "natural_features",
    "observe",
    "score",
    "warm_refit",
]

Progress = Callable[[float, str], None]

FORMAT = 1
# Time to refit: on some axis a tenth of the customers' membership has moved, or they lie a quarter further from their centres.
DRIFT_OF_MIX, DRIFT_OF_RADIUS = 0.10, 1.25
_AXIS_NAMES = [axis.name for axis in AXES]


@dataclass(frozen=True, eq=False)
class FittedModel:
    """One version of the segmentation; small (tens of KB) and without loss as JSON. `fitted_day` as days since 1970-01-01."""

    axes: dict[str, FittedAxis]
    priors: dict[str, float]
    levels: ProductLevels
    defining_axes: list[str]
    seed: int
    fitted_day: int
    customers: int

    @cached_property
    def segments(self) -> dict[str, list[str]]:
        """Segment names by axis, in the order of `AXES`; the "not enough" name last where the axis has one."""
        return {axis.name: self.axes[axis.name].names + ([axis.not_enough] if axis.not_enough else []) for axis in AXES}

    @cached_property
    def columns(self) -> list[tuple[str, str]]:
        """Axis and segment of each column of `Scores.shares`."""
        return [(axis, name) for axis, names in self.segments.items() for name in names]

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON. Nothing relies on the order of keys, which PostgreSQL does not keep."""
        return {
            "format": FORMAT,
            "axes": {name: axis.to_json() for name, axis in self.axes.items()},
            "priors": self.priors,
            "levels": self.levels.to_json(),
            "defining_axes": self.defining_axes,
            "seed": self.seed,
            "fitted_day": self.fitted_day,
            "customers": self.customers,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "FittedModel":
        """The inverse of `to_json`; `ValueError` if another release wrote it in another format."""
        if stored.get("format") != FORMAT:
            raise ValueError("this model was stored by another release; run discover_segments to fit a new one")
        return cls(
            axes={name: FittedAxis.from_json(stored["axes"][name]) for name in _AXIS_NAMES},
            priors={name: float(value) for name, value in stored["priors"].items()},
            levels=ProductLevels.from_json(stored["levels"]),
            defining_axes=list(stored["defining_axes"]),
            seed=int(stored["seed"]),
            fitted_day=int(stored["fitted_day"]),
            customers=int(stored["customers"]),
        )


@dataclass(frozen=True, eq=False)
class Scores:
    """Everybody's memberships.

    `customer_ids` int64 (n,); `shares` float32 (n, all segments of all axes), each axis adding up to one; `segments` uint8
    (n, 13), the position of the dominant segment among the model's; `evidence` uint16 (n, 13), the observations behind it.
    """

    customer_ids: NDArray[np.int64]
    shares: NDArray[np.float32]
    segments: NDArray[np.uint8]
    evidence: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.customer_ids)


@dataclass(frozen=True)
class Drift:
    """How far customers have moved from a model.

    `mix`: per axis, half the sum of the differences between mean memberships now and at the fit (0 none, 1 all).
    `radius`: per axis, the distance of customers from their centres over that at the fit. `refit` if either is too large.
    """

    mix: dict[str, float]
    radius: dict[str, float]
    refit: bool


def fit(
    observations: Observations,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    most_archetypes: int = MOST_ARCHETYPES,
    least_members: int = LEAST_MEMBERS,
    coverage: float = COVERAGE,
) -> FittedModel:
    """Learn a model: priors, scales, centres with names, and the axes that define archetypes.

    Parameters
    ----------
    observations : Observations
        Any number of customers, none included; any order.
    seed : int
        The same seed gives the same model.
    progress : callable, optional
        Called with a share from 0 to 1 and the axis's label.
    most_archetypes, least_members, coverage
        See `archetypes.choose_defining_axes`.
    """
    observations = observations.take(np.argsort(observations.customer_ids, kind="stable"))
    priors = population_priors(observations.counts)
    features = all_features(observations.counts, priors)
    plain = all_features(observations.counts, priors, strength=0)
    axes: dict[str, FittedAxis] = {}
    # One thread: on data of this size two are slower, and sums come out the same on every machine.
    with threadpool_limits(1):
        for number, axis in enumerate(AXES):
            if progress is not None:
                progress(number / len(AXES), axis.label)
            axes[axis.name] = fit_axis(axis, observations, features, plain, seed=seed)
    model, scores = _measured(
        FittedModel(axes, priors, observations.levels, [], seed, observations.today, len(observations)), observations
    )
    bits = {name: axis.information_bits for name, axis in model.axes.items()}
    defining = choose_defining_axes(
        bits, scores.segments, _AXIS_NAMES, most=most_archetypes, least_members=least_members, coverage=coverage
    )
    if progress is not None:
        progress(1.0, "Axes that define archetypes")
    return replace(model, defining_axes=defining)


def score(model: FittedModel, observations: Observations) -> Scores:
    """Everybody's memberships by a frozen model. One customer alone gets what he gets among all others.

    Returns
    -------
    Scores
        In the order of `observations`.

    Raises
    ------
    ValueError
        If the customers were observed with other product levels than the model's.
    """
    if observations.levels != model.levels:
        raise ValueError("observe with levels=model.levels before scoring")
    n = len(observations)
    features = all_features(observations.counts, model.priors)
    starts = column_starts(model.segments)
    shares = np.zeros((n, len(model.columns)), dtype=np.float32)
    segments = np.zeros((n, len(AXES)), dtype=np.uint8)
    evidence = np.zeros((n, len(AXES)), dtype=np.uint16)
    for number, axis in enumerate(AXES):
        fitted = model.axes[axis.name]
        evidence[:, number] = np.minimum(observations.counts[axis.evidence], np.iinfo(np.uint16).max)
        known = has_evidence(axis, observations) if fitted.names else np.zeros(n, dtype=bool)
        start, end = starts[axis.name], starts[axis.name] + fitted.k
        if not known.all():
            shares[~known, end] = 1.0
            segments[~known, number] = fitted.k
        if known.any():
            points = fitted.scale.standardise(clustered_values(axis, features, known))
            own = memberships_from_distances(scaled_distances(points, fitted.clusters.centres, fitted.clusters.radius))
            shares[known, start:end] = own
            segments[known, number] = own.argmax(axis=1)
    return Scores(observations.customer_ids, shares, segments, evidence)


def warm_refit(model: FittedModel, observations: Observations) -> FittedModel:
    """Move the centres to where customers are now; k, names, scales, priors, product levels and defining axes stay.

    The silhouettes stay those of the discovery. `ValueError` if the customers were observed with other product levels.
    """
    features = all_features(observations.counts, model.priors)
    plain = all_features(observations.counts, model.priors, strength=0)
    axes = {axis.name: refit_axis(axis, model.axes[axis.name], observations, features, plain) for axis in AXES}
    moved = replace(model, axes=axes, fitted_day=observations.today, customers=len(observations))
    return _measured(moved, observations)[0]


def drift(model: FittedModel, observations: Observations, scores: Scores | None = None) -> Drift:
    """Compare customers now with those that the model was fitted on.

    Pass `scores` if they are at hand. Ageing alone moves customer maturity a little every month; that is drift too.
    """
    scores = score(model, observations) if scores is None else scores
    features = all_features(observations.counts, model.priors)
    mix, radius = {}, {}
    for axis in AXES:
        fitted = model.axes[axis.name]
        now = _mean_memberships(model, axis.name, scores)
        mix[axis.name] = 0.5 * sum(abs(share - fitted.sizes.get(name, 0.0)) for name, share in now.items())
        radius[axis.name] = 1.0
        rows = fit_rows(axis, observations)
        if fitted.names and rows.any() and fitted.clusters.radius > SMALLEST_RADIUS:
            points = fitted.scale.standardise(clustered_values(axis, features, rows))
            own = points - fitted.clusters.centres[nearest_centre(points, fitted.clusters.centres)]
            radius[axis.name] = float(np.sqrt((own**2).sum(axis=1).mean())) / fitted.clusters.radius
    return Drift(mix, radius, max(mix.values()) > DRIFT_OF_MIX or max(radius.values()) > DRIFT_OF_RADIUS)


def _measured(model: FittedModel, observations: Observations) -> tuple[FittedModel, Scores]:
    """The model with sizes and information of each axis, and the scores that show them."""
    scores = score(model, observations)
    starts = column_starts(model.segments)
    axes = {}
    for name, fitted in model.axes.items():
        own = scores.shares[:, starts[name] : starts[name] + len(model.segments[name])]
        axes[name] = replace(fitted, sizes=_mean_memberships(model, name, scores), information_bits=information(own))
    return replace(model, axes=axes), scores


def _mean_memberships(model: FittedModel, axis: str, scores: Scores) -> dict[str, float]:
    names = model.segments[axis]
    if len(scores) == 0:
        return dict.fromkeys(names, 0.0)
    start = column_starts(model.segments)[axis]
    means = scores.shares[:, start : start + len(names)].mean(axis=0, dtype=np.float64)
    return dict(zip(names, means.tolist(), strict=True))
