"""The figures that stand on a customer's row: order count, lifetime value, first and last order.

Only valid orders count (`customers.importing.validity`). Lifetime value is what was paid for them, less what was refunded on
them and less returns that the source ties to no order; it is never below zero. Orders and returns dated after `as_of` change
nothing; their customers stay due until that day has come. Whoever stores orders adds their customers to `MetricsDue` in the
same transaction.
"""

# ruff: noqa: S608  (names of tables and columns are our own; values go as parameters)

import json
from collections.abc import Callable, Iterable, Set
from datetime import datetime
from functools import partial

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from customers.importing.dialect import dialect
from customers.models import Customer, MetricsDue, Order, Refund
from customers.signals import figures_counted, orders_recorded

Progress = Callable[[float, str], None]


def refresh(customers: Iterable[int] | None = None, *, as_of: datetime) -> int:
    """Count the figures of the customers with these keys again (of everybody without them); return how many were looked at."""
    keys = Customer.objects.values_list("pk", flat=True) if customers is None else customers
    batch: list[MetricsDue] = []
    for key in keys:
        batch.append(MetricsDue(customer_id=key))
        if len(batch) == 5000:
            MetricsDue.objects.bulk_create(batch, ignore_conflicts=True)
            batch.clear()
    MetricsDue.objects.bulk_create(batch, ignore_conflicts=True)
    return settle(as_of)


def settle(as_of: datetime, progress: Progress | None = None) -> int:
    """Count the figures of all customers who are due; return how many.

    Chunks of some thousand customers, each one transaction that writes only rows whose figures changed; at the end, also an
    early one, one signal with all who have new valid orders. Some tens of µs a customer on PostgreSQL. Customers whom somebody
    else is marking at this moment are left to the next time.
    """
    with_new_orders: list[int] = []
    try:
        return _settle(as_of, progress, with_new_orders)
    finally:
        if with_new_orders:
            transaction.on_commit(partial(orders_recorded.send_robust, Customer, customer_pks=with_new_orders, as_of=as_of))


def _settle(as_of: datetime, progress: Progress | None, with_new_orders: list[int]) -> int:
    """Count chunk by chunk, and add to `with_new_orders` as chunks are committed."""
    total, done, last = MetricsDue.objects.count(), 0, 0
    size = 50_000 if connection.vendor == "postgresql" else 2_000
    while True:
        with transaction.atomic():
            # Locked: whoever stores orders of these customers from here on waits, and then marks them anew.
            locked = MetricsDue.objects.select_for_update(skip_locked=True).filter(customer_id__gt=last).order_by("customer_id")
            due = dict(locked.values_list("customer_id", "has_new_orders")[:size])
            if not due:
                break
            first, last = min(due), max(due)
            changed = _count(first, last, as_of)
            waiting = _waiting(first, last, as_of)
            buyers = set(Customer.objects.filter(pk__range=(first, last), order_count__gt=0).values_list("pk", flat=True))
            _no_longer_due(due.keys() - waiting)
            if changed:
                transaction.on_commit(partial(figures_counted.send_robust, Customer, customer_pks=changed))
        news = changed | (due.keys() - waiting)  # those who only go on waiting have been told of
        with_new_orders += [pk for pk, has_new in due.items() if has_new and pk in buyers and pk in news]
        done += len(due)
        if progress:
            progress(done / max(total, done), f"{done:,} of {max(total, done):,} customers counted")
    return done


def is_due(as_of: datetime) -> bool:
    """Whether `settle` would be done with anybody: some are due, and not only for a day to come. One query."""
    orders = Order.objects.valid().filter(customer=OuterRef("customer"), placed_at__gt=as_of)
    returns = Refund.objects.filter(customer=OuterRef("customer"), order=None, created_at__gt=as_of)
    return MetricsDue.objects.filter(~Exists(orders), ~Exists(returns)).exists()


def _waiting(first: int, last: int, as_of: datetime) -> set[int | None]:
    """Who among the customers with keys from `first` to `last` has orders or returns that count only later."""
    between = {"customer_id__gte": first, "customer_id__lte": last}
    orders = Order.objects.valid().filter(placed_at__gt=as_of, **between).order_by()
    returns = Refund.objects.filter(created_at__gt=as_of, order=None, **between).order_by()
    return {*orders.values_list("customer_id", flat=True), *returns.values_list("customer_id", flat=True)}


def _count(first: int, last: int, as_of: datetime) -> set[int]:
    """The set-based statement for the due customers with keys from `first` to `last`; returns whose figures changed."""
    d = dialect()
    d.prepare()
    returned = (
        "coalesce((SELECT sum(r.amount) FROM customers_refund r"
        " WHERE r.customer_id = c.id AND r.order_id IS NULL AND r.created_at <= %(as_of)s), 0)"
    )
    figures = {
        "order_count": "count(o.id)",
        "lifetime_value": f"CAST({d.greatest(f'coalesce(sum(o.total - o.refunded), 0) - {returned}', '0')} AS bigint)",
        "first_order_at": "min(o.placed_at)",
        "last_order_at": "max(o.placed_at)",
    }
    statement = (
        f"UPDATE customers_customer SET {', '.join(f'{name} = f.{name}' for name in figures)} FROM ("
        f"SELECT c.id, {', '.join(f'{sql} AS {name}' for name, sql in figures.items())} FROM customers_customer c"
        " LEFT JOIN customers_order o ON o.customer_id = c.id AND o.left_out = '' AND o.placed_at <= %(as_of)s"
        " WHERE c.id IN (SELECT customer_id FROM customers_metricsdue WHERE customer_id BETWEEN %(first)s AND %(last)s)"
        " GROUP BY c.id) f WHERE customers_customer.id = f.id"
        f" AND ({' OR '.join(d.differs(f'customers_customer.{name}', f'f.{name}') for name in figures)})"
        " RETURNING customers_customer.id"
    )
    with connection.cursor() as cursor:
        if setting := d.before_chunk():
            cursor.execute(setting)
        cursor.execute(statement, {"as_of": d.instant(as_of), "first": first, "last": last})
        return {key for (key,) in cursor.fetchall()}


def _no_longer_due(customers: Set[int]) -> None:
    """Delete the rows of exactly these customers. The ORM would take longer for its list of keys than the counting does."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM customers_metricsdue WHERE customer_id IN {dialect().keys('%s')}", [json.dumps(list(customers))]
        )
