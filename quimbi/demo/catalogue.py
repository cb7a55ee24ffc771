"""What Heddle & Hem sells: about a thousand products in fifteen categories, each with a ladder of prices.

The catalogue is the same for every seed. Products stand sorted by category and level, so that a cell of that grid is a range.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

LEVELS = ("Starter", "Basic", "", "Pro", "Premium")  # the word in the title; plain in the middle
STARTER, BASIC, PLAIN, PRO, PREMIUM = range(5)
_PRICE_OF_LEVEL = (0.75, 0.6, 1.0, 1.65, 2.6)

_COLOURS = ("Moss", "Rust", "Indigo", "Oat", "Plum", "Slate", "Marigold", "Sea Glass", "Cranberry", "Pine", "Chalk", "Dusk")
_SIZES = ("Small", "Medium", "Large", "Extra Large", "Travel", "Set of 2", "Set of 4", "Set of 6")
_BEDS = ("Cradle", "Lap", "Twin", "Full", "Queen", "King")
_GAUGES = ("2.5 mm", "3 mm", "3.5 mm", "4 mm", "5 mm", "6 mm", "8 mm", "Set of 5")
_WIDTHS = ("10 in", "16 in", "24 in", "32 in", "Folding")
_MOTIFS = ("Log Cabin", "Bear Paw", "Wild Geese", "Harbour", "Orchard", "Snowdrift", "Wheel", "Meadow", "Lantern", "Tumbler")


@dataclass(frozen=True)
class Category:
    """A shelf: its name, the crafts that need it, the middle price in dollars, who makes it, what lies on it."""

    name: str
    price: float
    vendors: tuple[str, ...]
    nouns: tuple[str, ...]
    variants: tuple[str, ...]


CATEGORIES = (
    Category("Yarn", 12.5, ("Larkfen Mill", "Brindlewold"), ("Merino DK", "Worsted Wool", "Sock Yarn"), _COLOURS),
    Category("Roving & Fleece", 16.0, ("Larkfen Mill", "Oxbow Teasel"), ("Combed Top", "Corriedale Roving"), _COLOURS),
    Category("Weaving Yarn", 14.0, ("Brindlewold", "Heddle & Hem"), ("8/2 Cotton Cone", "Linen Warp", "Rug Wool"), _COLOURS),
    Category("Quilting Cotton", 11.0, ("Fennimar Cloth", "Quarrow Prints"), ("Solid Cotton", "Calico", "Batik Yard"), _COLOURS),
    Category("Precuts", 24.0, ("Fennimar Cloth", "Quarrow Prints"), ("Charm Pack", "Strip Roll", "Layer Squares"), _MOTIFS),
    Category("Batting", 29.0, ("Cloudcroft",), ("Cotton Batting", "Wool Batting", "Bamboo Batting"), _BEDS),
    Category("Sewing Thread", 4.5, ("Tarnwick Thread", "Spindlebay"), ("All-Purpose Thread", "Cotton Thread"), _COLOURS),
    Category(
        "Quilting Thread", 8.5, ("Tarnwick Thread", "Spindlebay"), ("Cotton Quilting Thread", "Variegated Thread"), _COLOURS
    ),
    Category("Embroidery Floss", 3.2, ("Spindlebay", "Pennywhin"), ("Stranded Floss", "Pearl Cotton", "Wool Crewel"), _COLOURS),
    Category("Quilt Patterns", 13.0, ("Heddle & Hem", "Quarrow Prints"), ("Quilt Pattern", "Block-of-the-Month"), _MOTIFS),
    Category("Knitting Patterns", 9.0, ("Heddle & Hem",), ("Shawl Pattern", "Sock Pattern", "Cardigan Pattern"), _MOTIFS),
    Category("Cutting Tools", 22.0, ("Marlstone Tools",), ("Rotary Cutter", "Cutting Mat", "Acrylic Ruler"), _SIZES),
    Category("Needles & Hooks", 10.5, ("Pennywhin",), ("Circular Needles", "Crochet Hook", "Sock Needles"), _GAUGES),
    Category("Notions", 6.5, ("Heddle & Hem", "Pennywhin"), ("Binding Clips", "Stitch Markers", "Pin Cushion"), _SIZES),
    Category("Looms & Wheels", 118.0, ("Oxbow Teasel",), ("Rigid Heddle Loom", "Inkle Loom", "Table Loom"), _WIDTHS),
)
THREAD = tuple(i for i, category in enumerate(CATEGORIES) if "Thread" in category.name)

# How much of each craft's shopping goes to each category, in the order above. The last row is everybody's impulse buys.
CRAFTS = ("quilting", "knitting and spinning", "sewing and embroidery", "weaving")
CRAFT_WEIGHTS = np.array(
    [
        [0, 0, 0, 34, 15, 7, 5, 16, 1, 9, 0, 8, 1, 4, 0],
        [42, 16, 2, 0, 0, 0, 1, 0, 1, 0, 16, 1, 14, 6, 1],
        [2, 0, 0, 15, 2, 1, 27, 4, 26, 2, 0, 6, 6, 9, 0],
        [10, 8, 48, 0, 0, 0, 5, 0, 2, 0, 4, 2, 5, 8, 8],
        [10, 3, 4, 12, 7, 3, 11, 6, 10, 6, 5, 6, 7, 9, 1],
    ],
    dtype=float,
)


@dataclass(frozen=True)
class Catalogue:
    """The products as arrays of shape (n_products,), and the range of each cell of categories × levels.

    `cents` has one row a year of the shop: prices rise a little each January. `described` is what an order line copies
    of a product: product_id, sku, title, vendor, category.
    """

    described: tuple[tuple[str, str, str, str, str], ...]
    category: NDArray[np.int64]
    level: NDArray[np.int64]
    cents: NDArray[np.int64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles alone."""
        return tuple(title for _, _, title, _, _ in self.described)


@cache
def catalogue(years: int) -> Catalogue:
    """The catalogue with prices for `years` years, the last of them at today's prices."""
    described: list[tuple[str, str, str, str, str]] = []
    category_of: list[int] = []
    level_of: list[int] = []
    dollars: list[float] = []
    first = np.zeros((len(CATEGORIES), len(LEVELS)), np.int64)
    count = np.zeros_like(first)
    for c, category in enumerate(CATEGORIES):
        for level, word in enumerate(LEVELS):
            first[c, level] = len(described)
            for n, (noun, variant) in enumerate((noun, variant) for noun in category.nouns for variant in category.variants):
                if level != PLAIN and (n + level) % 2:
                    continue  # the full range comes plain; every second variant also at the other levels
                number = len(described)
                initials = "".join(part[0] for part in category.name.split() if part[0].isalpha())
                title = " ".join(f"{variant} {noun}".split()) if not word else f"{word} {noun}, {variant}"
                vendor = category.vendors[(n + level) % len(category.vendors)]
                described.append(
                    (str(810_000_000_000 + 37 * number), f"{initials}{level}-{number:04d}", title, vendor, category.name)
                )
                category_of.append(c)
                level_of.append(level)
                dollars.append(category.price * _PRICE_OF_LEVEL[level] * (0.82 + 0.09 * (n % 5)))
            count[c, level] = len(described) - first[c, level]
    risen = np.array(dollars) * 0.965 ** np.arange(years)[::-1, None]
    cents = (np.maximum(np.round(risen * 2) * 50, 100) - 5).astype(np.int64)  # 8.45, 12.95, …
    return Catalogue(tuple(described), np.array(category_of), np.array(level_of), cents, first, count)
