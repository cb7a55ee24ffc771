"""The one way out: every request to another system goes through `post`.

An address that somebody typed in must not reach what only this machine may reach (its own services, the private network, a
cloud's metadata). So the host is resolved here, once; every address that it has must be a public one; and the connection goes
to an address that was judged, so that a second answer of the name server cannot lead elsewhere. TLS is still checked against
the name. Redirects are not followed, proxies are not used, and of an answer only the head is read, up to a moment.
"""

import http.client
import io
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.http import parse_http_date_safe

from integrations.errors import IntegrationError, TemporaryIntegrationError

ATTEMPT_SECONDS = 10.0
"""From the first connecting to the end of the answer's head, however slowly its bytes come."""
CONNECT_SECONDS = 3.0
"""The part of it in which one of the addresses has to be reached."""
LONGEST_ADDRESS = 500
_PORT = r":(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
ADDRESS = rf"^https?://[A-Za-z0-9]([A-Za-z0-9._-]{{0,250}}[A-Za-z0-9])?({_PORT})?([/?][!\"$-~]*)?$"
"""A host by name or IPv4 address; then a port, path and query, each if there is one."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Answer:
    """What came back: the status, and the seconds that `Retry-After` asks for, None if it asks for nothing."""

    status: int
    retry_after_seconds: float | None = None

    @property
    def is_fine(self) -> bool:
        """Whether the status says that it was taken."""
        return 200 <= self.status < 300


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send `body` and return the answer, whatever its status. Takes up to 10 seconds and the name server's time.

    What follows the head is nobody's business here: an answer whose body is late or broken is an answer.

    Raises
    ------
    TemporaryIntegrationError
        If nobody answered, not in time, or not in HTTP.
    IntegrationError
        If the address is none that may be asked; nothing was sent.
    """
    parts = checked(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    addresses = _judged(host, port)
    until = time.monotonic() + ATTEMPT_SECONDS
    line = _Line(host, port, addresses=addresses, is_secure=parts.scheme == "https", until=until)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        line.request("POST", target, body=body, headers={"User-Agent": "Quimbi", "Connection": "close", **headers})
        with line.getresponse() as answer:
            return Answer(answer.status, _retry_after(answer.getheader("Retry-After", "")))
    except ssl.SSLCertVerificationError as problem:
        raise TemporaryIntegrationError("Its certificate is not valid for this host.") from problem
    except ssl.SSLError as problem:
        raise TemporaryIntegrationError("It could not agree on an encrypted connection.") from problem
    except TimeoutError as problem:
        raise TemporaryIntegrationError(f"It did not answer within {ATTEMPT_SECONDS:.0f} s.") from problem
    except http.client.HTTPException as problem:
        raise TemporaryIntegrationError("It broke off, or did not answer in HTTP.") from problem
    except OSError as problem:
        raise TemporaryIntegrationError("The connection broke off.") from problem
    finally:
        line.close()


def checked(url: str) -> SplitResult:
    """The parts of an address that may be asked as far as its text tells; no name server is asked.

    A host that is an IP address is judged here, in whatever spelling; a name each time that something is sent, for what it
    stands for changes. Raises `IntegrationError` with what is wrong.
    """
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > LONGEST_ADDRESS:
        raise IntegrationError(f"Write the address in at most {LONGEST_ADDRESS} plain characters, without spaces.")
    if "@" in url.split("://", 1)[-1].split("/", 1)[0]:
        raise IntegrationError("Leave user and password out of the address; what we send is signed.")
    if "#" in url:
        raise IntegrationError("Leave out what begins with #; it is never sent.")
    if not re.fullmatch(ADDRESS, url):
        raise IntegrationError("This is not an address; write one like https://example.com/hooks.")
    if url.startswith("http:") and settings.PRODUCTION:
        raise IntegrationError("The address must begin with https://, so that nobody on the way can read along.")
    parts = urlsplit(url)
    written = _written_address(parts.hostname or "")
    if written is not None and not may_be_asked(written):
        raise IntegrationError(_where_we_do_not_send())
    return parts


def may_be_asked(address: Address) -> bool:
    """Whether an IP address is a public one, or a private one where `QUIMBI_WEBHOOK_ALLOW_PRIVATE` allows those.

    Link-local addresses (the metadata of cloud machines) and those of no single machine are never asked.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return may_be_asked(address.ipv4_mapped)
        if address.sixtofour is not None or address.teredo is not None or address in _TRANSLATED or address.is_site_local:
            return False
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA:
        return False
    if settings.WEBHOOK_ALLOW_PRIVATE:
        return True
    return address.is_global and not address.is_reserved


def _written_address(host: str) -> Address | None:
    """The address that a host is, None for a name. Name servers are not asked for 127.1, 2130706433 and 0x7f.1 either."""
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _where_we_do_not_send() -> str:
    """The same sentence for every address: it tells nobody what lies behind a name."""
    if settings.WEBHOOK_ALLOW_PRIVATE:
        return "Its host is a link-local address, a cloud's metadata or no single machine; enter another address."
    return "Its host is on this machine or in a private network, where Quimbi does not send; enter a public address."


# What stands for an IPv4 address by translation, and the metadata of clouds that is not link-local.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/32")
_METADATA = {ipaddress.ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16")}


def _judged(host: str, port: int) -> list[str]:
    """The addresses that the host has now. `IntegrationError` if one of them may not be asked: names do not mix the two."""
    try:
        found = {entry[4][0]: None for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (socket.gaierror, UnicodeError) as problem:
        raise TemporaryIntegrationError("Its host name is not known.") from problem
    texts = [str(text) for text in found]
    if not texts or not all(may_be_asked(ipaddress.ip_address(text.partition("%")[0])) for text in texts):
        raise IntegrationError(_where_we_do_not_send())
    return texts


def _retry_after(text: str) -> float | None:
    """The seconds that the header names, by number or by date; None if it names none."""
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    moment = parse_http_date_safe(text)
    return None if moment is None else max(0.0, moment - time.time())


class _Line(http.client.HTTPConnection):
    """A connection to one of `addresses` that still asks for `host`, by name in the request and in TLS.

    All that is done with it ends at `until`, by the monotonic clock.
    """

    def __init__(self, host: str, port: int, *, addresses: list[str], is_secure: bool, until: float) -> None:
        super().__init__(host, port)
        self._addresses, self._is_secure, self._until = addresses, is_secure, until
        # Without a port where it is the usual one: receivers compare the header.
        self.default_port = 443 if is_secure else 80

    def connect(self) -> None:
        """Try one address after the other, each with its part of the time."""
        until = min(self._until, time.monotonic() + CONNECT_SECONDS)
        for place, address in enumerate(self._addresses):
            seconds = (until - time.monotonic()) / (len(self._addresses) - place)
            try:
                raw = socket.create_connection((address, self.port), timeout=max(seconds, 0.1))
                break
            except OSError:
                continue
        else:
            raise TemporaryIntegrationError("Nobody answers at its address.")
        self.sock = raw  # closed with the line, whatever becomes of the handshake
        if self._is_secure:
            raw.settimeout(_left(self._until))  # of the handshake as a whole
            raw = _tls().wrap_socket(raw, server_hostname=self.host)
        self.sock = _Hurried(raw, self._until)


class _Hurried:
    """As much of a socket as `http.client` uses. Sending and reading end at one moment, or a drip would hold us for ever."""

    def __init__(self, raw: socket.socket, until: float) -> None:
        self._raw, self._until = raw, until

    def sendall(self, data: bytes) -> None:
        """Send, if it can be done in time."""
        unsent = memoryview(data)
        while unsent:
            self._raw.settimeout(_left(self._until))
            unsent = unsent[self._raw.send(unsent) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        """The answer to read; `mode` is "rb"."""
        return io.BufferedReader(_HurriedReader(self._raw, self._until))

    def close(self) -> None:
        """Hang up."""
        self._raw.close()


class _HurriedReader(io.RawIOBase):
    def __init__(self, raw: socket.socket, until: float) -> None:
        self._raw, self._until = raw, until

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """What has come, at least one byte unless the other side is done."""
        self._raw.settimeout(_left(self._until))
        return self._raw.recv_into(buffer)


def _left(until: float) -> float:
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """The machine's own authorities; names are checked."""
    return ssl.create_default_context()
