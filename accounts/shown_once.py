"""A new key on its way to the one page that shows it.

The answer to making a key leads on to another page, so that loading that one again makes nothing again. In between the key lies
in the session of whoever made it, sealed, and the page takes it out.
"""

from django.http import HttpRequest

from accounts.models import ApiKey
from accounts.sealing import Unopenable, opened, seal


def put_away(request: HttpRequest, key: ApiKey, secret: str) -> None:
    """Keep the key for `taken_out`."""
    request.session[_name(key)] = seal(secret)


def is_waiting(request: HttpRequest, key: ApiKey) -> bool:
    """Whether the person who asks has made the key and not seen it yet."""
    return _name(key) in request.session


def taken_out(request: HttpRequest, key: ApiKey) -> str:
    """The key, the first time; empty afterwards, and for everybody else."""
    try:
        return opened(request.session.pop(_name(key), ""))
    except Unopenable:
        return ""


def _name(key: ApiKey) -> str:
    return f"shows key {key.prefix}"
