"""Rows that stand for all tests of a file: written once, and every test is rolled back to them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


@contextmanager
def standing_rows(blocker: Any, write: Callable[[], object]) -> Iterator[None]:
    """A transaction around the transactions of tests, in which `write` has written; its rows are gone at its end.

    For a fixture of a file (`scope="module"`) that asks for `django_db_setup`; `blocker` is `django_db_blocker`. A test that
    commits cannot be in the same file: there is nothing committed that it could commit to.
    """
    around = transaction.atomic()
    around._from_testcase = True  # what asks for an outermost transaction of its own gets one, as within any test
    with blocker.unblock():
        around.__enter__()
    try:
        with blocker.unblock():
            write()
            connection.check_constraints()  # now, and not at the end of every test anew
        yield
    finally:
        with blocker.unblock():
            transaction.set_rollback(True)
            around.__exit__(None, None, None)
