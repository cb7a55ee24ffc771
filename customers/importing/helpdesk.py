"""Tickets as CSV: a neutral table of any help desk, or an export in Zendesk's words. One row a ticket.

Channels get our names, good and bad become 5 and 1. A help desk's count of messages is kept; the messages themselves are not
in such files.
"""

from collections.abc import Iterator

from customers.importing.columns import Columns, Plan, start_batch
from customers.importing.records import Batch
from customers.importing.rows import Block

_CLOSED = frozenset({"closed", "solved", "resolved", "done", "archived"})


def read_tickets(blocks: Iterator[Block], plan: Plan) -> Iterator[Batch]:
    """One batch a block. A ticket without a customer and without an address is kept, tied to nobody."""
    columns = Columns(plan)
    for block in blocks:
        batch = start_batch(block)
        values = columns.read(block)
        ids, channels = values("ticket_id"), values("channel")
        customers, emails, phones = values.people()
        subjects, statuses, created, closed = values("subject"), values("status"), values("created_at"), values("closed_at")
        again, happy, tags, counts = values("reopened"), values("satisfaction"), values("tags"), values("messages")
        values.require("ticket_id", ids)
        values.require("created_at", created)
        for row in range(len(values)):
            if closed[row] is not None and created[row] is not None and closed[row] < created[row]:
                values.fail(row, "closed_at", "The ticket was closed before it was created.", "closed before they were created")
            if row in values.problems:
                values.reject(row, batch)
                continue
            status = statuses[row] or ("closed" if closed[row] is not None else None)
            batch.tickets.append(
                (
                    ids[row],
                    customers[row] or None,
                    emails[row] or None,
                    phones[row] or None,
                    channels[row],
                    subjects[row] or None,
                    "closed" if status in _CLOSED else status,
                    created[row],
                    closed[row],
                    again[row],
                    happy[row],
                    tags[row],
                    counts[row],
                )
            )
        yield batch
