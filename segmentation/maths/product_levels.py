"""Is a product for professionals or starters, premium or basic? Words tell first, else its price within its category.

What is learnt here (does the shop have categories, where do prices part, is enough known to speak of levels) is frozen with the
model, so that one customer's three lines are judged as they were within three million.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.maths.history import Columns, History

UNKNOWN, LOW, MIDDLE, HIGH = -1, 0, 1, 2

# A shop "has" categories, or levels, if at least this share of its lines has them; a few stray words are no level system.
ENOUGH_CATEGORISED = 0.5
ENOUGH_LEVELLED = 0.1
# Fewer lines than this do not show where a category's prices part.
LINES_FOR_TERCILES = 30

_PROFESSIONAL = re.compile(r"\b(pro|professional|professionals|advanced|expert|experts|industrial|studio grade|artist grade)\b")
_STARTER = re.compile(r"\b(starter|starters|beginner|beginners|introduction|introductory|learn to|first steps|student grade)\b")
_PREMIUM = re.compile(r"\b(premium|deluxe|luxury|luxurious|superior|finest|heirloom|limited edition|handcrafted)\b")
_BASIC = re.compile(r"\b(basic|basics|budget|economy|value pack|essential|essentials|everyday|saver)\b")


@dataclass(frozen=True)
class ProductLevels:
    """What a model knows about the shop's products.

    `has_categories`: False if the product itself stands in for its category. `knowledge` and `value`: whether enough products
    have a level to speak of one. `price_cuts`: category -> the prices that part its sales into thirds.
    """

    has_categories: bool = False
    knowledge: bool = False
    value: bool = False
    price_cuts: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON, without loss."""
        cuts = {category: list(pair) for category, pair in self.price_cuts.items()}
        return {"has_categories": self.has_categories, "knowledge": self.knowledge, "value": self.value, "price_cuts": cuts}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ProductLevels:
        """The inverse of `to_json`."""
        cuts = {category: (float(low), float(high)) for category, (low, high) in stored["price_cuts"].items()}
        return cls(bool(stored["has_categories"]), bool(stored["knowledge"]), bool(stored["value"]), cuts)


def learn_levels(history: History) -> ProductLevels:
    """Learn the levels from what was sold. One sort of the lines, about 0.3 s for three million."""
    lines = history.lines
    if len(lines) == 0:
        return ProductLevels()
    codes, categories = category_codes(history.products)
    line_category = codes[np.asarray(lines["product"])]
    has_categories = bool((line_category >= 0).mean() >= ENOUGH_CATEGORISED)
    cuts = _price_cuts(line_category, _prices(lines), categories) if has_categories else {}
    levels = ProductLevels(has_categories, knowledge=True, value=True, price_cuts=cuts)
    knowledge, value = line_levels(history, levels)
    return ProductLevels(
        has_categories,
        knowledge=bool((knowledge != UNKNOWN).mean() >= ENOUGH_LEVELLED),
        value=bool((value != UNKNOWN).mean() >= ENOUGH_LEVELLED),
        price_cuts=cuts,
    )


def line_levels(history: History, levels: ProductLevels) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """The level of each line: of knowledge (starter to professional) and of value (basic to premium).

    Returns
    -------
    two int8 arrays of shape (n_lines,)
        `LOW`, `MIDDLE`, `HIGH` or `UNKNOWN`. Words in the title or the category go before the price.
    """
    lines, products = history.lines, history.products
    product = np.asarray(lines["product"])
    by_price = np.full(len(lines), UNKNOWN, dtype=np.int8)
    if levels.price_cuts and len(lines):
        codes, categories = category_codes(products)
        cuts = np.array([levels.price_cuts.get(name, (np.nan, np.nan)) for name in categories] + [(np.nan, np.nan)])
        low, high = cuts[codes[product]].T  # code -1 takes the last row, which is unknown
        price = _prices(lines)
        judged = np.isfinite(low) & np.isfinite(price)
        by_price[judged] = MIDDLE
        by_price[judged & (price <= low)] = LOW
        by_price[judged & (price >= high)] = HIGH

    titles, names = products["title"].tolist(), products["category"].tolist()
    texts = [f"{title} {category}".lower() for title, category in zip(titles, names, strict=True)]
    found = []
    for wanted, high_words, low_words in ((levels.knowledge, _PROFESSIONAL, _STARTER), (levels.value, _PREMIUM, _BASIC)):
        if not wanted:
            found.append(np.full(len(lines), UNKNOWN, dtype=np.int8))
            continue
        by_words = np.array([_level_in_words(text, high_words, low_words) for text in texts], dtype=np.int8)
        said = by_words[product]
        found.append(np.where(said == UNKNOWN, by_price, said))
    return found[0], found[1]


def category_codes(products: Columns) -> tuple[NDArray[np.int64], list[str]]:
    """Each product's category as a position in the returned list of names, -1 for none."""
    numbers: dict[str, int] = {"": -1}
    codes = [numbers.setdefault(str(name).strip(), len(numbers) - 1) for name in products["category"].tolist()]
    return np.array(codes, dtype=np.int64), list(numbers)[1:]


def identity_codes(products: Columns) -> tuple[NDArray[np.int64], int]:
    """Each product row's identity as a number, and how many there are; rows with one identity are one product."""
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(str(identity), len(numbers)) for identity in products["identity"].tolist()]
    return np.array(codes, dtype=np.int64), len(numbers)


def _level_in_words(text: str, high_words: re.Pattern[str], low_words: re.Pattern[str]) -> int:
    high, low = bool(high_words.search(text)), bool(low_words.search(text))
    if high and low:  # "starter kit, professional quality"
        return MIDDLE
    return HIGH if high else LOW if low else UNKNOWN


def _prices(lines: Columns) -> NDArray[np.float64]:
    """Unit prices; NaN where there is none to speak of."""
    price = np.asarray(lines["unit_price"], dtype=np.float64)
    return np.where(np.isfinite(price) & (price > 0) & (price < 1e9), price, np.nan)


def _price_cuts(
    line_category: NDArray[np.int64], price: NDArray[np.float64], categories: list[str]
) -> dict[str, tuple[float, float]]:
    """The prices that part each category's lines into thirds; a category with one price for most has none."""
    known = (line_category >= 0) & np.isfinite(price)
    cents = np.round(price[known] * 100).astype(np.int64)
    keys = np.sort((line_category[known] << 40) | cents)
    ends = np.searchsorted(keys, (np.arange(len(categories) + 1, dtype=np.int64)) << 40)
    cuts: dict[str, tuple[float, float]] = {}
    for position, name in enumerate(categories):
        sold = keys[ends[position] : ends[position + 1]] & ((1 << 40) - 1)
        if len(sold) < LINES_FOR_TERCILES:
            continue
        low, high = int(sold[len(sold) // 3]), int(sold[(2 * len(sold)) // 3])
        if low < high:
            cuts[name] = (low / 100, high / 100)
    return cuts
