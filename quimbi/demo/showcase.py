"""Two people who are in every demo shop, to show it by: a loyal regular who is late, and somebody who has not bought yet.

Odalys bought about every four weeks for three years, the good things, mostly at full price; then nothing for ten weeks, and
her question about something that is out of stock is open. Juniper made a profile two days ago.
"""

import numpy as np
from numpy.typing import NDArray

from quimbi.demo import temperaments as t
from quimbi.demo import tickets
from quimbi.demo.almanac import Almanac
from quimbi.demo.catalogue import CATEGORIES, CRAFTS
from quimbi.demo.people import People, place_of

REGULAR_ID, REGULAR_NAME = "7299000000017", ("Odalys", "Fernwhistle")
NEWCOMER_ID, NEWCOMER_NAME = "7299000000024", ("Juniper", "Okonmere")

_GAPS = (
    *(24, 31, 27, 29, 22, 30, 26, 33, 25, 28, 27, 24, 31, 29, 26, 22, 30, 28, 27, 25),
    *(29, 32, 26, 24, 28, 30, 25, 27, 23, 29, 26, 28, 25, 27, 24, 29, 26, 28, 23, 27),
)
_SILENT_DAYS = 71
NEWCOMER_AGE_DAYS = 2
_OPEN_TICKET_DAYS = 3


def regular_days(almanac: Almanac) -> NDArray[np.int64]:
    """The days of the regular's orders, ascending."""
    days_ago = _SILENT_DAYS + np.concatenate([[0], np.cumsum(_GAPS)])
    return np.asarray(almanac.last_day - days_ago[::-1])


def give_regular_temper(people: t.Temperaments) -> None:
    """Make the first of `people` the regular."""
    people.price[0], people.timing[0], people.knowledge[0] = t.FULL_PRICE, t.ROUTINE, t.PROFESSIONAL
    people.taste[0], people.returns[0], people.loyalty[0] = t.FINE, t.SOMETIMES_RETURNS, t.MIXED
    people.basket[0], people.trend[0], people.help[0] = t.BASKET, t.STABLE, t.EMAIL
    people.craft[0] = CRAFTS.index("quilting")
    people.favourite[0] = next(i for i, category in enumerate(CATEGORIES) if category.name == "Quilting Thread")
    people.trouble[0], people.hardship[0] = 0.7, 0.25


def settle(people: People, regular: int, newcomer: int | None) -> None:
    """Give the two a home in the shop's own zone and a way to be reached."""
    for position in [regular] if newcomer is None else [regular, newcomer]:
        people.place[position] = place_of("America/Chicago")
        people.has_email[position] = people.has_phone[position] = True
        people.email_consent[position] = people.sms_consent[position] = 0
        people.is_trade[position] = False
    people.is_workshop_guest[regular] = True


def with_open_question(asked: tickets.Tickets, buyer: int, order: int, as_of: int) -> tickets.Tickets:
    """`asked`, and the regular's open question about her last order (position `order` of the block)."""
    question = tickets.Tickets(
        customer=np.array([buyer]),
        order=np.array([order]),
        topic=np.array([tickets.OTHER]),
        matter=np.array([1]),
        channel=np.array([t.EMAIL]),
        created_at=np.array([as_of - _OPEN_TICKET_DAYS * 86_400 + 3_600]),
        closed_at=np.array([0]),
        messages=np.array([1]),
        reopened=np.array([False]),
        score=np.array([0]),
        is_tagged=np.array([True]),
    )
    return tickets.joined(asked, question)
