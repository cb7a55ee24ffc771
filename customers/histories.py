"""Order histories as arrays: what segmentation and prediction read. Rows dated after `as_of` are not there."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from customers.columns import Column, Table, read_columns
from customers.models import Product

# Below this many instants each is converted by itself: pandas takes longer to begin than Python to finish.
_FEW_INSTANTS = 200


@dataclass(frozen=True)
class Purchases:
    """Orders, lines and refunds of the customers who have a valid order; the columns are those of `maths.history.History`."""

    customer_ids: NDArray[np.int64]
    account_day: NDArray[np.int32]
    orders: Table
    lines: Table
    products: Table
    refunds: Table


def purchases(as_of: datetime, zone: ZoneInfo, *, first_pk: int | None = None, last_pk: int | None = None) -> Purchases:
    """Histories of the customers with keys from `first_pk` to `last_pk` (of all without them), as of `as_of`.

    Five statements, whatever the number of customers; for all customers of the reference shop (1.2 M orders, 2.9 M lines)
    about 400 MB at the peak.
    """
    between = () if first_pk is None or last_pk is None else (first_pk, last_pk)
    read = _orders(as_of, between)
    valid = ~read["refunded_whole"]
    order = np.flatnonzero(valid)
    order = order[np.lexsort((read["id"][order], read["placed_at"][order], read["customer_id"][order]))]
    customer_ids, customer = np.unique(read["customer_id"][order], return_inverse=True)
    order_ids, placed_at = read["id"][order], read["placed_at"][order]
    local_day = local_days(placed_at, zone)
    lines, products = _lines(order_ids, between)
    return Purchases(
        customer_ids=customer_ids.astype(np.int64),
        account_day=_account_days(customer_ids, customer, local_day, as_of=as_of, zone=zone, between=between),
        orders=Table(
            customer=customer.astype(np.int32),
            placed_at=placed_at,
            local_day=local_day,
            value=read["total"][order],
            discount=read["discounts"][order],
        ),
        lines=lines,
        products=products,
        refunds=_refunds(customer_ids, order_ids, read["id"][~valid], as_of, between),
    )


def local_days(seconds: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int32]:
    """Days since 1970-01-01 on the wall calendar of `zone`, for instants in seconds since 1970 UTC."""
    if len(seconds) <= _FEW_INSTANTS:
        epoch = datetime(1970, 1, 1).toordinal()
        return np.array([datetime.fromtimestamp(s, zone).toordinal() - epoch for s in seconds.tolist()], dtype=np.int32)
    import pandas as pd

    wall = pd.DatetimeIndex(seconds.astype("datetime64[s]"), tz="UTC").tz_convert(zone).tz_localize(None)
    return wall.to_numpy().astype("datetime64[D]").astype(np.int64).astype(np.int32)


def positions(sorted_keys: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of `keys` stands in `sorted_keys`; -1 where it does not."""
    if len(sorted_keys) == 0:
        return np.full(len(keys), -1, dtype=np.int64)
    found = np.searchsorted(sorted_keys, keys)
    found[found == len(sorted_keys)] = 0
    return np.where(sorted_keys[found] == keys, found, -1)


def _orders(as_of: datetime, between: tuple[int, ...]) -> Table:
    columns = {
        "id": Column("id", "int64"),
        "customer_id": Column("customer_id", "int64"),
        "placed_at": Column("placed_at", "seconds"),
        "total": Column("total", "money"),
        "discounts": Column("discounts", "money"),
        "refunded_whole": Column("left_out = 'refunded'", "bool"),
    }
    source = "customers_order WHERE customer_id IS NOT NULL AND placed_at <= %s AND left_out IN ('', 'refunded')"
    if between:
        source += " AND customer_id BETWEEN %s AND %s"
    return read_columns(columns, source, (as_of, *between))


