"""Whether somebody is on this machine. While there is no API key, nobody else is let in."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from flask import request

from api.http.hosts import requested_host
from shared.policy.hosts import name_in

# Beginnings of headers that proxies add, by their names in WSGI.
FORWARDED = (
    "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_FORWARDED", "HTTP_X_ORIGINAL", "HTTP_X_REAL", "HTTP_X_ENVOY",
    "HTTP_X_AMZN", "HTTP_X_CLUSTER", "HTTP_X_CLIENT_IP", "HTTP_X_PROXY", "HTTP_TRUE_CLIENT_IP", "HTTP_CF_",
    "HTTP_CDN_LOOP", "HTTP_FASTLY",
)  # fmt: skip
OWN_PAGE = (
    None,
    "same-origin",
    "none",
)  # Sec-Fetch-Site: no browser, a page of this service, a typed address


@lru_cache(maxsize=1000)
def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own; '' and 0.0.0.0 are all of its addresses."""
    if host.lower() == "localhost":
        return True
    try:
        return _unmapped(ip_address(host)).is_loopback
    except ValueError:
        return False


def is_for_this_machine(public_url: str | None) -> bool:
    """Return whether the service has no public URL, or one that only this machine can reach."""
    return public_url is None or is_loopback(urlsplit(public_url).hostname or "")


def comes_from_this_machine() -> bool:
    """Return whether all that can be seen of the request in hand is local.

    The client's address is not enough. A proxy on this machine brings requests from anywhere. A browser on it
    brings those of other sites' pages: they have another Sec-Fetch-Site, another Origin, or, after their name
    was bound to 127.0.0.1 (DNS rebinding), another Host.
    """
    sent, host = request.environ, requested_host()
    addresses = (request.remote_addr or "", sent["SERVER_NAME"], name_in(host))
    forwarded = any(header.startswith(FORWARDED) for header in sent)
    own_page = sent.get("HTTP_ORIGIN") in (None, f"{request.scheme}://{host}")
    own_page = own_page and sent.get("HTTP_SEC_FETCH_SITE") in OWN_PAGE
    return own_page and not forwarded and all(map(is_loopback, addresses))


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 part of ::ffff:127.0.0.1, and other addresses as they are."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
