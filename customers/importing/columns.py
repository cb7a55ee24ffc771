"""A block's cells as values, column by column, and the orders and rejects that come of them. Shared by all table sources."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from customers.importing import values
from customers.importing.amounts import money
from customers.importing.causes import noun, without
from customers.importing.dates import instant
from customers.importing.guests import People, told_apart
from customers.importing.helpdesk_words import channel, message_count, reopened, satisfaction
from customers.importing.options import Field, ReadOptions
from customers.importing.records import Batch, Reject
from customers.importing.rows import Block, Layout, as_text
from customers.importing.schemes import Scheme
from customers.importing.values import Bad, Cached, Parser
from customers.money import UNIT


@dataclass(frozen=True)
class Plan:
    """How one file is read, with everything decided: `places` is field -> position of its column.

    `guest_key` is the secret in what is made up for guests (`guests.guest_id`); it is no part of the repr.
    """

    scheme: Scheme
    layout: Layout
    places: dict[str, int]
    options: ReadOptions
    serial: frozenset[str]
    now: datetime
    guest_key: str = field(repr=False)

    def parser(self, name: str) -> Parser:
        """The parser of a field's cells."""
        holds = self.field(name).holds
        zone = ZoneInfo(self.options.time_zone) if self.options.time_zone else None
        if holds == "date":
            return instant(self.options.date_order, zone, self.now, serial=name in self.serial)
        if holds == "money":
            return money(self.options.decimal_mark, "" if "currency" in self.places else self.options.currency)
        if holds == "quantity":
            return money(self.options.decimal_mark)
        return PARSERS[holds]

    def field(self, name: str) -> Field:
        """The field of this name."""
        return next(field for field in self.scheme.fields if field.name == name)

    def column(self, name: str) -> str:
        """The header of the column that holds a field."""
        return self.layout.header[self.places[name]]


def _status(cell: str) -> str | Bad:
    word = _short(cell)
    return word if isinstance(word, Bad) else "_".join(word.lower().split())[:24]


_short = values.text(120)
PARSERS: dict[str, Parser] = {
    "id": values.identifier(),
    "customer": values.customer,
    "email": values.email,
    "phone": values.phone,
    "name": _short,
    "country": values.text(64),
    "title": values.text(255),
    "currency": values.currency,
    "status": _status,
    "tags": values.tags,
    "consent": values.consent,
    "channel": channel,
    "satisfaction": satisfaction,
    "reopened": reopened,
    "count": message_count,
}


class Columns:
    """Reads blocks of one file; keeps a memory of texts per column from block to block."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.caches = {name: Cached(plan.parser(name)) for name in plan.places}

    def read(self, block: Block) -> "Values":
        """The values of a block; each column is read when it is asked for."""
        return Values(self, block)


class Values:
    """The values of one block by field. Cells that cannot be read are None in their column; `problems` has, for the row of
    such a cell, its column, the reason and the cause in words that many rows share."""

    def __init__(self, columns: Columns, block: Block) -> None:
        self.columns = columns
        self.block = block
        self.problems = {place: ("", fault.reason, fault.cause) for place, fault in block.faults.items()}

    def __len__(self) -> int:
        return len(self.block.rows)

    def __call__(self, name: str) -> list[Any]:
        """The values of a field; a list of None if the file has no such column."""
        return self._parsed(name, self.block.rows, None)

    def people(self) -> People:
        """The customers of the rows. An id that is an e-mail address or an international number is none, but that."""
        return told_apart(self("customer_id"), self("email"), self("phone"))

    def at(self, name: str, rows: list[int]) -> list[Any]:
        """The values of a field in some rows only, in the order of `rows`."""
        return self._parsed(name, [self.block.rows[row] for row in rows], rows)

    def _parsed(self, name: str, cells: list[list[str]], rows: list[int] | None) -> list[Any]:
        place = self.columns.plan.places.get(name)
        if place is None:
            return [None] * len(cells)
        found = self.columns.caches[name].column(map(itemgetter(place), cells))
        if Bad in set(map(type, found)):
            column, thing = self.columns.plan.layout.header[place], noun(self.columns.plan.field(name))
            for at, value in enumerate(found):
                if isinstance(value, Bad):
                    found[at] = None
                    problem = (column, f"{column} {value.reason}.", f"with {thing} {value.cause}")
                    self.problems.setdefault(at if rows is None else rows[at], problem)
        return found

    def first_of(self, *names: str) -> str:
        """The first of these fields that the file has a column for; the first of all if it has none."""
        return next((name for name in names if name in self.columns.plan.places), names[0])

    def fail(self, row: int, name: str, reason: str, cause: str) -> None:
        """Note that a row cannot be taken; the first reason stays. `reason` is a whole sentence, `cause` ends "4 rows …"."""
        place = self.columns.plan.places.get(name)
        column = "" if place is None else self.columns.plan.layout.header[place]
        self.problems.setdefault(row, (column, reason, cause))

    def require(self, name: str, found: list[Any]) -> None:
        """Every row needs a value of this field."""
        if None in found or "" in found:
            column, cause = self.columns.plan.column(name), without(noun(self.columns.plan.field(name)))
            for row, value in enumerate(found):
                if value is None or value == "":
                    self.problems.setdefault(row, (column, f"{column} is empty.", cause))

    def reject(self, row: int, batch: Batch) -> None:
        """Put a row that has a problem among the rejects."""
        column, reason, cause = self.problems[row]
        fault = self.block.faults.get(row)
        text = as_text(fault.cells if fault else self.block.rows[row], self.columns.plan.layout.delimiter)
        batch.rejects.append(Reject(self.block.lines[row], column, reason, text, cause=cause))

    def reject_order(self, start: int, stop: int, batch: Batch) -> bool:
        """If a row from `start` to `stop` has a problem, reject them all, for half an order has a wrong total; whether so."""
        broken = [row for row in range(start, stop) if row in self.problems]
        if not broken:
            return False
        line = self.block.lines[broken[0]]
        for row in range(start, stop):
            if row in self.problems:
                self.reject(row, batch)
            else:
                text = as_text(self.block.rows[row], self.columns.plan.layout.delimiter)
                reason = f"Left out together with line {line} of the same order, which is broken."
                batch.rejects.append(Reject(self.block.lines[row], "", reason, text, with_order=True))
        return True


def bounds(keys: list[str]) -> Iterator[tuple[int, int]]:
    """(start, stop) of each run of equal keys; rows with an empty key stand alone."""
    start = 0
    for row in range(1, len(keys) + 1):
        if row == len(keys) or keys[row] != keys[start] or not keys[row]:
            yield start, row
            start = row


def times(quantity: int, price: int) -> int:
    """Quantity times price, both and the result in ten-thousandths, halves to even."""
    if quantity % UNIT == 0:
        return quantity // UNIT * price
    whole, rest = divmod(quantity * price, UNIT)
    return whole + int(rest * 2 > UNIT or (rest * 2 == UNIT and whole % 2 == 1))


def line_of(quantity: int, price: int) -> tuple[int, int]:
    """(whole quantity, unit price) of a line. Two and a half metres are one piece at the price of them all."""
    return (quantity // UNIT, price) if quantity % UNIT == 0 else (1, times(quantity, price))


def start_batch(block: Block) -> Batch:
    """An empty batch that counts the rows of `block`."""
    return Batch(rows_read=len(block), bytes_read=block.on_disk)


Reader = Callable[[Iterator[Block], Plan], Iterator[Batch]]