def _lines(order_ids: NDArray[np.int64], between: tuple[int, ...]) -> tuple[Table, Table]:
    columns = {
        "order_id": Column("customers_lineitem.order_id", "int64"),
        "product_id": Column("product_id", "int64"),
        "quantity": Column("quantity", "int32"),
        "unit_price": Column("unit_price", "money"),
        "discount": Column("customers_lineitem.discount", "money"),
    }
    source = "customers_lineitem"
    if between:
        source += (
            " JOIN customers_order ON customers_order.id = customers_lineitem.order_id WHERE customer_id BETWEEN %s AND %s"
        )
    read = read_columns(columns, source, between)
    by_key = np.argsort(order_ids, kind="stable")
    order = positions(order_ids[by_key], read["order_id"])
    kept = np.flatnonzero(order >= 0)  # the others belong to orders that do not count
    order = by_key[order[kept]]
    sort = np.argsort(order, kind="stable")
    kept = kept[sort]
    product_ids, product = np.unique(read["product_id"][kept], return_inverse=True)
    lines = Table(
        order=order[sort].astype(np.int32),
        product=product.astype(np.int32),
        quantity=read["quantity"][kept],
        unit_price=read["unit_price"][kept],
        discount=read["discount"][kept],
    )
    return lines, _products(product_ids, all_of_them=not between)


def _products(product_ids: NDArray[np.int64], *, all_of_them: bool) -> Table:
    """The catalogue rows for `product_ids`, in their order."""
    rows = Product.objects.values_list("id", "identity", "category", "title")
    known = {pk: texts for pk, *texts in (rows if all_of_them else rows.filter(id__in=product_ids.tolist()))}
    texts = np.array([known[pk] for pk in product_ids.tolist()], dtype=object).reshape(len(product_ids), 3)
    return Table(identity=texts[:, 0], category=texts[:, 1], title=texts[:, 2])


def _account_days(
    customer_ids: NDArray[np.int64],
    customer: NDArray[np.int64],
    local_day: NDArray[np.int32],
    *,
    as_of: datetime,
    zone: ZoneInfo,
    between: tuple[int, ...],
) -> NDArray[np.int32]:
    """The day a profile was made; the first order's where that is earlier or the day is unknown."""
    columns = {"id": Column("id", "int64"), "created_at": Column("COALESCE(created_at, '9999-01-01 00:00:00')", "seconds")}
    source = "customers_customer" + (" WHERE id BETWEEN %s AND %s" if between else "")
    read = read_columns(columns, source, between)
    first_order = np.full(len(customer_ids), np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(first_order, customer, local_day)
    at = positions(customer_ids, read["id"])
    known = (at >= 0) & (read["created_at"] <= as_of.timestamp())
    made = np.full(len(customer_ids), np.iinfo(np.int32).max, dtype=np.int32)
    made[at[known]] = local_days(read["created_at"][known], zone)
    return np.minimum(made, first_order)


def _refunds(
    customer_ids: NDArray[np.int64],
    order_ids: NDArray[np.int64],
    wholly_refunded_ids: NDArray[np.int64],
    as_of: datetime,
    between: tuple[int, ...],
) -> Table:
    columns = {
        "customer_id": Column("customer_id", "int64"),
        "order_id": Column("COALESCE(order_id, 0)", "int64"),
        "amount": Column("amount", "money"),
    }
    source = "customers_refund WHERE customer_id IS NOT NULL AND created_at <= %s"
    if between:
        source += " AND customer_id BETWEEN %s AND %s"
    read = read_columns(columns, source, (as_of, *between))
    customer = positions(customer_ids, read["customer_id"])
    by_key = np.argsort(order_ids, kind="stable")
    at = positions(order_ids[by_key], read["order_id"])
    order = np.where(at >= 0, by_key[at] if len(by_key) else -1, -1)
    whole = np.isin(read["order_id"], wholly_refunded_ids)
    # A refund of an order that does not count for another reason (cancelled, test, foreign money) says nothing.
    kept = (customer >= 0) & ((order >= 0) | whole | (read["order_id"] == 0))
    return Table(
        customer=customer[kept].astype(np.int32),
        order=order[kept].astype(np.int32),
        whole_order=whole[kept],
        value=read["amount"][kept],
    )
