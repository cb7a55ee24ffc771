"""What people ask: most never, some often; each by a channel of their own and as hard to answer as they find things."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from quimbi.demo import temperaments as t
from quimbi.demo.baskets import Baskets
from quimbi.demo.rhythms import Timeline

CHANNELS = (
    "help_center",
    "email",
    "chat",
    "phone",
    "help_center",
    "sms",
    "social",
)  # as temperaments.SELF_SERVICE …
TECHNICAL, HOW_TO, PRICE, DELIVERY, RETURN, OTHER = range(6)

_PER_ORDER = 0.275  # tickets an order of somebody who asks for help at all
_SELF_SERVICE = 0.05  # how much of that remains for somebody who prefers to help himself
_TOPIC_BY_KNOWLEDGE = np.array([[1.0, 9, 2, 5, 2, 2], [2.0, 3, 2, 7, 2, 3], [8.0, 0.5, 1.5, 5, 1, 2]])
_TOPIC_BY_PRICE = np.array([[1, 1, 0.25, 1, 1, 1], [1, 1, 1, 1, 1, 1], [1, 1, 4, 1, 1, 1]])
_TOPIC_ODDS = (_TOPIC_BY_KNOWLEDGE[:, None, :] * _TOPIC_BY_PRICE[None, :, :]).reshape(-1, _TOPIC_BY_PRICE.shape[1])
_PRESALE_ODDS = np.array([[0.5, 6, 3, 0.0, 0.0, 3]])
_HARDER = np.array([0.28, 0.02, -0.05, 0.0, 0.08, -0.12])  # by topic
_DAYS_LATER = np.array([14.0, 6.0, 1.5, 5.0, 8.0, 20.0])  # after the order, by topic
_QUICKER = np.array([1.0, 1.0, 0.25, 0.4, 1.0, 0.5, 0.8])  # to solve, by channel


@dataclass(frozen=True)
class Tickets:
    """Arrays of shape (n_tickets,): position of the customer and of his order (-1 for none), topic, matter (which subject and
    question), channel, seconds UTC of beginning and end (0 while open), messages, score (0 for none), whether it has tags."""

    customer: NDArray[np.int64]
    order: NDArray[np.int64]
    topic: NDArray[np.int64]
    matter: NDArray[np.int64]
    channel: NDArray[np.int64]
    created_at: NDArray[np.int64]
    closed_at: NDArray[np.int64]
    messages: NDArray[np.int64]
    reopened: NDArray[np.bool_]
    score: NDArray[np.int64]
    is_tagged: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.customer)


def about_orders(orders: Timeline, baskets: Baskets, people: t.Temperaments, as_of: int, dice: np.random.Generator) -> Tickets:
    """The tickets about a block of orders; `orders.buyer` is a position in `people`."""
    chance = _PER_ORDER * people.trouble * np.where(people.help == t.SELF_SERVICE, _SELF_SERVICE, 1.0)
    refunded = baskets.refunded > 0
    likely = np.minimum(chance[orders.buyer] * np.where(refunded, 3.0, 1.0), 0.85)
    order = np.flatnonzero(dice.random(len(orders)) < likely)
    traits = people.of(orders.buyer[order])
    topic = t.pick(_TOPIC_ODDS, traits.knowledge * len(_TOPIC_BY_PRICE) + traits.price, dice)
    topic = np.where(refunded[order] & (dice.random(len(order)) < 0.75), RETURN, topic)
    created_at = orders.placed_at[order] + _later(topic, dice)
    return _answered(orders.buyer[order], order, topic, traits, created_at=created_at, as_of=as_of, dice=dice)


def before_buying(created_at: NDArray[np.int64], as_of: int, dice: np.random.Generator) -> Tickets:
    """The tickets of people who have not bought yet; `created_at` holds the seconds UTC of their profiles."""
    customer = np.flatnonzero(dice.random(len(created_at)) < 0.04)
    traits = t.draw(len(customer), dice)
    topic = t.pick(_PRESALE_ODDS, np.zeros(len(customer), np.int64), dice)
    none = np.full(len(customer), -1)
    asked_at = created_at[customer] + _later(topic, dice)
    return _answered(customer, none, topic, traits, created_at=asked_at, as_of=as_of, dice=dice)


def joined(first: Tickets, second: Tickets) -> Tickets:
    """Both, one after the other."""
    return Tickets(**{f.name: np.concatenate([getattr(first, f.name), getattr(second, f.name)]) for f in fields(Tickets)})


def _later(topic: NDArray[np.int64], dice: np.random.Generator) -> NDArray[np.int64]:
    return np.asarray((dice.gamma(2.0, 0.5, len(topic)) * _DAYS_LATER[topic] * 86_400).astype(np.int64) + 1_800)


def _answered(
    customer: NDArray[np.int64],
    order: NDArray[np.int64],
    topic: NDArray[np.int64],
    traits: t.Temperaments,
    *,
    created_at: NDArray[np.int64],
    as_of: int,
    dice: np.random.Generator,
) -> Tickets:
    n = len(topic)
    hard = np.clip(traits.hardship + _HARDER[topic] + dice.normal(0, 0.1, n), 0.0, 1.0)
    usual = np.where(traits.help == t.SELF_SERVICE, np.where(dice.random(n) < 0.6, t.HELP_CENTER, t.EMAIL), traits.help)
    channel = np.where(dice.random(n) < 0.14, dice.integers(1, len(CHANNELS), n), usual)
    hours = np.exp(np.log(3.0) + 3.6 * hard + dice.normal(0, 0.55, n)) * _QUICKER[channel]
    closed_at = created_at + np.maximum(hours * 3600, 240).astype(np.int64)
    closed_at = np.where(closed_at < as_of, closed_at, 0)
    scored = (closed_at > 0) & (dice.random(n) < 0.37)
    score = np.clip(np.round(5.2 - 2.9 * hard + dice.normal(0, 0.7, n)), 1, 5).astype(np.int64)
    messages = 2 + dice.poisson(6.5 * hard**1.6)
    kept = created_at < as_of
    return Tickets(
        customer=customer[kept],
        order=order[kept],
        topic=topic[kept],
        matter=dice.integers(0, 4, n)[kept],
        channel=channel[kept],
        created_at=created_at[kept],
        closed_at=closed_at[kept],
        messages=np.where(closed_at > 0, messages, np.maximum(messages - 2, 1))[kept],
        reopened=(dice.random(n) < 0.02 + 0.3 * hard**1.5)[kept] & (closed_at[kept] > 0),
        score=np.where(scored, score, 0)[kept],
        is_tagged=(dice.random(n) < 0.85)[kept],
    )
