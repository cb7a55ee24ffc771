"""An invented shop whose customers' types are known, so that a test can ask whether they are found again."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from segmentation.maths.history import History

AS_OF = datetime(2025, 11, 12, 12, tzinfo=UTC)
TODAY = (AS_OF.date() - datetime(1970, 1, 1).date()).days
NOON = 12 * 3600

CATEGORIES = ["Yarn", "Paper", "Paint", "Fabric", "Beads", "Tools", "Thread", "Wood", "Clay", "Glass", "Wax", "Leather"]
LEVELS, DESIGNS = 3, 12
CHANNELS = ["email", "chat", "phone", "sms", "social", "help_center", "other"]
TOPICS = ["technical", "how_to", "price_match", "delivery", "return", "other"]

GAPS = np.array([8.0, 30.0, 110.0, 360.0])
VALUES = np.array([15.0, 50.0, 170.0])
TENURES = np.array([70.0, 420.0, 1300.0])
DISCOUNTS = np.array([0.03, 0.35, 0.85])
REPEATS = np.array([0.05, 0.35, 0.8])
RETURNS = np.array([0.0, 0.12, 0.5])
BREADTHS = np.array([1, 4, 11])
LEVEL_ODDS = np.array([[0.8, 0.15, 0.05], [0.3, 0.4, 0.3], [0.05, 0.15, 0.8]])
CHANNEL_ODDS = np.array([[0.9, 0.05, 0.05, 0, 0, 0, 0], [0.06, 0.88, 0.06, 0, 0, 0, 0], [0.1, 0.05, 0.85, 0, 0, 0, 0]])
MESSAGES, HOURS, TECHNICAL = np.array([2, 8, 4]), np.array([4.0, 80.0, 20.0]), np.array([0.05, 0.15, 0.9])


def invent(n: int, *, seed: int = 0, categories: bool = True) -> tuple[History, dict[str, np.ndarray]]:
    """A history of `n` buyers and the true type of each on most axes."""
    dice = np.random.default_rng(seed)
    types = {
        "purchase_frequency": dice.choice(4, n, p=[0.12, 0.28, 0.33, 0.27]),
        "purchase_value": dice.choice(3, n, p=[0.4, 0.4, 0.2]),
        "customer_maturity": dice.choice(3, n, p=[0.2, 0.4, 0.4]),
        "price_sensitivity": dice.choice(3, n, p=[0.45, 0.3, 0.25]),
        "purchase_cadence": dice.choice(4, n, p=[0.4, 0.25, 0.15, 0.2]),
        "category_exploration": dice.choice(3, n, p=[0.35, 0.4, 0.25]),
        "repurchase_behavior": dice.choice(3, n, p=[0.4, 0.35, 0.25]),
        "return_behavior": dice.choice(3, n, p=[0.7, 0.2, 0.1]),
        "loyalty_trajectory": dice.choice(3, n, p=[0.6, 0.2, 0.2]),
        "product_knowledge": dice.choice(3, n, p=[0.3, 0.45, 0.25]),
        "communication_preference": dice.choice(3, n, p=[0.5, 0.3, 0.2]),
        "problem_complexity_profile": dice.choice(3, n, p=[0.5, 0.3, 0.2]),
    }
    customer, day, first_day = _purchases(types, dice)
    second = np.sort(dice.integers(0, 8 * 3600, len(customer)))
    order = np.lexsort((second, day, customer))
    customer, day = customer[order], day[order]
    value = VALUES[types["purchase_value"]][customer] * dice.lognormal(0, 0.35, len(customer))
    with_code = dice.random(len(customer)) < DISCOUNTS[types["price_sensitivity"]][customer]
    discount = np.where(with_code, value * dice.uniform(0.1, 0.3, len(customer)), 0.0)
    orders = pd.DataFrame(
        {
            "customer": customer.astype(np.int32),
            "placed_at": day.astype(np.int64) * 86400 + 3600,
            "local_day": day.astype(np.int32),
            "value": np.round(value, 2),
            "discount": np.round(discount, 2),
        }
    )
    lines, products = _lines(types, customer, dice, categories)
    refunded = np.flatnonzero(dice.random(len(customer)) < RETURNS[types["return_behavior"]][customer])
    refunds = pd.DataFrame(
        {
            "customer": customer[refunded].astype(np.int32),
            "order": refunded.astype(np.int32),
            "whole_order": np.zeros(len(refunded), dtype=bool),
            "value": np.round(value[refunded] * dice.uniform(0.2, 1.0, len(refunded)), 2),
        }
    )
    history = History(
        customer_ids=np.arange(1, n + 1, dtype=np.int64) * 3,
        account_day=(first_day - dice.integers(0, 15, n)).astype(np.int32),
        orders=orders,
        lines=lines,
        products=products,
        refunds=refunds,
        tickets=_tickets(types, customer, day, dice),
    )
    return history, types


def part_of(history: History, rows: np.ndarray) -> History:
    """The history of some customers (positions, ascending), as the reader would give it for them alone."""
    place = np.full(len(history), -1)
    place[rows] = np.arange(len(rows))
    orders = history.orders[place[history.orders["customer"]] >= 0]
    order_place = np.full(len(history.orders), -1)
    order_place[orders.index] = np.arange(len(orders))
    lines = history.lines[order_place[history.lines["order"]] >= 0]
    refunds = history.refunds[place[history.refunds["customer"]] >= 0]
    tickets = history.tickets[place[history.tickets["customer"]] >= 0]

    def moved(frame: pd.DataFrame, **columns: np.ndarray) -> pd.DataFrame:
        return frame.assign(**columns).reset_index(drop=True)

    bought, product = np.unique(lines["product"].to_numpy(), return_inverse=True)
    return History(
        customer_ids=history.customer_ids[rows],
        account_day=history.account_day[rows],
        orders=moved(orders, customer=place[orders["customer"]].astype(np.int32)),
        lines=moved(lines, order=order_place[lines["order"]].astype(np.int32), product=product.astype(np.int32)),
        products=history.products.iloc[bought].reset_index(drop=True),
        refunds=moved(
            refunds,
            customer=place[refunds["customer"]].astype(np.int32),
            order=np.where(refunds["order"] >= 0, order_place[refunds["order"]], -1).astype(np.int32),
        ),
        tickets=moved(tickets, customer=place[tickets["customer"]].astype(np.int32)),
    )


def small_history(
    orders: list[list[tuple[int, float]]],
    *,
    lines: list[tuple[int, str, str, str, float]] = (),
    tickets: list[tuple[int, str, str, int, float]] = (),
    refunds: list[tuple[int, int, bool, float]] = (),
    discounts: list[float] | None = None,
) -> History:
    """A history written by hand.

    `orders`: for each customer (days ago, value). `lines`: (order, identity, category, title, price). `tickets`: (customer,
    channel, topic, messages, hours). `refunds`: (customer, order, whole order, value).
    """
    flat = [(who, TODAY - ago, value) for who, placed in enumerate(orders) for ago, value in sorted(placed, reverse=True)]
    customer, day, value = (np.array(column) for column in zip(*flat, strict=True)) if flat else (np.zeros(0, int),) * 3
    first = [TODAY - max(ago for ago, _ in placed) if placed else TODAY for placed in orders]
    described = pd.DataFrame([line[1:4] for line in lines], columns=["identity", "category", "title"], dtype=str)
    whose, channel, topic, messages, hours = zip(*tickets, strict=True) if tickets else ((),) * 5
    back_to, back_order, whole, back = zip(*refunds, strict=True) if refunds else ((),) * 4
    return History(
        customer_ids=np.arange(1, len(orders) + 1, dtype=np.int64),
        account_day=np.array(first, dtype=np.int32),
        orders=pd.DataFrame(
            {
                "customer": customer.astype(np.int32),
                "placed_at": day.astype(np.int64) * 86400 + 3600,
                "local_day": day.astype(np.int32),
                "value": value.astype(float),
                "discount": np.array(discounts if discounts is not None else np.zeros(len(customer)), dtype=float),
            }
        ),
        lines=pd.DataFrame(
            {
                "order": np.array([line[0] for line in lines], dtype=np.int32),
                "product": np.arange(len(lines), dtype=np.int32),
                "quantity": np.ones(len(lines), dtype=np.int32),
                "unit_price": np.array([line[4] for line in lines], dtype=float),
                "discount": np.zeros(len(lines)),
            }
        ),
        products=described,
        refunds=pd.DataFrame(
            {
                "customer": np.array(back_to, dtype=np.int32),
                "order": np.array(back_order, dtype=np.int32),
                "whole_order": np.array(whole, dtype=bool),
                "value": np.array(back, dtype=float),
            }
        ),
        tickets=pd.DataFrame(
            {
                "customer": np.array(whose, dtype=np.int32),
                "created_at": np.full(len(whose), (TODAY - 1) * 86400, dtype=np.int64),
                "channel": pd.Categorical(list(channel), categories=CHANNELS),
                "topic": pd.Categorical(list(topic), categories=TOPICS),
                "messages": np.array(messages, dtype=np.int32),
                "resolution_hours": np.array(hours, dtype=float),
                "reopened": np.zeros(len(whose), dtype=bool),
            }
        ),
    )


def later(days: int) -> datetime:
    """The clock some days on."""
    return AS_OF + timedelta(days=days)


def _purchases(types: dict[str, np.ndarray], dice: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customer and day of each order, and everybody's first day."""
    n = len(types["purchase_frequency"])
    tenure = TENURES[types["customer_maturity"]] * dice.uniform(0.5, 1.5, n)
    gap = GAPS[types["purchase_frequency"]] * dice.lognormal(0, 0.2, n)
    later_orders = np.minimum(dice.poisson(tenure / gap), 300)
    customer = np.repeat(np.arange(n), later_orders)
    even = (np.arange(len(customer)) - np.repeat(np.cumsum(later_orders) - later_orders, later_orders) + 0.5) / np.repeat(
        np.maximum(later_orders, 1), later_orders
    )
    routine = types["purchase_cadence"] == 3
    place = np.where(routine[customer], even + dice.normal(0, 0.002, len(customer)), dice.random(len(customer)))
    place = np.clip(place, 0, 1) ** np.array([1.0, 0.5, 2.2])[types["loyalty_trajectory"]][customer]
    day = np.floor(TODAY - tenure[customer] * (1 - place)).astype(np.int64)
    customer = np.concatenate([np.arange(n), customer])
    day = np.concatenate([np.floor(TODAY - tenure).astype(np.int64), day])

    kept = dice.random(len(customer)) < 0.9
    cadence = types["purchase_cadence"][customer]
    monday = day - (day + 3) % 7
    weekend = (cadence == 1) & kept
    day = np.where(weekend, monday + 5 + dice.integers(0, 2, len(day)), day)
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    day = np.where((cadence == 2) & kept, month + dice.integers(0, 3, len(day)), day)
    day = np.where((cadence == 3) & kept, monday + (customer % 5), day)
    day = np.minimum(day, TODAY)
    first_day = np.full(n, TODAY)
    np.minimum.at(first_day, customer, day)
    return customer, day, first_day


