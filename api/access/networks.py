"""Client addresses as they are counted: a client with one IPv6 address has its whole network of 64 bits."""

from __future__ import annotations

from ipaddress import IPv6Address

HOST_BITS = 64  # of an IPv6 address, which a client may choose freely


def network_of(address: str) -> str:
    """Return an IPv4 address unchanged, or the network of an IPv6 address."""
    if ":" not in address:
        return address
    found = IPv6Address(address)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> HOST_BITS << HOST_BITS)}/{HOST_BITS}"
