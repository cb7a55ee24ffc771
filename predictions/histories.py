"""The shop's purchase occasions, as the maths wants them."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from accounts.models import Shop
from customers.columns import Column, read_columns
from customers.histories import local_days
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


def lifetime_values(
    customer_ids: NDArray[np.int64], as_of: datetime, *, bought: Occasions | None = None
) -> NDArray[np.float64]:
    """What each of these customers (ascending keys) paid up to `as_of`, less what was refunded by then; never below zero.

    Two statements over all orders and refunds, for one customer over his own; one if `bought`, the occasions of the very same
    customers at `as_of`, was read already. To the last unit of money, so that whoever lies on the edge of a tier is on the same
    side of it alone and among others.
    """
    if bought is not None and np.array_equal(bought.customer_ids, customer_ids):
        spent = np.add.reduceat(bought.value, bought.starts[:-1]) if len(bought) else np.zeros(0)
    else:
        spent = _per_customer("customers_order", "total", "placed_at", "left_out = ''", customer_ids, as_of)
    refunded = _per_customer("customers_refund", "amount", "created_at", _OF_WHAT_COUNTS, customer_ids, as_of)
    return np.maximum(np.rint((spent - refunded) * UNIT) / UNIT, 0.0)


def kept_share(as_of: datetime) -> float:
    """The share of what was paid up to `as_of` that had not been refunded by then; 1 without orders."""
    whole = _total("customers_order", "total", "placed_at", "left_out = ''", as_of)
    back = _total("customers_refund", "amount", "created_at", _OF_WHAT_COUNTS, as_of)
    return float(np.clip(1.0 - back / whole, 0.0, 1.0)) if whole > 0 else 1.0


def _per_customer(
    table: str, amount: str, moment: str, which: str, customer_ids: NDArray[np.int64], as_of: datetime
) -> NDArray[np.float64]:
    columns = {"customer_id": Column("customer_id", "int64"), "amount": Column(amount, "money")}
    source = f"{table} WHERE customer_id IS NOT NULL AND {moment} <= %s AND {which}"
    params: tuple[object, ...] = (as_of,)
    if len(customer_ids) == 1:
        source, params = f"{source} AND customer_id = %s", (as_of, int(customer_ids[0]))
    read = read_columns(columns, source, params)
    at = np.searchsorted(customer_ids, read["customer_id"])
    at[at == len(customer_ids)] = 0
    known = customer_ids[at] == read["customer_id"] if len(customer_ids) else np.zeros(len(at), dtype=bool)
    totals: NDArray[np.float64] = np.bincount(at[known], weights=read["amount"][known], minlength=len(customer_ids)).astype(
        float
    )
    return totals


def _total(table: str, amount: str, moment: str, which: str, as_of: datetime) -> float:
    columns = {"amount": Column(amount, "money")}
    return float(read_columns(columns, f"{table} WHERE {moment} <= %s AND {which}", (as_of,))["amount"].sum())
