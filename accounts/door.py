"""How often somebody may try to sign in: so many wrong passwords a quarter of an hour, by name and address and by address.

Not by the name alone, for anybody could then lock anybody else out. A try counts before the password is looked at, so that
many at once are counted exactly, and is taken off again when the password was right.
"""

import hashlib
import logging
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from accounts import counting

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 15 * 60
TRIES_OF_A_NAME, TRIES_OF_AN_ADDRESS = 10, 100
"""An office goes out by one address, so that one may err more often than a person."""
IPV6_NETWORK_BITS = 64
"""Whoever has one IPv6 address has all that share its first 64 bits."""


class TooManyTries(Exception):
    """Too many wrong passwords; the message is one sentence. `wait` is in seconds."""

    def __init__(self, wait: int) -> None:
        minutes = -(-wait // 60)
        told = "a minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(f"That was too many tries; wait {told}, then try again.")
        self.wait = wait


@dataclass(frozen=True)
class Try:
    """One try that has been counted."""

    callers: tuple[str, ...]
    now: int

    def was_right(self) -> None:
        """Take it off again."""
        for caller in self.callers:
            counting.take_off(caller, self.now, WINDOW_SECONDS)


def count_try(request: HttpRequest, username: str) -> Try:
    """Count a try to sign in, two statements. Raises `TooManyTries` if its password must not be looked at.

    Where nothing can be counted the try passes: signing in needs the same database.
    """
    now = int(timezone.now().timestamp())
    address = address_of(request)
    callers = (_caller(address), _caller(address, unicodedata.normalize("NFKC", username).strip().casefold()))
    for caller, limit in zip(callers, (TRIES_OF_AN_ADDRESS, TRIES_OF_A_NAME), strict=True):
        counted = counting.count(caller, now, limit, 0, [], WINDOW_SECONDS)
        if counted is None or counted[0] <= limit:
            continue
        if counted[0] == limit + 1 and limit == TRIES_OF_AN_ADDRESS:
            logger.warning("Signing in is stopped for an address; behind a proxy TRUSTED_PROXIES has to say so.")
        raise TooManyTries(WINDOW_SECONDS - now % WINDOW_SECONDS)
    return Try(callers, now)


def address_of(request: HttpRequest) -> str:
    """Where a request comes from, as far as we can know: what the outermost proxy of ours saw, else our own connection.

    Whatever stands before that in `X-Forwarded-For` came with the request and may be invented.
    """
    connected = request.META.get("REMOTE_ADDR", "")
    if not settings.TRUSTED_PROXIES:
        return _network(connected) or connected
    told = request.headers.get("X-Forwarded-For", "").split(",")
    seen = _network(told[-settings.TRUSTED_PROXIES]) if len(told) >= settings.TRUSTED_PROXIES else ""
    return seen or _network(connected) or connected


def _network(text: str) -> str:
    """The address in one spelling, without a port, and of IPv6 the network; empty for what is none."""
    text = text.strip()
    for each in (text.strip("[]"), text.rpartition(":")[0].strip("[]")):
        try:
            address = ip_address(each)
        except ValueError:
            continue
        if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
            return str(IPv6Address(int(address) >> IPV6_NETWORK_BITS << IPV6_NETWORK_BITS))
        return str(getattr(address, "ipv4_mapped", None) or address)
    return ""


def _caller(*who: str) -> str:
    """Names and addresses are counted as digests: the counts need no more."""
    return "door:" + hashlib.blake2b("\n".join(who).encode(errors="surrogatepass"), digest_size=16).hexdigest()
