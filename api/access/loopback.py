"""Recognition of local requests. While there is no API key, only these are served."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from api.http.hosts import requested_host
from api.http.request_in_hand import current_request
from shared.policy.hosts import name_in

# The names of headers that proxies add, as WSGI writes them. A pattern that begins with a word is quick.
FORWARDED = re.compile(
    r"HTTP_(FORWARDED|VIA|X_(FORWARDED|ORIGINAL|REAL|ENVOY|AMZN|CLUSTER|CLIENT_IP|PROXY)|TRUE_CLIENT_IP"
    r"|CF_|CDN_LOOP|FASTLY)"
)
OWN_PAGE = (
    None,
    "same-origin",
    "none",
)  # Sec-Fetch-Site: no browser, a page of this service, a typed address


@lru_cache(maxsize=1000)
def is_loopback(host: str) -> bool:
    """Return whether a name or an address is loopback; '' and 0.0.0.0 are not, as they mean all addresses."""
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
    """Return whether the current request is local by every sign.

    The client's address is not enough. A proxy on this machine forwards requests from anywhere. A browser on
    it sends requests of other sites' pages: these have another Sec-Fetch-Site, another Origin, or, if their
    name resolves to 127.0.0.1 (DNS rebinding), another Host.
    """
    request, host = current_request(), requested_host()
    sent = request.environ
    addresses = (request.remote_addr or "", sent["SERVER_NAME"], name_in(host))
    forwarded = FORWARDED.search(" ".join(sent))  # one search is quicker than a look at each name
    own_page = sent.get("HTTP_ORIGIN") in (None, f"{request.scheme}://{host}")
    own_page = own_page and sent.get("HTTP_SEC_FETCH_SITE") in OWN_PAGE
    return own_page and not forwarded and all(map(is_loopback, addresses))


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 part of ::ffff:127.0.0.1, and other addresses as they are."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