def _lines(
    types: dict[str, np.ndarray], customer: np.ndarray, dice: np.random.Generator, categories: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    order = np.repeat(np.arange(len(customer)), 1 + dice.poisson(1.4, len(customer)))
    who = customer[order]
    breadth = BREADTHS[types["category_exploration"]][who]
    category = (who + np.floor(dice.random(len(who)) * breadth).astype(np.int64)) % len(CATEGORIES)
    odds = np.cumsum(LEVEL_ODDS, axis=1)[types["product_knowledge"][who]]
    level = (dice.random(len(who))[:, None] > odds).sum(axis=1).clip(0, 2)
    again = dice.random(len(who)) < REPEATS[types["repurchase_behavior"]][who]
    design = np.where(again, who % DESIGNS, dice.integers(0, DESIGNS, len(who)))
    product = (category * LEVELS + level) * DESIGNS + design
    price = np.array([6.0, 18.0, 55.0])[level] * (1 + 0.03 * design)
    lines = pd.DataFrame(
        {
            "order": order.astype(np.int32),
            "product": product.astype(np.int32),
            "quantity": (1 + dice.poisson(0.6, len(who))).astype(np.int32),
            "unit_price": np.round(price, 2),
            "discount": np.zeros(len(who)),
        }
    )
    number = np.arange(len(CATEGORIES) * LEVELS * DESIGNS)
    products = pd.DataFrame(
        {
            "identity": [f"P{at}" for at in number],
            "category": [CATEGORIES[at // (LEVELS * DESIGNS)] if categories else "" for at in number],
            "title": [f"Design {at % DESIGNS}" for at in number],
        }
    )
    return lines, products


def _tickets(types: dict[str, np.ndarray], customer: np.ndarray, day: np.ndarray, dice: np.random.Generator) -> pd.DataFrame:
    asks = dice.random(len(types["purchase_value"])) < 0.5
    asked = np.flatnonzero((dice.random(len(customer)) < 0.3) & asks[customer])
    who = customer[asked]
    channel = (dice.random(len(who))[:, None] > np.cumsum(CHANNEL_ODDS, axis=1)[types["communication_preference"][who]]).sum(
        axis=1
    )
    kind = types["problem_complexity_profile"][who]
    topic = np.where(dice.random(len(who)) < TECHNICAL[kind], 0, dice.integers(1, len(TOPICS), len(who)))
    return pd.DataFrame(
        {
            "customer": who.astype(np.int32),
            "created_at": day[asked].astype(np.int64) * 86400 + 7200,
            "channel": pd.Categorical.from_codes(channel.clip(0, 6), CHANNELS),
            "topic": pd.Categorical.from_codes(topic, TOPICS),
            "messages": (1 + dice.poisson(MESSAGES[kind])).astype(np.int32),
            "resolution_hours": np.where(dice.random(len(who)) < 0.05, np.nan, HOURS[kind] * dice.lognormal(0, 0.5, len(who))),
            "reopened": dice.random(len(who)) < np.array([0.03, 0.35, 0.1])[kind],
        }
    )
