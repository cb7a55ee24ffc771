"""Tickets and their messages as rows: who wrote what when."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from quimbi.demo import SOURCE, tickets, wording
from quimbi.demo.catalogue import CATEGORIES
from quimbi.demo.plan import Block, Plan
from quimbi.demo.tables import Ledger, Table
from support.models import Ticket, TicketMessage
from support.topics import topic_of

_TOOLS = ("Cutting Tools", "Needles & Hooks", "Notions", "Looms & Wheels")


def _kind_of(category: str) -> int:
    """What a product of that category is: this decides what people ask about it."""
    if "Patterns" in category:
        return wording.PATTERN
    return wording.TOOL if category in _TOOLS else wording.MATERIAL


_KINDS = np.array([_kind_of(category.name) for category in CATEGORIES])


def of(block: Block, shop: Plan, ledger: Ledger, first_customer: int) -> Iterator[Table]:
    """The tickets of a block and their messages; `first_customer` is the key of the shop's first customer."""
    matters = _matters(block, shop)
    asked = _tickets(block, matters, ledger, first_customer)
    yield asked
    yield _messages(block, matters, ledger, asked)


@dataclass(frozen=True)
class _Matter:
    """What one ticket is about: the words for it, which of them, the product and the order's number."""

    words: wording.Topic
    nth: int
    product: str
    number: str

    def subject(self) -> str:
        return _filled_in(self.words.subjects[self.nth], self)

    def message(self, position: int) -> str:
        """The message at `position`: the question, then answer and reply in turn."""
        if position == 0:
            return _filled_in(self.words.questions[self.nth], self)
        turn = (self.nth + (position - 1) // 2) % len(self.words.answers)
        if position % 2:
            agent = wording.AGENTS[(self.nth + len(self.product)) % len(wording.AGENTS)]
            return f"{self.words.answers[turn]}\n{agent}, Heddle & Hem"
        return self.words.replies[turn]


def _matters(block: Block, shop: Plan) -> list[_Matter]:
    """The matter of each ticket: the first product of its order; without an order, any product."""
    asked, goods = block.tickets, shop.goods
    product, number = asked.customer * 31 % len(goods.level), np.zeros(len(asked), np.int64)
    if len(block.orders):
        order = np.maximum(asked.order, 0)
        product = np.where(asked.order >= 0, block.baskets.product[block.baskets.first_line[order]], product)
        number = shop.number[block.first_order + order]
    kinds = _KINDS[goods.category[product]]
    return [
        _Matter(wording.TOPICS[kind][topic], nth, goods.titles[i], f"#{1001 + order_number}")
        for kind, topic, nth, i, order_number in zip(
            kinds.tolist(), asked.topic.tolist(), asked.matter.tolist(), product.tolist(), number.tolist(), strict=True
        )
    ]


def _tickets(block: Block, matters: list[_Matter], ledger: Ledger, first_customer: int) -> Table:
    asked, n, key = block.tickets, len(block.tickets), ledger.next_keys[Ticket]
    subjects = [matter.subject() for matter in matters]
    tags = [list(matter.words.tags) if it else [] for matter, it in zip(matters, asked.is_tagged.tolist(), strict=True)]
    columns: dict[str, list[Any]] = {
        "ticket_id": [str(80_000_000 + key + i) for i in range(n)],
        "customer_id": (first_customer + asked.customer).tolist(),
        "channel": [tickets.CHANNELS[channel] for channel in asked.channel.tolist()],
        "topic": [topic_of(words, subject) for words, subject in zip(tags, subjects, strict=True)],
        "subject": subjects,
        "status": ["closed" if at else "open" for at in asked.closed_at.tolist()],
        "created_at": ledger.stamps(asked.created_at),
        "closed_at": ledger.stamps(asked.closed_at),
        "reopened": asked.reopened.tolist(),
        "satisfaction_score": [score or None for score in asked.score.tolist()],
        "tags": [json.dumps(words) for words in tags],
        "message_count": asked.messages.tolist(),
        "source": [SOURCE] * n,
        "stored_at": ledger.stored_at(n),
    }
    return ledger.table(Ticket, columns)


def _messages(block: Block, matters: list[_Matter], ledger: Ledger, stored: Table) -> Table:
    asked = block.tickets
    firsts = np.cumsum(asked.messages) - asked.messages
    ticket = np.repeat(np.arange(len(asked)), asked.messages)
    position = np.arange(len(ticket)) - firsts[ticket]
    # A conversation fills the time until it is solved, and thins out towards its end; an open one leads up to the present.
    end = np.where(asked.closed_at > 0, asked.closed_at, (asked.created_at + ledger.as_of) // 2)
    share = (position / np.maximum(asked.messages - 1, 1)[ticket]) ** 1.4
    sent_at = asked.created_at[ticket] + (share * (end - asked.created_at)[ticket]).astype(np.int64)
    key = ledger.next_keys[TicketMessage]
    columns: dict[str, list[Any]] = {
        "message_id": [str(900_000_000 + key + i) for i in range(len(ticket))],
        "ticket_id": (stored.columns["id"][0] + ticket).tolist() if len(ticket) else [],
        "created_at": ledger.stamps(sent_at),
        "from_agent": (position % 2 == 1).tolist(),
        "body_text": [matters[of].message(i) for of, i in zip(ticket.tolist(), position.tolist(), strict=True)],
    }
    return ledger.table(TicketMessage, columns)


def _filled_in(text: str, matter: _Matter) -> str:
    return text.replace("{product}", matter.product).replace("{number}", matter.number) if "{" in text else text
