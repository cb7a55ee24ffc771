"""Web origins as browsers write them: what a page's requests are compared with, to the letter. No Django: settings read it."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

HOW_TO_WRITE = "as browsers send them: like https://shop.example, in lower case, without a path or the scheme's usual port"
USUAL_PORTS = {"http": 80, "https": 443}
LONGEST_HOST, HIGHEST_PORT = 253, 65_535

_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9_.-]+|\[[0-9a-f:]+\])(?::(?P<port>[1-9][0-9]{0,4}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def is_origin(text: str) -> bool:
    """Whether some browser could send exactly this; another spelling of the same origin would never match."""
    found = _ORIGIN.fullmatch(text)
    if found is None or not _is_host(found["host"]):
        return False
    port = int(found["port"] or 0)
    return port <= HIGHEST_PORT and port != USUAL_PORTS[found["scheme"]]


def _is_host(host: str) -> bool:
    try:
        if host.startswith("["):
            return str(IPv6Address(host[1:-1])) == host[1:-1]
        labels = host.split(".")
        if labels[-1].isdigit():  # browsers take it for an address of four numbers
            return str(IPv4Address(host)) == host
    except AddressValueError:
        return False
    return len(host) <= LONGEST_HOST and all(_LABEL.fullmatch(label) for label in labels)
