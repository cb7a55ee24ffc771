"""Tables of customers: Shopify's customer export (both headers) and any other file with one row a person.

"no" under consent means "unknown": it does not tell a withdrawn consent from one that was never given.
"""

from collections.abc import Iterator

from customers.importing.causes import without
from customers.importing.columns import Columns, Plan, start_batch
from customers.importing.records import Batch
from customers.importing.rows import Block


def read_customers(blocks: Iterator[Block], plan: Plan) -> Iterator[Batch]:
    """One batch a block. A row needs an id, an e-mail address or a phone number."""
    columns = Columns(plan)
    for block in blocks:
        batch = start_batch(block)
        values = columns.read(block)
        ids, emails, phones = values.people()
        first_names, last_names, created = values("first_name"), values("last_name"), values("created_at")
        by_mail, by_text = values("email_consent"), values("sms_consent")
        zones, countries, tags = values("time_zone"), values("country"), values("tags")
        for row in range(len(values)):
            if not (ids[row] or emails[row] or phones[row]):
                reason = "The row has no customer id, no e-mail address and no phone number."
                values.fail(row, values.first_of("email", "customer_id", "phone"), reason, without("a customer id or address"))
            if row in values.problems:
                values.reject(row, batch)
                continue
            batch.customers.append(
                (
                    ids[row] or None,
                    emails[row] or None,
                    phones[row] or None,
                    first_names[row] or None,
                    last_names[row] or None,
                    created[row],
                    by_mail[row],
                    by_text[row],
                    zones[row] or None,
                    countries[row] or None,
                    tags[row],
                    None,
                )
            )
        yield batch
