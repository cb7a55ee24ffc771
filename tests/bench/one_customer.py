"""One customer after a new order: everything from reading to the stored row, beside the reads alone."""

import time
from datetime import datetime

from tests.bench.measuring import Timing

CUSTOMERS = 200

# Every row that scoring one customer needs, by the plainest statements.
READS = (
    "SELECT * FROM accounts_shop WHERE id = 1",
    "SELECT a.run_id, r.model_id, r.as_of, r.started_at FROM segmentation_activerun a"
    " JOIN segmentation_segmentationrun r ON r.id = a.run_id",
    "SELECT id, customer_id, placed_at, total, discounts, left_out FROM customers_order"
    " WHERE customer_id = %(pk)s AND left_out IN ('', 'refunded') AND placed_at <= %(as_of)s",
    "SELECT l.order_id, p.identity, p.category, p.title, l.quantity, l.unit_price, l.discount FROM customers_lineitem l"
    " JOIN customers_order o ON o.id = l.order_id JOIN customers_product p ON p.id = l.product_id"
    " WHERE o.customer_id = %(pk)s",
    "SELECT id, created_at FROM customers_customer WHERE id = %(pk)s",
    "SELECT order_id, amount FROM customers_refund WHERE customer_id = %(pk)s AND created_at <= %(as_of)s",
    "SELECT id, created_at, closed_at, channel, topic, reopened, message_count FROM support_ticket"
    " WHERE customer_id = %(pk)s AND created_at <= %(as_of)s",
    "SELECT m.ticket_id FROM support_ticketmessage m JOIN support_ticket t ON t.id = m.ticket_id"
    " WHERE t.customer_id = %(pk)s AND m.created_at <= %(as_of)s",
    "SELECT id, archetype_id, order_count, lifetime_value FROM segmentation_membership"
    " WHERE run_id = %(run)s AND customer_id = %(pk)s FOR UPDATE",
)


def measure() -> dict[str, Timing]:
    """Seconds of each customer, reads alone and everything, in this process; Django must be set up."""
    from django.db import connection, transaction

    from segmentation.models import ActiveRun, Membership
    from segmentation.one_customer import segment_customer

    run = ActiveRun.current()
    assert run is not None, "segment the shop first"
    everybody = Membership.objects.filter(run=run).order_by("customer_id").values_list("customer_id", flat=True)
    pks = list(everybody[:: max(run.segmented // CUSTOMERS, 1)][:CUSTOMERS])

    def read(pk: int, as_of: datetime) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in READS:
                cursor.execute(statement, {"pk": pk, "as_of": as_of, "run": run.pk})
                cursor.fetchall()

    for pk in pks[:5]:  # the first ones load libraries and the model
        segment_customer(pk, run.as_of)
        read(pk, run.as_of)
    reads, everything = [], []
    for pk in pks:
        begun = time.perf_counter()
        read(pk, run.as_of)
        between = time.perf_counter()
        segment_customer(pk, run.as_of)
        reads.append(between - begun)
        everything.append(time.perf_counter() - between)
    return {"own_reads": Timing(reads), "scored_and_stored": Timing(everything)}
