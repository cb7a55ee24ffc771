"""What happened, as arrays. Customers are positions 0 to n-1; nothing here knows the database."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Columns(Protocol):
    """Named columns of one length: `customers.columns.Table`, and a data frame will do as well."""

    def __getitem__(self, name: str, /) -> NDArray[Any]:
        """One column."""

    def __len__(self) -> int:
        """The number of rows."""


@dataclass(frozen=True)
class History:
    """Orders, lines, refunds and tickets of some customers, none dated after the clock it was read with.

    Attributes
    ----------
    customer_ids : int64 array of shape (n_customers,)
        The rows' keys, ascending. Every customer here has a valid order.
    account_day : int32 array of shape (n_customers,)
        Local day (days since 1970-01-01 in the shop's zone) on which the profile was made, at the latest the first order's.
    orders : Columns
        Valid orders, sorted by customer and time: ``customer`` int32 position, ``placed_at`` int64 seconds since 1970 UTC,
        ``local_day`` int32, ``value`` and ``discount`` float64 in the shop's currency (value is what was paid, after the
        discount).
    lines : Columns
        Lines of those orders, sorted by order: ``order`` int32 position in `orders`, ``product`` int32 position in
        `products`, ``quantity`` int32, ``unit_price`` float64, ``discount`` float64 for the whole line.
    products : Columns
        ``identity`` (str), ``category`` (str, empty if the shop has none), ``title`` (str): one row a product description;
        rows with the same identity are the same product.
    refunds : Columns
        ``customer`` int32, ``order`` int32 position in `orders` or -1, ``whole_order`` bool (money for an order that was
        refunded in full, hence is not in `orders`), ``value`` float64.
    tickets : Columns
        ``customer`` int32, ``created_at`` int64 seconds, ``channel`` and ``topic`` (names of
        `support.models.Ticket.Channel` and ``Topic``), ``messages`` int32, ``resolution_hours`` float64 (NaN while open),
        ``reopened`` bool.
    """

    customer_ids: NDArray[np.int64]
    account_day: NDArray[np.int32]
    orders: Columns
    lines: Columns
    products: Columns
    refunds: Columns
    tickets: Columns

    def __len__(self) -> int:
        return len(self.customer_ids)
