"""The whole shop as arrays, before any text is written: who is there since when, who buys, when each order is placed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from quimbi.demo import baskets, people, rhythms, showcase, temperaments, tickets
from quimbi.demo.almanac import YEARS, Almanac, almanac
from quimbi.demo.catalogue import Catalogue, catalogue
from quimbi.demo.people import People
from quimbi.demo.rhythms import Timeline

WITHOUT_ORDERS = 27_415 / 120_979  # the reference shop's share
_ONLY_FAILED = 0.004  # of those: an order was tried, and cancelled
_BLOCK = 2_000  # customers


@dataclass(frozen=True)
class Plan:
    """Everything that is decided for the whole shop at once; about 60 bytes an order.

    Customers are positions in the order of their profiles' making; buyers are positions in `temper`, sorted likewise.
    """

    calendar: Almanac
    goods: Catalogue
    created_at: NDArray[np.int64]  # by customer, seconds UTC
    people: People
    temper: temperaments.Temperaments
    taste: baskets.Tastes
    customer_of: NDArray[np.int64]  # by buyer
    fails: NDArray[np.bool_]  # by buyer: nothing of theirs counts
    orders: Timeline
    number: NDArray[np.int64]  # by order: 0 for the oldest
    regular: int | None  # buyer
    newcomer: int | None  # customer

    def __len__(self) -> int:
        return len(self.created_at)


@dataclass(frozen=True)
class Block:
    """Some customers (`first` to `last` - 1), their orders with baskets, their tickets.

    `tickets.customer` is a customer's position, `tickets.order` one in `orders`; `first_order` numbers the block's first.
    """

    first: int
    last: int
    first_order: int
    orders: Timeline
    baskets: baskets.Baskets
    tickets: tickets.Tickets


def plan(customers: int, as_of: datetime, dice: np.random.Generator) -> Plan:
    """Decide who is in a shop of `customers` profiles and when they buy. Cost at full size: 5 s and 300 MB."""
    calendar, goods = almanac(as_of), catalogue(YEARS)
    without = max(round(customers * WITHOUT_ORDERS), int(customers >= 2))
    failed = int(without * _ONLY_FAILED)
    buyers = customers - without + failed
    temper = temperaments.draw(buyers, dice)
    if buyers:
        showcase.give_regular_temper(temper)
    orders = rhythms.timeline(temper, calendar, dice)
    orders = _with_showcase_and_failed(orders, temper, buyers - failed, calendar, dice)

    created_at = np.concatenate([_first_profiles(orders, calendar, dice), _idle_profiles(without - failed, calendar, dice)])
    if without > failed:
        created_at[-1] = calendar.as_of - showcase.NEWCOMER_AGE_DAYS * 86_400
    by_age = np.argsort(created_at, kind="stable")
    position = np.empty(customers, np.int64)
    position[by_age] = np.arange(customers)
    buyer_order = np.argsort(position[:buyers], kind="stable")
    rank = np.empty(buyers, np.int64)
    rank[buyer_order] = np.arange(buyers)
    orders = _sorted(rank[orders.buyer], orders.day, orders.placed_at)
    number = np.empty(len(orders), np.int64)
    number[np.argsort(orders.placed_at, kind="stable")] = np.arange(len(orders))

    temper = temper.of(buyer_order)
    customer_of = position[:buyers][buyer_order]
    is_buyer, is_trade = np.zeros(customers, bool), np.zeros(customers, bool)
    is_buyer[customer_of] = True
    is_trade[customer_of] = np.array([kind.name == "studio" for kind in temperaments.KINDS])[temper.kind]
    crowd = people.draw(is_buyer, is_trade, dice)
    regular = int(rank[0]) if buyers else None
    newcomer = int(position[-1]) if without > failed else None
    if regular is not None:
        showcase.settle(crowd, int(customer_of[regular]), newcomer)
    return Plan(
        calendar=calendar,
        goods=goods,
        created_at=created_at[by_age],
        people=crowd,
        temper=temper,
        taste=baskets.tastes(temper, goods, dice),
        customer_of=customer_of,
        fails=buyer_order >= buyers - failed,
        orders=orders,
        number=number,
        regular=regular,
        newcomer=newcomer,
    )


def blocks(shop: Plan, dice: np.random.Generator) -> Iterator[Block]:
    """Fill the baskets and tickets of the planned shop, 2,000 customers at a time; memory stays that of the plan."""
    is_abroad = shop.people.is_abroad[shop.customer_of]
    is_buyer = np.zeros(len(shop), bool)
    is_buyer[shop.customer_of] = True
    for first in range(0, len(shop), _BLOCK):
        last = min(first + _BLOCK, len(shop))
        begin, end = np.searchsorted(shop.orders.buyer, np.searchsorted(shop.customer_of, [first, last]))
        orders = Timeline(*(column[begin:end] for column in (shop.orders.buyer, shop.orders.day, shop.orders.placed_at)))
        filled = baskets.fill(
            orders,
            shop.temper,
            shop.taste,
            is_abroad=is_abroad,
            fails=shop.fails,
            goods=shop.goods,
            almanac=shop.calendar,
            dice=dice,
        )
        asked = tickets.about_orders(orders, filled, shop.temper, shop.calendar.as_of, dice)
        if shop.regular is not None and first <= shop.customer_of[shop.regular] < last:
            last_order = int(np.searchsorted(orders.buyer, shop.regular, side="right")) - 1
            asked = showcase.with_open_question(asked, shop.regular, last_order, shop.calendar.as_of)
        asked.customer[:] = shop.customer_of[asked.customer]
        idle = first + np.flatnonzero(~is_buyer[first:last])
        idle = idle[idle != shop.newcomer]
        presale = tickets.before_buying(shop.created_at[idle], shop.calendar.as_of, dice)
        presale.customer[:] = idle[presale.customer]
        yield Block(first, last, int(begin), orders, filled, tickets.joined(asked, presale))


def _sorted(buyer: NDArray[np.int64], day: NDArray[np.int64], placed_at: NDArray[np.int64]) -> Timeline:
    order = np.lexsort((placed_at, buyer))
    return Timeline(buyer[order], day[order], placed_at[order])


def _with_showcase_and_failed(
    orders: Timeline, temper: temperaments.Temperaments, first_failed: int, calendar: Almanac, dice: np.random.Generator
) -> Timeline:
    """Give the first buyer the regular's days, and leave those whose orders fail a single one."""
    if not len(temper):
        return orders
    is_first = np.diff(orders.buyer, prepend=-1) != 0
    kept = (orders.buyer > 0) & ((orders.buyer < first_failed) | is_first)
    days = showcase.regular_days(calendar)
    hers = rhythms.with_hours(temper, np.zeros(len(days), np.int64), days, calendar, dice)
    return Timeline(
        np.concatenate([hers.buyer, orders.buyer[kept]]),
        np.concatenate([hers.day, orders.day[kept]]),
        np.concatenate([hers.placed_at, orders.placed_at[kept]]),
    )


def _first_profiles(orders: Timeline, calendar: Almanac, dice: np.random.Generator) -> NDArray[np.int64]:
    """When buyers made their profiles: most at the first checkout, some weeks before."""
    first = orders.placed_at[np.diff(orders.buyer, prepend=-1) != 0]
    early = dice.exponential(45 * 86_400, len(first))
    minutes = dice.uniform(120, 2_400, len(first))
    lead = np.where(dice.random(len(first)) < 0.3, early, minutes).astype(np.int64)
    return np.asarray(np.maximum(first - lead, calendar.instant(np.array([0]), np.array([0]))[0]))


def _idle_profiles(count: int, calendar: Almanac, dice: np.random.Generator) -> NDArray[np.int64]:
    """When people who never bought made their profiles: at all times, more of them lately."""
    span = (len(calendar) - 1) * 86_400
    return np.asarray(calendar.as_of - 1 - (span * dice.random(count) ** 1.6).astype(np.int64))
