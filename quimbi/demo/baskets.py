"""What people buy: lines, prices, codes and sale days, then what becomes of the order (refunds, cancellations, tests).

Works on a block of orders at a time and only with arrays; `shop` turns them into rows. Money is whole cents here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quimbi.demo import temperaments as t
from quimbi.demo.almanac import Almanac
from quimbi.demo.catalogue import CRAFT_WEIGHTS, LEVELS, Catalogue
from quimbi.demo.rhythms import Timeline

CODES = ("", "WELCOME10", "STITCH10", "THREAD15", "GUILD20", "BASKET30", "GIFTCARD")
_RATES = np.array([0, 10, 10, 15, 20, 30, 100])  # per cent
_SALE_RATE = 25
WELCOME, GIFT = 1, 6
_CODE_ODDS = np.array([[0, 0, 6, 2, 1, 0, 0], [0, 0, 5, 4, 2, 0, 0], [0, 0, 1, 2, 5, 4, 0]], dtype=float)
_CODE_CHANCE = np.array([0.008, 0.24, 0.74])
_WELCOME_CHANCE = np.array([0.03, 0.3, 0.5])
_SALE_CHANCE = np.array([0.06, 0.55, 0.97])

# Odds of each level by knowledge (rows) times odds by taste, both in the order of catalogue.LEVELS.
_LEVEL_BY_KNOWLEDGE = np.array([[9, 3, 5, 0.2, 0.7], [1.2, 2.5, 7, 1.6, 1.8], [0.1, 0.6, 4, 9, 2.5]])
_LEVEL_BY_TASTE = np.array([[1.4, 4, 1, 0.5, 0.1], [1, 1, 1, 1, 0.8], [0.6, 0.15, 0.9, 1.5, 5]])
_MORE_LINES = np.array([0.25, 1.75, 2.7])  # lines beyond the first, by basket
_AGAIN = np.array([0.03, 0.2, 0.68])  # a line that is one of the buyer's own three products, by loyalty
_STRAY = np.array([0.3, 0.1, 0.04])  # a line from anywhere in the shop, by loyalty
_FOCUS = np.array([0.15, 0.4, 0.7])  # a line from the favourite category, by loyalty
_REFUND = np.array([0.004, 0.075, 0.33])  # by returns

PAID, PARTLY_REFUNDED, REFUNDED, CANCELLED, PENDING = range(5)
FINANCIAL_STATUS = ("paid", "partially_refunded", "refunded", "voided", "pending")


@dataclass(frozen=True)
class Baskets:
    """A block of orders and their lines.

    Arrays by order, in the order of the timeline: `total`, `discounts`, `refunded` (cents), `code` (into CODES), `status`,
    `is_test`, `is_foreign` (paid in the currency of the buyer's country), `ended_at` (seconds UTC of the cancellation or the
    refund, else 0), `first_line`, `line_count`. Arrays by line: `order`, `product`, `quantity`, `price`, `discount` (cents).
    """

    total: NDArray[np.int64]
    discounts: NDArray[np.int64]
    refunded: NDArray[np.int64]
    code: NDArray[np.int64]
    status: NDArray[np.int64]
    is_test: NDArray[np.bool_]
    is_foreign: NDArray[np.bool_]
    ended_at: NDArray[np.int64]
    first_line: NDArray[np.int64]
    line_count: NDArray[np.int64]
    order: NDArray[np.int64]
    product: NDArray[np.int64]
    quantity: NDArray[np.int64]
    price: NDArray[np.int64]
    discount: NDArray[np.int64]


@dataclass(frozen=True)
class Tastes:
    """What is fixed for a buyer: the row of the level odds, shape (n_buyers,), and three own products, shape (n_buyers, 3)."""

    level_row: NDArray[np.int64]
    own_products: NDArray[np.int64]


def tastes(people: t.Temperaments, goods: Catalogue, dice: np.random.Generator) -> Tastes:
    """Draw the tastes of all buyers."""
    level_row = people.knowledge * len(_LEVEL_BY_TASTE) + people.taste
    own = [_product(people.favourite, t.pick(_LEVEL_ODDS, level_row, dice), goods, dice) for _ in range(3)]
    return Tastes(level_row, np.stack(own, axis=1))


_LEVEL_ODDS = (_LEVEL_BY_KNOWLEDGE[:, None, :] * _LEVEL_BY_TASTE[None, :, :]).reshape(-1, len(LEVELS))


def fill(
    orders: Timeline,
    people: t.Temperaments,
    taste: Tastes,
    *,
    is_abroad: NDArray[np.bool_],
    fails: NDArray[np.bool_],
    goods: Catalogue,
    almanac: Almanac,
    dice: np.random.Generator,
) -> Baskets:
    """Fill the baskets of a block of orders (whole buyers).

    `is_abroad` says which buyers may pay in their own currency, `fails` whose orders are all cancelled. The first order of
    anybody else counts: it is paid, in the shop's currency, and never refunded in full. Cost: about 4 µs an order.
    """
    n = len(orders)
    is_first = np.diff(orders.buyer, prepend=-1) != 0
    traits = people.of(orders.buyer)
    order, product, quantity = _lines(orders, traits, taste, goods, dice)
    price = goods.cents[almanac.year(orders.day)[order], product]
    code, on_sale = _offers(traits, is_first, almanac.is_sale[orders.day], dice)
    rate = np.maximum(_RATES[code][order], np.where(on_sale[order] & (dice.random(len(order)) < 0.9), _SALE_RATE, 0))
    discount = (quantity * price * rate + 50) // 100
    line_count = np.bincount(order, minlength=n)
    first_line = np.cumsum(line_count) - line_count
    discounts = np.add.reduceat(discount, first_line) if n else discount
    total = (np.add.reduceat(quantity * price, first_line) if n else discount) - discounts

    status = np.zeros(n, np.int64)
    fate = np.where(is_first, 1.0, dice.random(n))
    status[(fate < 0.07) & (almanac.as_of - orders.placed_at < 36 * 3600)] = PENDING
    status[(fate < 0.012) | fails[orders.buyer]] = CANCELLED
    refunded, refunded_at = _refunds(orders, traits, is_first, total=total, almanac=almanac, dice=dice)
    refunded[status != PAID] = 0
    last_line = first_line + line_count - 1
    returned = np.where(line_count > 1, (quantity * price - discount)[last_line] if n else 0, total // 2)
    refunded = np.where(refunded == 1, returned, np.where(refunded == 2, total, 0))
    refunded = np.where(is_first & (refunded >= total), 0, refunded)
    status = np.where(refunded > 0, np.where(refunded >= total, REFUNDED, PARTLY_REFUNDED), status)
    cancelled_at = np.minimum(orders.placed_at + dice.integers(600, 20 * 3600, n), almanac.as_of - 1)
    ended_at = np.select([status == CANCELLED, refunded > 0], [cancelled_at, refunded_at], 0)
    return Baskets(
        total=total,
        discounts=discounts,
        refunded=refunded,
        code=code,
        status=status,
        is_test=(dice.random(n) < 0.0005) & ~is_first,
        is_foreign=is_abroad[orders.buyer] & ~is_first & (dice.random(n) < 0.08),
        ended_at=ended_at,
        first_line=first_line,
        line_count=line_count,
        order=order,
        product=product,
        quantity=quantity,
        price=price,
        discount=discount,
    )


def _lines(
    orders: Timeline, traits: t.Temperaments, taste: Tastes, goods: Catalogue, dice: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Order, product and quantity of each line; a product stands once in an order."""
    n = len(orders)
    order = np.repeat(np.arange(n), 1 + dice.poisson(_MORE_LINES[traits.basket]))
    buyer, loyalty = orders.buyer[order], traits.loyalty[order]
    where = dice.random(len(order))
    stray = where < _STRAY[loyalty]
    focused = where > 1 - _FOCUS[loyalty]
    category = t.pick(CRAFT_WEIGHTS, np.where(stray, len(CRAFT_WEIGHTS) - 1, traits.craft[order]), dice)
    category = np.where(focused, traits.favourite[order], category)
    level = t.pick(_LEVEL_ODDS, taste.level_row[buyer], dice)
    product = _product(category, level, goods, dice)
    own = taste.own_products[buyer, np.array([0, 0, 0, 1, 1, 2])[dice.integers(0, 6, len(order))]]
    product = np.where(dice.random(len(order)) < _AGAIN[loyalty], own, product)

    order, product = np.divmod(np.unique(order * len(goods.level) + product), len(goods.level))
    basket = traits.basket[order]
    loom = goods.cents[-1, product] > 6_000  # nobody buys twelve looms
    many = np.where(basket == t.BULK, dice.integers(3, 13, len(order)), dice.geometric(np.where(basket == t.SINGLE, 0.8, 0.62)))
    return order, product, np.where(loom, 1, np.minimum(many, 24))


