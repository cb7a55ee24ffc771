"""The columns of the six tables, as `decisions.md` 10 fixes them."""

from dataclasses import dataclass
from typing import Literal

Holds = Literal["text", "time", "money", "whole", "flag", "consent", "list", "currency"]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column `name` of a table and the column `to` of `records` that it becomes. `default`: a number for an empty cell."""

    name: str
    to: str
    holds: Holds = "text"
    required: bool = False
    default: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table, the facts it brings, and what a missing id is made of (`derived_id`: the id, then what it is a hash of)."""

    name: str
    facts: str
    columns: tuple[TableColumn, ...]
    derived_id: tuple[str, ...] = ()
    keeps_attributes: bool = False


_C = TableColumn
TABLES = (
    Table(
        "customers",
        "customers",
        (
            _C("customer_id", "customer_id", required=True),
            *(_C(name, name) for name in ("email", "phone", "first_name", "last_name", "country")),
            _C("created_at", "created_at", "time"),
            _C("email_consent", "email_consent", "consent"),
            _C("sms_consent", "sms_consent", "consent"),
            _C("timezone", "time_zone"),
            _C("tags", "tags", "list"),
        ),
        keeps_attributes=True,
    ),
    Table(
        "orders",
        "orders",
        (
            _C("order_id", "order_id", required=True),
            _C("order_number", "number"),
            _C("customer_id", "customer_id", required=True),
            _C("created_at", "placed_at", "time", required=True),
            _C("currency", "currency", "currency"),
            _C("total_price", "total", "money", required=True),
            _C("total_discounts", "discounts", "money"),
            _C("financial_status", "financial_status"),
            _C("fulfillment_status", "fulfillment_status"),
            _C("cancelled_at", "cancelled_at", "time"),
            _C("test", "is_test", "flag"),
            _C("tracking_numbers", "tracking_numbers", "list"),
        ),
        keeps_attributes=True,
    ),
    Table(
        "line_items",
        "lines",
        (
            _C("order_id", "order_id", required=True),
            *(_C(name, name) for name in ("product_id", "sku", "title", "vendor", "category")),
            _C("quantity", "quantity", "whole", default=1),
            _C("price", "unit_price", "money", default=0),
            _C("discount", "discount", "money", default=0),
        ),
    ),
    Table(
        "refunds",
        "refunds",
        (
            _C("refund_id", "refund_id"),
            _C("order_id", "order_id", required=True),
            _C("created_at", "created_at", "time"),
            _C("amount", "amount", "money", required=True),
        ),
        derived_id=("refund_id", "order_id", "created_at", "amount"),
    ),
    Table(
        "tickets",
        "tickets",
        (
            _C("ticket_id", "ticket_id"),
            _C("customer_id", "customer_id", required=True),
            *(_C(name, name) for name in ("channel", "subject", "status")),
            _C("created_at", "created_at", "time", required=True),
            _C("closed_at", "closed_at", "time"),
            _C("reopened", "reopened", "flag"),
            _C("satisfaction_score", "satisfaction_score", "whole"),
            _C("tags", "tags", "list"),
        ),
        derived_id=("ticket_id", "customer_id", "created_at", "subject"),
    ),
    Table(
        "messages",
        "messages",
        (
            _C("message_id", "message_id"),
            _C("ticket_id", "ticket_id", required=True),
            _C("created_at", "created_at", "time", required=True),
            _C("from_agent", "from_agent", "flag"),
            _C("body_text", "body_text"),
        ),
        derived_id=("message_id", "ticket_id", "created_at", "body_text"),
    ),
)
