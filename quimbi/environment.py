"""Reading the environment. An empty variable counts as none; a value that cannot be right stops the start with one sentence.

Stopping is an exit and not an exception: settings are read by `manage.py`, gunicorn and Celery, and each would bury the
sentence in a traceback of its own.
"""

import math
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import environ

from accounts.origins import HOW_TO_WRITE, is_origin

# gunicorn takes this for "the worker cannot boot" and stops, instead of starting it again for ever.
UNFIT = 3

YES = {"1", "true", "yes", "on"}
NO = {"0", "false", "no", "off"}
DATABASES = {"sqlite", "postgres", "postgresql"}


def text(name: str, default: str = "") -> str:
    """The variable without surrounding space."""
    return os.environ.get(name, "").strip() or default


def one_of(name: str, choices: Collection[str], default: str) -> str:
    """The variable, which has to be one of `choices`."""
    value = text(name, default)
    if value not in choices:
        _stop(name, value, f"write one of {', '.join(filter(None, choices))}")
    return value


def switch(name: str, default: bool = False) -> bool:
    """On or off."""
    value = text(name).lower()
    if value and value not in YES | NO:
        _stop(name, value, "write true or false")
    return value in YES if value else default


def whole_number(name: str, default: int, *, least: int = 0) -> int:
    """A whole number of at least `least`."""
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit() or int(value) < least:
        _stop(name, value, f"write a whole number from {least} up")
    return int(value)


def number(name: str, default: float, *, least: float = 0.0, most: float = math.inf) -> float:
    """A number from `least` to `most`."""
    value = text(name, str(default))
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not least <= found <= most or math.isinf(found):
        _stop(name, value, f"write a number from {least:g} {'up' if math.isinf(most) else f'to {most:g}'}")
    return found


def share(name: str, default: float) -> float:
    """A part of a whole, from 0 to 1."""
    return number(name, default, most=1.0)


def words(name: str, default: str = "") -> list[str]:
    """Several values, separated by commas."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def origins(name: str) -> list[str]:
    """Web origins as browsers write them, like https://shop.example."""
    found = words(name)
    for origin in found:
        if not is_origin(origin):
            _stop(name, origin, f"write origins {HOW_TO_WRITE}")
    return found


def database(name: str) -> dict[str, Any] | None:
    """Django's entry for the database that the URL names; None without the variable."""
    value = text(name)
    if not value:
        return None
    try:
        address = urlsplit(value)
        if address.scheme not in DATABASES or not address.path.strip("/") or address.port == 0:
            raise ValueError
        return dict(environ.Env.db_url_config(value))
    except ValueError:
        _stop(
            name,
            "not an address that Quimbi knows",
            "write postgres://user:password@host:5432/name or sqlite:////path/to/file",
            quote=False,
        )


def redis(name: str) -> str:
    """The address of a Redis server; empty without the variable."""
    value = text(name)
    if value and (urlsplit(value).scheme not in {"redis", "rediss", "unix"}):
        _stop(name, "not an address of a Redis server", "write redis://host:6379/0", quote=False)
    return value


def folder(name: str, default: Path) -> Path:
    """A folder of ours, made if it is not there; it has to be this user's to write in."""
    path = Path(text(name, str(default))).expanduser().resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        _refuse(f"{path} cannot be made ({problem.strerror}); set {name} to a folder that can")
    if not os.access(path, os.W_OK | os.X_OK):
        _refuse(f"{path} belongs to somebody else; take it over (chown) or set {name} to another folder")
    return path


def _stop(name: str, value: str, instead: str, *, quote: bool = True) -> NoReturn:
    """Refuse the value of a variable. An address is never shown: it may hold a password."""
    _refuse(f"{name} is {repr(value) if quote else value}; {instead}, or unset it")


def _refuse(reason: str) -> NoReturn:
    sys.stderr.write(f"Quimbi does not start: {reason}.\n")
    raise SystemExit(UNFIT)