def _product(
    category: NDArray[np.int64], level: NDArray[np.int64], goods: Catalogue, dice: np.random.Generator
) -> NDArray[np.int64]:
    """A product of that shelf and level; the first ones there are the best-sellers."""
    popularity = dice.random(len(category)) ** 1.7
    return goods.first[category, level] + (popularity * goods.count[category, level]).astype(np.int64)


def _offers(
    traits: t.Temperaments, is_first: NDArray[np.bool_], is_sale: NDArray[np.bool_], dice: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The code of each order (0 for none) and whether it takes the sale prices of its day; never both."""
    n = len(is_first)
    on_sale = is_sale & (dice.random(n) < _SALE_CHANCE[traits.price])
    coded = (dice.random(n) < _CODE_CHANCE[traits.price]) & ~on_sale
    code = np.where(coded, t.pick(_CODE_ODDS, traits.price, dice), 0)
    code[is_first & ~on_sale & (dice.random(n) < _WELCOME_CHANCE[traits.price])] = WELCOME
    code[~is_first & ~on_sale & (dice.random(n) < 0.0012)] = GIFT
    return code, on_sale


def _refunds(
    orders: Timeline,
    traits: t.Temperaments,
    is_first: NDArray[np.bool_],
    *,
    total: NDArray[np.int64],
    almanac: Almanac,
    dice: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What goes back (0 nothing, 1 a part, 2 all) and when, in seconds UTC."""
    n = len(orders)
    at = orders.placed_at + (dice.gamma(3.0, 4.0, n) * 86_400).astype(np.int64) + 86_400
    happens = (dice.random(n) < _REFUND[traits.returns]) & (at < almanac.as_of) & (total > 0)
    whole = (dice.random(n) < 0.24) & ~is_first
    return np.where(happens, np.where(whole, 2, 1), 0), at
