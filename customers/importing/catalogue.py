"""Products as an import meets them: each distinct description gets a number, so a line carries eight bytes, not five texts."""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from customers.importing.facts import Arrays, Column

SEPARATOR = "\x1f"
PRODUCT_COLUMNS = (
    Column("product_id", "text", 64),
    Column("sku", "text", 120),
    Column("title", "text", 255),
    Column("vendor", "text", 120),
    Column("category", "text", 120),
)
STAGED_PRODUCT_COLUMNS = (
    Column("no", "integer"),
    Column("fingerprint", "bytes"),
    Column("identity", "text"),
    *PRODUCT_COLUMNS,
)
REMEMBERED = 200_000
"""Descriptions held at once (about 60 MB). A shop with more meets some of them under a second number, which is harmless."""


def fingerprint(product_id: str, sku: str, title: str, vendor: str, category: str) -> bytes:
    """What makes two descriptions of a product the same row: 16 bytes over all five texts."""
    return hashlib.blake2b(SEPARATOR.join((product_id, sku, title, vendor, category)).encode(), digest_size=16).digest()


class Catalogue:
    """Gives out the numbers and collects the descriptions that were not staged yet."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._hashes: dict[str, int] = {}
        self._new: list[tuple[Any, ...]] = []
        self._next = 1

    def number(self, columns: Arrays) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """The product number and the fingerprint's first eight bytes for each line of `columns` (the five texts, clipped)."""
        texts = [pc.fill_null(columns[column.name], "") for column in PRODUCT_COLUMNS]
        described = pc.binary_join_element_wise(*texts, SEPARATOR).dictionary_encode()
        if any(text.count(SEPARATOR) != len(texts) - 1 for text in described.dictionary.to_pylist()):
            texts = [pc.replace_substring(text, SEPARATOR, " ") for text in texts]
            described = pc.binary_join_element_wise(*texts, SEPARATOR).dictionary_encode()
        numbers, hashes = [], []
        for text in described.dictionary.to_pylist():
            if text not in self._numbers:
                self._meet(text)
            numbers.append(self._numbers[text])
            hashes.append(self._hashes[text])
        at = described.indices.to_numpy(zero_copy_only=False)
        answer = np.array(numbers, dtype=np.int64)[at], np.array(hashes, dtype=np.uint64)[at]
        if len(self._numbers) > REMEMBERED:
            self._numbers.clear()
            self._hashes.clear()
        return answer

    def take_new(self) -> Arrays | None:
        """The products to stage since the last call; None if there are none."""
        if not self._new:
            return None
        rows, self._new = self._new, []
        kinds = {"integer": pa.int64(), "bytes": pa.binary(), "text": pa.string()}
        return {
            column.name: pa.array(values, kinds[column.kind])
            for column, values in zip(STAGED_PRODUCT_COLUMNS, zip(*rows, strict=True), strict=True)
        }

    def _meet(self, text: str) -> None:
        product_id, sku, title, vendor, category = text.split(SEPARATOR)
        print_ = fingerprint(product_id, sku, title, vendor, category)
        self._numbers[text] = self._next
        self._hashes[text] = int.from_bytes(print_[:8], "little")
        title = title or sku or product_id or "(no title)"
        self._new.append((self._next, print_, product_id or sku or title, product_id, sku, title, vendor, category))
        self._next += 1
