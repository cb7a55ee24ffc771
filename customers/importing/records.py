"""What a parser hands to the loader: rows in the loader's column order, wherever they came from.

Rows are plain tuples, because a file has millions of them. Ids are the source's own ids as text; the loader finds the rows
they mean. Money is a whole number of ten-thousandths (`customers.money`), an instant is whole microseconds since 1970 in UTC,
text is clean (no NUL, trimmed), JSON columns are Python objects. None means unknown and never overwrites what is known.
"""

from dataclasses import dataclass, field
from typing import Any

Row = tuple[Any, ...]

# `customer_id` may be None with an e-mail or a phone, as with orders. A consent of "unknown" replaces "subscribed" (a customer
# export that says "no"), never "unsubscribed"; None leaves what is known.
CUSTOMER_COLUMNS = (
    "customer_id", "email", "phone", "first_name", "last_name", "created_at",
    "email_consent", "sms_consent", "time_zone", "country", "tags", "attributes",
)  # fmt: skip
# `customer_id` of an order may be None with an email or a phone given: the loader then joins by e-mail, then by phone, and
# makes a profile named after them if there is none. All three None: an anonymous guest's order.
ORDER_COLUMNS = (
    "order_id", "number", "customer_id", "email", "phone", "placed_at", "currency", "total", "discounts",
    "financial_status", "fulfillment_status", "cancelled_at", "is_test", "tracking_numbers", "attributes",
)  # fmt: skip
LINE_COLUMNS = (
    "order_id", "position", "product_id", "sku", "title", "vendor", "category", "quantity", "unit_price", "discount",
)  # fmt: skip
# `order_id` None: a return that the source ties to a customer only, whom it names as orders do. `created_at` None: dated at
# its order; `refund_id` is then "<order_id>:refunded", the sum of what went back, which refunds with ids and dates of their own
# replace.
REFUND_COLUMNS = ("refund_id", "order_id", "customer_id", "email", "phone", "created_at", "amount")
TICKET_COLUMNS = (
    "ticket_id", "customer_id", "email", "phone", "channel", "subject", "status", "created_at", "closed_at",
    "reopened", "satisfaction_score", "tags", "message_count",
)  # fmt: skip
MESSAGE_COLUMNS = ("message_id", "ticket_id", "created_at", "from_agent", "body_text")


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not taken: where it is (physical line), which column, why, and the row as it stood.

    `with_order`: nothing is wrong with this row, but another row of its order is rejected, and an order goes in whole or not
    at all (half an order has a wrong total). Such rows are in the reject file and do not count as broken. `cause` says why in
    words that many rows share ("without an amount"); "" where nobody said so.
    """

    line: int
    column: str
    reason: str
    row: str
    with_order: bool = False
    cause: str = ""


@dataclass(slots=True)
class Batch:
    """A few thousand rows of a file, in the order of the file. A parent may come after its child, even in a later batch."""

    customers: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    tickets: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    rows_read: int = 0  # in this batch; a batch may be empty (a sign of life while a file is sorted)
    bytes_read: int = 0  # how far into the file, as it lies on disk, reading has come when this batch ends
    left_out: dict[str, int] = field(default_factory=dict)  # reason -> rows of this batch that are no sale and were not taken
