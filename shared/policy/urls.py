"""Checks of an http(s) URL that need no network. The API makes them at submit, a worker before each request.

worker/sources/guarded_session.py checks the resolved address when it connects.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from shared.policy.hosts import is_host
from shared.redaction import shortened
from shared.request_errors import UrlNotAllowed
from shared.settings import Settings

MAX_NAME = 253  # characters of a name in DNS (RFC 1035, 2.3.4)
DEFAULT_PORTS = {"http": 80, "https": 443}
# RFC 6761, RFC 6762, RFC 8375; the metadata servers of clouds are in `internal`.
PRIVATE_DOMAINS = ("localhost", "internal", "local", "localdomain", "home.arpa")

IPV6_UNICAST = ip_network("2000::/3")  # IANA has given out global unicast addresses from this block only
# Special-purpose blocks in IANA's registries that `is_global` of Python 3.11 reports as public.
NOT_PUBLIC = tuple(
    ip_network(block)
    for block in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relay anycast, RFC 7526
        "2001::/23",  # protocol assignments, with Teredo, whose addresses contain an IPv4 address
        "2002::/16",  # 6to4, whose addresses contain an IPv4 address
        "3fff::/20",  # documentation, RFC 9637
    )
)

# urlsplit silently drops some of these; browsers read a backslash as a slash.
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a name whose last label is one is IPv4 (WHATWG URL, 3.5)


class UrlRule(NamedTuple):
    """The use of one kind of URL, and the hosts that it may name besides public ones."""

    use: str  # a phrase for error messages, such as "images are fetched from"
    allowed_hosts: tuple[str, ...]
    setting: str  # the variable behind `allowed_hosts`


def source_urls(settings: Settings) -> UrlRule:
    return UrlRule(
        "images are fetched from", settings.source_allowed_hosts, "STYLEQUEUE_SOURCE_ALLOWED_HOSTS"
    )


def webhook_urls(settings: Settings) -> UrlRule:
    return UrlRule("webhooks are sent to", settings.webhook_allowed_hosts, "STYLEQUEUE_WEBHOOK_ALLOWED_HOSTS")


class Endpoint(NamedTuple):
    """The target of a URL. `host` is lower-case ASCII, without a trailing dot or brackets."""

    scheme: str
    host: str
    port: int


def check_url(url: str, rule: UrlRule) -> Endpoint:
    """Return the URL's endpoint, or raise UrlNotAllowed with the reason.

    A URL is allowed if it is `https://` on port 443 of a public name or address, or if the rule allows its
    host. Only the text is checked: a public name may still resolve to a private address.
    """
    endpoint = endpoint_of(url)
    if is_allowed_host(endpoint.host, endpoint.port, rule):
        return endpoint
    reason = _objection(endpoint, rule.use)
    if reason:
        raise UrlNotAllowed(f"{reason}. The operator can allow the host in {rule.setting}")
    return endpoint


def is_allowed_host(host: str, port: int, rule: UrlRule) -> bool:
    """Return whether the rule names the host; an entry without a port allows every port."""
    entries = (urlsplit(f"//{entry}") for entry in rule.allowed_hosts)
    return any(_canonical(entry.hostname or "") == host and entry.port in (None, port) for entry in entries)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is on the public internet; ::ffff:1.2.3.4 is judged by its IPv4 part."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address not in IPV6_UNICAST or address.scope_id:
            return False
    special = address.is_multicast or any(address in block for block in NOT_PUBLIC)
    return address.is_global and not special


def endpoint_of(url: str) -> Endpoint:
    """Return the endpoint of an http(s) URL.

    Raises:
        UrlNotAllowed: the URL has another scheme, holds credentials, or is malformed.
    """
    parts = _split(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise UrlNotAllowed(f"The URL begins with '{shortened(parts.scheme)}:'; it must begin with https://")
    if "@" in parts.netloc:
        raise UrlNotAllowed("The URL holds a user name or password; credentials are not sent")
    if "[" in parts.netloc and not is_host(parts.netloc):  # RFC 3986 also allows [v1.x]
        raise UrlNotAllowed("The URL has brackets around something other than an IPv6 address")
    host = _canonical(parts.hostname or "")
    if not host:
        raise UrlNotAllowed("The URL has no host, or its host is not a valid name")
    return Endpoint(parts.scheme, host, DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port)


def _split(url: str) -> SplitResult:
    if _UNSAFE.search(url):
        raise UrlNotAllowed("The URL holds a space, a control character or a backslash")
    try:
        parts = urlsplit(url)
        _ = parts.port  # parsed on access, so a malformed port raises here
    except ValueError:
        raise UrlNotAllowed("The URL cannot be understood: its host or port is malformed") from None
    return parts


def _canonical(host: str) -> str:
    """Return `host` as a resolver receives it, in lower-case ASCII; '' if it cannot be a name."""
    try:
        name = host.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        return ""
    return name if len(name) <= MAX_NAME else ""


def _objection(endpoint: Endpoint, use: str) -> str | None:
    """Return why an endpoint is forbidden; None if it is `https://` on port 443 of a public host.

    Raises:
        UrlNotAllowed: there can be no such host.
    """
    if endpoint.scheme != "https":
        return f"The URL begins with 'http:'; {use} https:// only"
    if endpoint.port != DEFAULT_PORTS["https"]:
        return f"The URL names port {endpoint.port}; {use} port 443 only"
    host = endpoint.host
    address = _literal_address(host)
    if address is not None:
        return (
            None if is_public(address) else f"The URL's host '{shortened(host, 150)}' is not a public address"
        )
    if not _NAME.fullmatch(host) or _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise UrlNotAllowed(f"The URL's host '{host}' is neither a name nor an address")
    if "." not in host or any(host.endswith(f".{domain}") for domain in PRIVATE_DOMAINS):
        return f"The URL's host '{shortened(host, 150)}' is not a public name"
    return None


def _literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that `host` spells, or None.

    IPv4 is read as connect() reads it: 127.1, 2130706433 and 0x7f.1 are addresses.
    """
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None
