"""What others may want to know of customers: orders came in, or somebody is erased."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.dispatch import Signal

orders_recorded = Signal()
"""Customers have new valid orders, the first or a later one. Sent after the commit, once an import, with all keys.

`customer_pks`: list of primary keys; `as_of`: the clock that the figures were counted by.
"""
figures_counted = Signal()
"""Figures on customers' rows have changed. Sent after the commit, for each chunk. `customer_pks`: whose."""
file_stored = Signal()
"""An import has come to its end: names may have changed. Sent after the commit."""
being_erased = Signal()
"""Customers are about to be deleted, in the transaction that deletes them: what was counted of them has to go with them.

`customers`: a `CustomerQuerySet`.
"""

_followed: ContextVar[bool] = ContextVar("followed", default=False)


@contextmanager
def everybody_follows() -> Iterator[None]:
    """For who starts a segmentation of everybody afterwards: orders that are recorded in here need none of their own."""
    token = _followed.set(True)
    try:
        yield
    finally:
        _followed.reset(token)


def is_followed() -> bool:
    """Whether everybody will be segmented anyway as soon as the caller has recorded its orders."""
    return _followed.get()
