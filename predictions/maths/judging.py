"""How good probabilities were, once it is known what happened."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictions.maths.lapse import LEVELS, level_places

BINS = 10
_LEAST = 1e-6


def log_loss(probability: NDArray[np.float64], happened: NDArray[np.bool_]) -> float:
    """Mean surprise: 0 for a seer; a coin's is 0.693. NaN for nobody."""
    p = np.clip(probability, _LEAST, 1 - _LEAST)
    return float(-np.mean(np.where(happened, np.log(p), np.log1p(-p)))) if len(p) else float("nan")


def calibration(probability: NDArray[np.float64], happened: NDArray[np.bool_]) -> list[tuple[float, float, int]]:
    """Mean prediction, observed share and size of each of ten equal-width bins that holds anybody."""
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    sizes = np.bincount(bins, minlength=BINS)
    predicted = np.bincount(bins, weights=probability, minlength=BINS)
    observed = np.bincount(bins, weights=happened.astype(float), minlength=BINS)
    return [(float(predicted[b] / sizes[b]), float(observed[b] / sizes[b]), int(sizes[b])) for b in np.flatnonzero(sizes)]


def expected_calibration_error(probability: NDArray[np.float64], happened: NDArray[np.bool_]) -> float:
    """The mean distance between predicted and observed over those bins, weighted by size. NaN for nobody."""
    bins = calibration(probability, happened)
    total = sum(size for _, _, size in bins)
    return sum(abs(p - o) * size for p, o, size in bins) / total if total else float("nan")


def area_under_curve(score: NDArray[np.float64], happened: NDArray[np.bool_]) -> float:
    """The chance that one to whom it happened has the higher score, ties counting half. NaN if all are alike."""
    positives = int(happened.sum())
    negatives = len(happened) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[place][happened].sum() - positives * (positives + 1) / 2) / (positives * negatives))


@dataclass(frozen=True)
class Outcome:
    """Probabilities of one question against what happened, in sums, so that several days and horizons add up.

    By bin of ten: `predicted` the sum of probabilities, `happened` and `sizes` customers. By level, in the order of
    `lapse.LEVELS`: `level_sizes` and `level_happened`. `loss` is the sum of log losses.
    """

    predicted: tuple[float, ...] = (0.0,) * BINS
    happened: tuple[int, ...] = (0,) * BINS
    sizes: tuple[int, ...] = (0,) * BINS
    level_sizes: tuple[int, ...] = (0,) * len(LEVELS)
    level_happened: tuple[int, ...] = (0,) * len(LEVELS)
    loss: float = 0.0

    @classmethod
    def of(cls, probability: NDArray[np.float64], happened: NDArray[np.bool_]) -> "Outcome":
        """From one probability and one outcome a customer."""
        if not len(probability):
            return cls()
        bins = np.minimum((probability * BINS).astype(int), BINS - 1)
        levels = level_places(probability)
        return cls(
            predicted=tuple(np.bincount(bins, weights=probability, minlength=BINS).tolist()),
            happened=tuple(np.bincount(bins[happened], minlength=BINS).tolist()),
            sizes=tuple(np.bincount(bins, minlength=BINS).tolist()),
            level_sizes=tuple(np.bincount(levels, minlength=len(LEVELS)).tolist()),
            level_happened=tuple(np.bincount(levels[happened], minlength=len(LEVELS)).tolist()),
            loss=log_loss(probability, happened) * len(probability),
        )

    def __add__(self, other: "Outcome") -> "Outcome":
        """Both together."""
        return Outcome(
            predicted=tuple(map(sum, zip(self.predicted, other.predicted, strict=True))),
            happened=tuple(map(sum, zip(self.happened, other.happened, strict=True))),
            sizes=tuple(map(sum, zip(self.sizes, other.sizes, strict=True))),
            level_sizes=tuple(map(sum, zip(self.level_sizes, other.level_sizes, strict=True))),
            level_happened=tuple(map(sum, zip(self.level_happened, other.level_happened, strict=True))),
            loss=self.loss + other.loss,
        )

    @property
    def customers(self) -> int:
        """How many probabilities were judged."""
        return sum(self.sizes)

    @property
    def base_rate(self) -> float:
        """The share to whom it happened; NaN for nobody."""
        return sum(self.happened) / self.customers if self.customers else float("nan")

    @property
    def log_loss(self) -> float:
        """Mean surprise; NaN for nobody."""
        return self.loss / self.customers if self.customers else float("nan")

    @property
    def curve(self) -> tuple[tuple[float, float, int], ...]:
        """Mean prediction, observed share and size of each bin that holds anybody."""
        rows = zip(self.predicted, self.happened, self.sizes, strict=True)
        return tuple((said / size, came / size, size) for said, came, size in rows if size)

    @property
    def calibration_error(self) -> float:
        """The mean distance between predicted and observed over the bins, weighted by size; NaN for nobody."""
        if not self.customers:
            return float("nan")
        return sum(abs(said - came) for said, came in zip(self.predicted, self.happened, strict=True)) / self.customers

    def at(self, level: str) -> tuple[int, int]:
        """How many were at a level, and to how many of them it happened."""
        place = [name for name, _ in LEVELS].index(level)
        return self.level_sizes[place], self.level_happened[place]

    def to_json(self) -> dict[str, Any]:
        """The sums by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Outcome":
        """The inverse of `to_json`."""
        sums: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
        return cls(**sums)
