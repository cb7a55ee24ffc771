"""What others may want to know when orders come in. Sent after the commit, once an import, with all keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.dispatch import Signal

orders_recorded = Signal()
"""Customers have new valid orders, the first or a later one.

`customer_pks`: list of primary keys; `as_of`: the clock that the figures were counted by.
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
