"""Work that must not run twice at once, whoever starts it: a worker, a command or the shell."""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection


class Busy(Exception):
    """Somebody else is at it; the message says so in a sentence."""


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Hold the lock `name` for the block. It falls with the process or the connection, so a kill leaves nothing behind.

    On PostgreSQL an advisory lock (all hosts), elsewhere a lock on a file in the local folder (SQLite is one host anyway).

    Raises
    ------
    Busy
        At once, if the lock is held.
    """
    with _postgres_lock(name) if connection.vendor == "postgresql" else _file_lock(name):
        yield


@contextmanager
def _postgres_lock(name: str) -> Iterator[None]:
    key = int.from_bytes(hashlib.sha256(f"quimbi:{name}".encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        if not cursor.fetchone()[0]:
            raise Busy(_sentence(name))
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


@contextmanager
def _file_lock(name: str) -> Iterator[None]:
    folder = Path(settings.VAR) / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise Busy(_sentence(name)) from held
        yield


def _sentence(name: str) -> str:
    return f"Another {name} is running; wait for its end and start again."
