"""Files to batches: look at a file, read it.

`inspect` tells what a file is and what has to be asked, `read` streams it (`previewing` shows its first rows). Nothing is
guessed silently: what a file leaves open and no option answers raises `NeedsAnswer`. Callers that know the shop put its
currency and time zone into the options where the person said nothing.
"""

import gc
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from customers.importing import generic, online_retail, shopify, shopify_bulk, woocommerce
from customers.importing.columns import Plan
from customers.importing.deciding import Look, look_at
from customers.importing.helpdesk import read_tickets
from customers.importing.options import (
    FileReport,
    NeedsAnswer,
    Question,
    ReadOptions,
    UnreadableFile,
)
from customers.importing.people import read_customers
from customers.importing.records import Batch
from customers.importing.rows import Block, Layout, blocks

__all__ = [
    "FileReport",
    "NeedsAnswer",
    "Question",
    "ReadOptions",
    "UnreadableFile",
    "inspect",
    "read",
]

SAMPLED_ROWS = 20


def inspect(path: Path, options: ReadOptions | None = None) -> FileReport:
    """What a file is, from its head and some spots further in; takes well under a second whatever its size.

    `options` are the answers so far: an encoding changes what the columns are called, a kind or a source which fields there
    are. Raises `UnreadableFile` if it is no table that we can read.
    """
    look = look_at(path, options or ReadOptions())
    return FileReport(
        path=path,
        kind=look.kind,
        source=look.source,
        encoding=look.encoding,
        delimiter=look.delimiter,
        compressed=look.sniffed.compressed,
        columns=look.header,
        samples=tuple(tuple(row) for row in look.rows[:SAMPLED_ROWS]),
        mapping=look.mapping,
        fields=look.fields,
        estimated_rows=look.estimated_rows,
        questions=look.questions,
        decided=look.decided,
        rows_are_counted=look.is_whole,
    )


def read(path: Path, options: ReadOptions, *, now: datetime, guest_key: str) -> Iterator[Batch]:
    """The rows of a file in batches of about 10,000, the same ones each time; memory does not grow with the file.

    `guest_key`, the shop's secret, goes into the ids of orders that have neither an id nor a customer's.
    Raises `UnreadableFile`, or `NeedsAnswer` for the first open question, before the first batch; `UnreadableFile` also
    later, if a compressed file turns out to be damaged.
    """
    look = look_at(path, options)
    if look.questions:
        raise NeedsAnswer(look.questions[0])
    return _without_collector(_batches(look, path, now, guest_key))


def _batches(look: Look, path: Path, now: datetime, guest_key: str) -> Iterator[Batch]:
    if look.bulk:
        return shopify_bulk.read_lines(path, now)
    plan = plan_of(look, now, guest_key)
    return batches_of(plan, lambda: blocks(path, plan.layout), look.estimated_bytes)


def batches_of(plan: Plan, passes: Callable[[], Iterator[Block]], size: int) -> Iterator[Batch]:
    """The batches of a table of `size` bytes; `passes` begins to read it each time that it is called."""
    if plan.scheme.kind == "customers":
        return read_customers(passes(), plan)
    if plan.scheme.kind == "tickets":
        return read_tickets(passes(), plan)
    if plan.scheme.source == "shopify":
        return shopify.read_orders(passes(), plan)
    return _ORDERS_IN_TWO_PASSES[plan.scheme.source](passes(), passes(), plan, size)


_ORDERS_IN_TWO_PASSES: dict[str, Callable[[Iterator[Block], Iterator[Block], Plan, int], Iterator[Batch]]] = {
    "woocommerce": woocommerce.read_orders,
    "online-retail": online_retail.read_orders,
    "generic": generic.read_orders,
}


def _without_collector(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, each made without the cycle collector: rows are many and have no cycles, and its walks over them cost
    a third of the time. It runs between batches as ever."""
    while True:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            batch = next(batches, None)
        finally:
            if was_enabled:
                gc.enable()
        if batch is None:
            return
        yield batch


def plan_of(look: Look, now: datetime, guest_key: str) -> Plan:
    """How the file is read: with the answers, and with what it decides itself."""
    places = {name: look.header.index(column) for name, column in look.mapping.items()}
    layout = Layout(look.encoding, look.delimiter, look.header, look.forgive_short)
    options = ReadOptions.from_json(look.options.to_json() | look.decided)
    return Plan(look.scheme, layout, places, options, look.serial, now, guest_key)
