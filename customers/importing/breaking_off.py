"""Breaking off what the database is in the middle of when somebody asks to stop, for it may have half a minute to go.

What a transaction had begun is rolled back, and the checkpoint tells where to go on.
"""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import psycopg
from django.db import Error, connections

StopIfAsked = Callable[[], None]
"""Raises if the work should end, else returns at once. Called from any thread, a few times a second."""
ASKED_EVERY_SECONDS = 0.2
_DATABASE_ERRORS = (Error, psycopg.Error, sqlite3.Error)


def nobody_asks() -> None:
    """For work that goes on to its end."""


class BreakingOff:
    """While the context lasts, a thread asks whether to stop, and breaks off the statements of this thread's connection and of
    those of the driver that `others` gives.

    What `stop_if_asked` raised is raised in the place of the database's own error. A body that comes to its end all the same
    has come to its end. When the context is left nothing is broken off any more, so the end can be written down.
    """

    def __init__(self, stop_if_asked: StopIfAsked, others: Callable[[], list[Any]] = list) -> None:
        self._stop_if_asked, self._others = stop_if_asked, others
        self._over = threading.Event()
        self._stop: BaseException | None = None
        self._connection = connections["default"]
        self._thread = threading.Thread(target=self._watch, name="breaking off", daemon=True)

    def __enter__(self) -> Self:
        if self._stop_if_asked is not nobody_asks:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._stop is not None and isinstance(problem, _DATABASE_ERRORS):
            raise self._stop from problem

    def _watch(self) -> None:
        while not self._over.wait(ASKED_EVERY_SECONDS):
            try:
                self._stop_if_asked()
            except Exception as stop:  # whatever it is, the work shall end with it
                self._stop = stop
                for each in (self._connection.connection, *self._others()):
                    break_off(each)


def break_off(driver_connection: Any) -> None:
    """End the statement that runs on a connection of the driver, from another thread; nothing happens if none does.

    When this returns the database has been told, so no later statement is hit.
    """
    with suppress(psycopg.Error, sqlite3.Error):  # closed meanwhile, or the server does not answer: it is tried again
        if isinstance(driver_connection, psycopg.Connection):
            driver_connection.cancel_safe(timeout=2.0)
        elif driver_connection is not None:
            driver_connection.interrupt()
