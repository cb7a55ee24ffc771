"""Whether today's customers still look like those that the model learned from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictions.maths.churn_features import Rhythm

LITTLE, MUCH = 0.1, 0.25
"""A population stability index below the first is little, from the second on much: the customary bounds."""
_PARTS = 10
_LEAST_SHARE = 1e-4


@dataclass(frozen=True, eq=False)
class Inputs:
    """How the inputs of a model were spread on the day of its fit: by input the edges between tenths, and their shares."""

    edges: Mapping[str, tuple[float, ...]]
    shares: Mapping[str, tuple[float, ...]]

    @classmethod
    def of(cls, known: Rhythm) -> "Inputs":
        """From everybody who had bought by that day."""
        edges, shares = {}, {}
        for name, values in _inputs(known).items():
            inner = np.unique(np.quantile(values, np.linspace(0, 1, _PARTS + 1)[1:-1]))
            edges[name] = tuple(inner.tolist())
            shares[name] = tuple(_shares(values, inner).tolist())
        return cls(edges, shares)

    def drift(self, known: Rhythm) -> dict[str, float]:
        """The population stability index of each input: 0 if nothing moved.

        Sum over parts of ``(share now - share then) * log(share now / share then)``; Siddiqi 2006, "Credit risk scorecards".
        """
        moved = {}
        for name, values in _inputs(known).items():
            then = np.maximum(self.shares[name], _LEAST_SHARE)
            now = np.maximum(_shares(values, np.array(self.edges[name])), _LEAST_SHARE)
            moved[name] = float(np.sum((now - then) * np.log(now / then)))
        return moved

    def to_json(self) -> dict[str, Any]:
        """Edges and shares by input."""
        return {name: [list(self.edges[name]), list(self.shares[name])] for name in self.edges}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Inputs":
        """The inverse of `to_json`."""
        return cls(
            {name: tuple(edges) for name, (edges, _) in stored.items()},
            {name: tuple(shares) for name, (_, shares) in stored.items()},
        )


def _inputs(known: Rhythm) -> dict[str, NDArray[np.float64]]:
    return {
        "recency_days": known.recency_days,
        "usual_gap_days": known.gap_days,
        "repeats": known.repeats,
        "average_value": known.mean_value,
    }


def _shares(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    return counts / max(1, len(values))
