"""Whether somebody is on this machine. While there is no API key, nobody else is let in."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from flask import request

FORWARDED = (  # headers that proxies add, by their names in WSGI
    "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP",
)  # fmt: skip


@lru_cache(maxsize=1000)
def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own; '' and 0.0.0.0 are all of its addresses."""
    if host.lower() == "localhost":
        return True
    try:
        return _unmapped(ip_address(host)).is_loopback
    except ValueError:
        return False


def comes_from_this_machine() -> bool:
    """Whether all that can be seen of the request in hand is local.

    Not the client's address alone: a proxy on this machine brings requests from anywhere, and a browser on it
    brings those of web pages, which name their own site as Origin, or, after their name was bound to
    127.0.0.1 (DNS rebinding), as Host.
    """
    sent, host = request.environ, request.host
    addresses = (request.remote_addr or "", sent["SERVER_NAME"], _name_in(host))
    forwarded = any(header in sent for header in FORWARDED)
    own_page = sent.get("HTTP_ORIGIN") in (None, f"{request.scheme}://{host}")
    return own_page and not forwarded and all(map(is_loopback, addresses))


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Of ::ffff:127.0.0.1 the IPv4 part."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


@lru_cache(maxsize=1000)
def _name_in(host: str) -> str:
    """`host` without its port and brackets; '' if it is malformed."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
