"""Tiers of historic value among buyers: the top 5 %, the next 15, the middle 60, the bottom 20."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TIERS = ("vip", "high", "standard", "low")
_ABOVE = (0.95, 0.80, 0.20)


def edges(values: NDArray[np.float64]) -> tuple[float, ...]:
    """The lowest value of vip, high and standard; infinite for nobody."""
    return tuple(float(np.quantile(values, share)) for share in _ABOVE) if len(values) else (np.inf,) * len(_ABOVE)


def tier_of(values: NDArray[np.float64], lowest: Sequence[float]) -> NDArray[np.int8]:
    """Places in `TIERS`; a value on an edge belongs to the tier above. Shape as `values`."""
    tiers: NDArray[np.int8] = np.sum([values < edge for edge in lowest], axis=0).astype(np.int8)
    return tiers
