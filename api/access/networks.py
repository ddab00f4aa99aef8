"""Who is counted where there is no key: who has one IPv6 address has all others of its network, too."""

from __future__ import annotations

from ipaddress import IPv6Address

HOST_BITS = 64  # of an IPv6 address; a client chooses them as it likes


def network_of(address: str) -> str:
    """Return an IPv4 address as it is, and of an IPv6 address the network."""
    if ":" not in address:
        return address
    found = IPv6Address(address)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> HOST_BITS << HOST_BITS)}/{HOST_BITS}"
