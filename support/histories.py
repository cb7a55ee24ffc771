"""Ticket histories as arrays: what segmentation reads. Rows dated after `as_of` are not there."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from customers.columns import Column, Table, read_columns
from customers.histories import positions
from support.models import Ticket

_HOURS = 3600.0


def tickets(
    as_of: datetime, customer_ids: NDArray[np.int64], *, first_pk: int | None = None, last_pk: int | None = None
) -> Table:
    """Tickets of the customers in `customer_ids` (ascending), one row each; the columns are those of `maths.history.History`.

    Two statements. A ticket closed after `as_of` is still open.
    """
    between = () if first_pk is None or last_pk is None else (first_pk, last_pk)
    columns = {
        "id": Column("id", "int64"),
        "customer_id": Column("customer_id", "int64"),
        "created_at": Column("created_at", "seconds"),
        "closed_at": Column("COALESCE(closed_at, '9999-01-01 00:00:00')", "seconds"),
        "channel": Column(_code("channel", Ticket.Channel.values), "int16"),
        "topic": Column(_code("topic", Ticket.Topic.values), "int16"),
        "reopened": Column("reopened", "bool"),
        "told_messages": Column("message_count", "int32"),
    }
    source = "support_ticket WHERE customer_id IS NOT NULL AND created_at <= %s" + (
        " AND customer_id BETWEEN %s AND %s" if between else ""
    )
    read = read_columns(columns, source, (as_of, *between))
    customer = positions(customer_ids, read["customer_id"])
    kept = customer >= 0
    closed = read["closed_at"] <= as_of.timestamp()
    hours = np.where(closed, (read["closed_at"] - read["created_at"]) / _HOURS, np.nan)
    held = _messages_held(as_of, read["id"], between)
    return Table(
        customer=customer[kept].astype(np.int32),
        created_at=read["created_at"][kept],
        channel=np.array(Ticket.Channel.values)[read["channel"][kept]],
        topic=np.array(Ticket.Topic.values)[read["topic"][kept]],
        messages=np.maximum(np.where(held > 0, held, read["told_messages"]), 1)[kept],
        resolution_hours=np.maximum(hours, 0.0)[kept],
        reopened=read["reopened"][kept],
    )


def _code(column: str, names: list[str]) -> str:
    """SQL that turns a name into its position in `names`: a fixed width instead of text."""
    cases = " ".join(f"WHEN '{name}' THEN {position}" for position, name in enumerate(names))
    return f"CASE {column} {cases} ELSE {names.index('other')} END"


def _messages_held(as_of: datetime, ticket_ids: NDArray[np.int64], between: tuple[int, ...]) -> NDArray[np.int32]:
    """Stored messages of each ticket up to `as_of`; 0 where a source told only their number, or nothing."""
    source = "support_ticketmessage WHERE support_ticketmessage.created_at <= %s"
    if between:
        source = (
            "support_ticketmessage JOIN support_ticket ON support_ticket.id = support_ticketmessage.ticket_id"
            " WHERE support_ticketmessage.created_at <= %s AND customer_id BETWEEN %s AND %s"
        )
    read = read_columns({"ticket_id": Column("support_ticketmessage.ticket_id", "int64")}, source, (as_of, *between))
    by_key = np.argsort(ticket_ids, kind="stable")
    at = positions(ticket_ids[by_key], read["ticket_id"])
    counts = np.bincount(at[at >= 0], minlength=len(ticket_ids))
    held = np.zeros(len(ticket_ids), dtype=np.int32)
    held[by_key] = counts
    return held
