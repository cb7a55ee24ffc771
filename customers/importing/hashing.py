"""Hashes of whole columns. They place rows in buckets and tell changed lines; nothing secret rests on them."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
LINE_BITS = 40
"""Sums of line hashes stay exact in 64 bits up to eight million lines an order."""


def hash_text(texts: Any) -> NDArray[np.uint64]:
    """A hash for each text of an Arrow string array (NULL counts as empty): a polynomial over its bytes, then mixed."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if len(texts) == 0:
        return np.zeros(0, dtype=np.uint64)
    _, offsets, data = texts.cast(pa.string()).buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    if data is None or ends[-1] == ends[0]:
        return mix(np.zeros(len(texts), dtype=np.uint64))
    letters = np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]].astype(np.uint64)
    ends -= ends[0]
    lengths = np.diff(ends)
    powers = np.cumprod(np.full(int(lengths.max()) + 1, _STEP, dtype=np.uint64))
    place = np.repeat(ends[1:], lengths) - np.arange(len(letters)) - 1
    with np.errstate(over="ignore"):
        sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(letters * powers[place])])
        return mix(sums[ends[1:]] - sums[ends[:-1]])


def hash_lines(product: NDArray[np.uint64], *numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """A hash of `LINE_BITS` bits for each order line: its product's fingerprint, quantity, price, discount."""
    value = product
    with np.errstate(over="ignore"):
        for column in numbers:
            value = mix(value * _STEP + column.astype(np.uint64))
    return (mix(value) >> np.uint64(64 - LINE_BITS)).astype(np.int64)


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over all (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * _FIRST
        values = (values ^ (values >> np.uint64(27))) * _SECOND
        return values ^ (values >> np.uint64(31))
