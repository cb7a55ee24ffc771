"""The shop's purchase occasions, as the maths wants them."""

from datetime import datetime

import numpy as np
from django.db.models import Q, Sum
from numpy.typing import NDArray

from accounts.models import Shop
from customers.columns import Column, read_columns
from customers.histories import local_days
from customers.models import Order, Refund
from customers.money import UNIT
from predictions.maths.occasions import Occasions

_OF_WHAT_COUNTS = (
    "(customers_refund.order_id IS NULL OR EXISTS"
    " (SELECT 1 FROM customers_order o WHERE o.id = customers_refund.order_id AND o.left_out = ''))"
)


def occasions(as_of: datetime, *, customer_pk: int | None = None) -> Occasions:
    """Occasions of everybody with a valid order up to `as_of`, or of one customer; one statement.

    About 1.5 s and 150 MB for 1.2 million orders on PostgreSQL.
    """
    columns = {
        "customer_id": Column("customer_id", "int64"),
        "placed_at": Column("placed_at", "seconds"),
        "total": Column("total", "money"),
    }
    source = "customers_order WHERE customer_id IS NOT NULL AND placed_at <= %s AND left_out = ''"
    params: tuple[object, ...] = (as_of,)
    if customer_pk is not None:
        source, params = f"{source} AND customer_id = %s", (*params, customer_pk)
    read = read_columns(columns, source, params)
    days = local_days(read["placed_at"], Shop.current().zone).astype(np.int64)
    return Occasions.of_orders(read["customer_id"], days, read["total"])


def lifetime_values(bought: Occasions, as_of: datetime) -> NDArray[np.float64]:
    """What each customer of `bought`, his occasions up to `as_of`, paid less what was refunded by then; never below zero.

    One statement over all refunds, for one customer over his own. To the last unit of money, so that whoever lies on the edge
    of a tier is on the same side of it alone and among others.
    """
    if not len(bought):
        return np.zeros(0)
    paid = np.add.reduceat(bought.value, bought.starts[:-1])
    return np.maximum(np.rint((paid - _refunded(bought.customer_ids, as_of)) * UNIT) / UNIT, 0.0)


def _refunded(customer_ids: NDArray[np.int64], as_of: datetime) -> NDArray[np.float64]:
    """What went back to each of these customers (ascending keys) by `as_of`, of orders that count."""
    columns = {"customer_id": Column("customer_id", "int64"), "amount": Column("amount", "money")}
    source = f"customers_refund WHERE customer_id IS NOT NULL AND created_at <= %s AND {_OF_WHAT_COUNTS}"
    params: tuple[object, ...] = (as_of,)
    if len(customer_ids) == 1:
        source, params = f"{source} AND customer_id = %s", (as_of, int(customer_ids[0]))
    read = read_columns(columns, source, params)
    at = np.minimum(np.searchsorted(customer_ids, read["customer_id"]), len(customer_ids) - 1)
    known = customer_ids[at] == read["customer_id"]
    return np.bincount(at[known], weights=read["amount"][known], minlength=len(customer_ids)).astype(np.float64)


def kept_share(as_of: datetime) -> float:
    """The share of what was paid up to `as_of` that had not been refunded by then; 1 without orders."""
    paid = Order.objects.filter(left_out="", placed_at__lte=as_of).aggregate(sum=Sum("total"))["sum"]
    counts = Q(order=None) | Q(order__left_out="")
    back = Refund.objects.filter(counts, created_at__lte=as_of).aggregate(sum=Sum("amount"))["sum"] or 0
    return min(max(1.0 - float(back / paid), 0.0), 1.0) if paid else 1.0
