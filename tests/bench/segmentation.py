"""What segmentation costs beside reading its rows."""

from datetime import UTC, datetime
from functools import partial

from tests.bench.measuring import Timing, in_turn, timed_process

HERE = "tests.bench.segmentation"


def clock() -> datetime:
    """The moment of all runs: the newest order's."""
    from customers.models import Order

    newest = Order.objects.order_by("-placed_at").first()
    return newest.placed_at if newest else datetime.now(UTC)


def copy_out() -> None:
    """COPY out the columns that a run reads, as bytes that nobody looks at."""
    from django.db import connection

    statements = (
        "SELECT id, customer_id, placed_at, total, discounts, left_out FROM customers_order"
        " WHERE customer_id IS NOT NULL AND left_out IN ('', 'refunded')",
        "SELECT order_id, product_id, quantity, unit_price, discount FROM customers_lineitem",
        "SELECT id, identity, category, title FROM customers_product",
        "SELECT id, created_at FROM customers_customer",
        "SELECT customer_id, order_id, amount FROM customers_refund",
        "SELECT id, customer_id, created_at, closed_at, channel, topic, reopened, message_count FROM support_ticket",
        "SELECT ticket_id FROM support_ticketmessage",
    )
    connection.ensure_connection()
    for statement in statements:
        with connection.connection.cursor() as cursor, cursor.copy(f"COPY ({statement}) TO STDOUT") as copy:
            for _ in copy:
                pass


def whole_run() -> None:
    """Read, features, 13 axes, archetypes, publish."""
    from segmentation.runs import segment_everyone

    segment_everyone(clock(), discover_first=True)


def re_score() -> None:
    """What happens every month: everybody with the model that is there."""
    from segmentation.runs import segment_everyone

    segment_everyone(clock())


def measure(url: str, rounds: int) -> dict[str, Timing]:
    """The three beside each other, in turn."""
    names = ("copy_out", "whole_run", "re_score")
    return in_turn({name: partial(timed_process, f"{HERE}:{name}", url=url) for name in names}, rounds)
