"""Host names in settings, URLs and the Host header: a name or an address, with an optional port."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

MAX_PORT = 65_535
_HOST = re.compile(r"(?P<name>[\w-]+(\.[\w-]+)*)\.?(:(?P<port>[0-9]{1,5}))?")
_BRACKETED = re.compile(r"\[(?P<name>[0-9a-fA-F:.]+)\](:(?P<port>[0-9]{1,5}))?")


def is_host(text: str) -> bool:
    """Return whether the text is `name` or `name:port`, with an IPv6 address in brackets."""
    return name_in(text) != ""


def name_in(host: str) -> str:
    """Return the name of `name:port` in lower case, without brackets or final dot; '' if it is malformed."""
    match = _HOST.fullmatch(host) or _BRACKETED.fullmatch(host)
    if match is None or not 1 <= int(match["port"] or 1) <= MAX_PORT:
        return ""
    if match.re is _BRACKETED and not _is_ipv6(match["name"]):
        return ""
    return match["name"].lower()


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
