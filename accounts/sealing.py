"""Keeping a text so that whoever reads the database alone (a backup, a dump) cannot read it: sealed with SECRET_KEY."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

_SALT = "quimbi.sealing"


class Unopenable(Exception):
    """What is kept was not sealed with this installation's SECRET_KEY, nor with one of its SECRET_KEY_FALLBACKS."""


def seal(text: str) -> str:
    """The text, encrypted and signed; another one each time."""
    return _keys().encrypt(text.encode()).decode()


def opened(sealed: str) -> str:
    """The text that was sealed. Raises `Unopenable`."""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken as problem:
        raise Unopenable from problem


def _keys() -> MultiFernet:
    """The key in force, then the earlier ones."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    digests = [salted_hmac(_SALT, "", secret=secret, algorithm="sha256").digest() for secret in secrets]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
