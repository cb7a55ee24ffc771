"""How people differ: a kind of maker first, then everything else with odds that depend on the kind.

So the traits hang together as they do in a real shop (studios buy in bulk, at the pro level, on weekdays; bargain collectors
wait for sale days), yet every combination occurs. Nothing of this is stored: Quimbi has to find it again.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from quimbi.demo.catalogue import CRAFT_WEIGHTS, CRAFTS, THREAD

STEADY, MILD_SEASONS, STRONG_SEASONS, DECEMBER = range(4)
FULL_PRICE, VALUE, DEALS = range(3)
ANY_DAY, WEEKEND, PAYDAY, ROUTINE = range(4)
BEGINNER, HOBBYIST, PROFESSIONAL = range(3)
THRIFTY, EASY, FINE = range(3)
KEEPS, SOMETIMES_RETURNS, RETURNER = range(3)
EXPLORER, MIXED, SAME_AGAIN = range(3)
SINGLE, BASKET, BULK = range(3)
STABLE, GROWING, DECLINING = range(3)
SELF_SERVICE, EMAIL, CHAT, PHONE, HELP_CENTER, SMS, SOCIAL = range(7)


@dataclass(frozen=True)
class Kind:
    """A kind of maker: its share of the buyers, its rhythm, and the odds of each trait in the order of the names above."""

    name: str
    share: float
    gap_days: float  # middle gap between orders
    regularity: float  # shape of the gaps: 1 is by chance, 12 nearly a clock
    seasons: int
    lapses_a_year: float
    price: tuple[float, ...]
    timing: tuple[float, ...]
    knowledge: tuple[float, ...]
    taste: tuple[float, ...]
    returns: tuple[float, ...]
    loyalty: tuple[float, ...]
    basket: tuple[float, ...]
    trend: tuple[float, ...]
    craft: tuple[float, ...]


KINDS = (
    Kind("weekly circle", 0.05, 8, 5, STEADY, 0.22, (5, 4, 1), (1, 4, 1, 4), (1, 7, 2), (1, 5, 4), (8, 2, 0.3), (3, 4, 3),
         (3, 6, 1), (6, 3, 1), (5, 3, 2, 1)),
    Kind("monthly maker", 0.155, 32, 5, MILD_SEASONS, 0.35, (4, 5, 1), (2, 3, 4, 2), (2, 7, 1), (2, 6, 2), (6, 3, 0.5),
         (3, 4, 3), (2, 7, 1), (5, 3, 2), (4, 4, 3, 1)),
    Kind("weekend project maker", 0.15, 48, 1.6, MILD_SEASONS, 0.45, (5, 4, 2), (1, 8, 1, 0.3), (3, 6, 1), (2, 6, 3),
         (6, 3, 1), (4, 5, 1), (2, 7, 1), (5, 3, 3), (5, 2, 3, 1)),
    Kind("seasonal maker", 0.20, 90, 1.1, STRONG_SEASONS, 0.4, (4, 5, 2), (5, 3, 2, 0.3), (3, 6, 1), (3, 6, 2), (6, 3, 1),
         (4, 5, 1), (3, 6, 1), (5, 2, 3), (3, 5, 3, 1)),
    Kind("gift giver", 0.125, 365, 14, DECEMBER, 0.3, (5, 4, 2), (7, 2, 2, 0.1), (6, 4, 0.2), (3, 5, 3), (5, 3, 2), (6, 3, 1),
         (5, 5, 0.5), (8, 1, 1), (2, 5, 4, 1)),
    Kind("curious newcomer", 0.21, 150, 1, MILD_SEASONS, 3.2, (3, 6, 2), (6, 3, 2, 0.1), (8, 2, 0.1), (4, 5, 1), (5, 3, 3),
         (6, 4, 0.5), (6, 4, 0.2), (4, 1, 5), (3, 4, 4, 1)),
    Kind("studio", 0.035, 21, 3, STEADY, 0.16, (6, 4, 0.5), (2, 0.3, 2, 6), (0.1, 2, 8), (1, 4, 5), (7, 3, 0.2), (2, 3, 6),
         (1, 3, 8), (6, 3, 1), (4, 2, 4, 2)),
    Kind("bargain collector", 0.075, 40, 1.3, MILD_SEASONS, 0.4, (0.1, 1, 9), (5, 3, 3, 0.2), (3, 6, 1), (8, 3, 0.3),
         (5, 3, 3), (6, 4, 1), (2, 7, 3), (5, 2, 3), (5, 4, 3, 0.5)),
)  # fmt: skip
# What people do when they need help: by knowledge, in the order self-service … social.
_HELP = ((30, 22, 22, 8, 12, 3, 5), (46, 26, 12, 7, 5, 2, 2), (44, 20, 4, 26, 5, 0.5, 0.5))


@dataclass
class Temperaments:
    """One entry a buyer, all of shape (n_buyers,); numbers name the constants above, `favourite` a category."""

    kind: NDArray[np.int64]
    gap_days: NDArray[np.float64]
    regularity: NDArray[np.float64]
    seasons: NDArray[np.int64]
    lapses_a_year: NDArray[np.float64]
    price: NDArray[np.int64]
    timing: NDArray[np.int64]
    weekday: NDArray[np.int64]
    knowledge: NDArray[np.int64]
    taste: NDArray[np.int64]
    returns: NDArray[np.int64]
    loyalty: NDArray[np.int64]
    basket: NDArray[np.int64]
    trend: NDArray[np.int64]
    craft: NDArray[np.int64]
    favourite: NDArray[np.int64]
    help: NDArray[np.int64]
    trouble: NDArray[np.float64]  # how readily this person writes to the shop, 1 in the middle
    hardship: NDArray[np.float64]  # how hard this person's questions are, 0 to 1

    def __len__(self) -> int:
        return len(self.kind)

    def of(self, rows: NDArray[np.int64]) -> "Temperaments":
        """The temperaments of `rows`, one for each."""
        return Temperaments(**{part.name: getattr(self, part.name)[rows] for part in fields(self)})


def draw(buyers: int, dice: np.random.Generator) -> Temperaments:
    """Invent the temperaments of `buyers` people. One pass; about 1 µs a person."""
    kind = pick(np.array([[k.share for k in KINDS]]), np.zeros(buyers, np.int64), dice)

    def trait(name: str) -> NDArray[np.int64]:
        return pick(np.array([getattr(k, name) for k in KINDS], dtype=float), kind, dice)

    gap = np.array([k.gap_days for k in KINDS])[kind] * dice.lognormal(0, 0.3, buyers)
    knowledge, craft, loyalty = trait("knowledge"), trait("craft"), trait("loyalty")
    favourite = pick(CRAFT_WEIGHTS[: len(CRAFTS)], craft, dice)
    threads = (loyalty == SAME_AGAIN) & (dice.random(buyers) < 0.55)  # the classic re-buy: always the same thread
    favourite[threads] = np.array(THREAD)[dice.integers(0, len(THREAD), buyers)][threads]
    return Temperaments(
        kind=kind,
        gap_days=np.maximum(gap, 4.0),
        regularity=np.array([k.regularity for k in KINDS])[kind] * dice.uniform(0.6, 1.4, buyers),
        seasons=np.array([k.seasons for k in KINDS])[kind],
        lapses_a_year=np.array([k.lapses_a_year for k in KINDS])[kind] * dice.gamma(2.0, 0.5, buyers),
        price=trait("price"),
        timing=trait("timing"),
        weekday=dice.integers(0, 5, buyers),
        knowledge=knowledge,
        taste=trait("taste"),
        returns=trait("returns"),
        loyalty=loyalty,
        basket=trait("basket"),
        trend=trait("trend"),
        craft=craft,
        favourite=favourite,
        help=pick(np.array(_HELP, dtype=float), knowledge, dice),
        trouble=dice.gamma(0.9, 1 / 0.9, buyers),
        hardship=dice.beta(1.4, 2.6, buyers) * np.array([0.8, 0.9, 1.3])[knowledge],
    )


def pick(odds: NDArray[np.float64], row: NDArray[np.int64], dice: np.random.Generator) -> NDArray[np.int64]:
    """For each entry of `row`, a column of that row of `odds`, drawn in proportion to the odds there.

    Parameters
    ----------
    odds : array of shape (n_rows, n_columns)
        Not negative, any sum above zero.
    row : array of shape (n,)
        Which row of `odds` holds for each draw.

    Returns
    -------
    array of shape (n,)
        Columns from 0 to n_columns - 1.
    """
    upto = np.cumsum(odds, axis=1)
    upto = upto / upto[:, -1:]
    upto += np.arange(len(odds))[:, None]  # row r fills the interval from r to r + 1, so that one search serves all rows
    found = np.searchsorted(upto.ravel(), row + dice.random(len(row)), side="right")
    return np.asarray(np.minimum(found - row * odds.shape[1], odds.shape[1] - 1))
