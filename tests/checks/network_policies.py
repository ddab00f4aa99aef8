"""Kubernetes' network policies, applied as a cluster applies them: the allowed connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

NAMESPACE = "stylequeue"
NAMESPACE_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Peer:
    """A pod; with an address and no labels, somebody outside the cluster."""

    labels: Mapping[str, str]
    namespace: str = NAMESPACE
    address: str = "10.1.2.3"


def outside(address: str) -> Peer:
    return Peer({}, "", address)


@dataclass(frozen=True)
class Policies:
    """The NetworkPolicy documents of one namespace."""

    documents: Sequence[Mapping[str, Any]]

    def allow(self, source: Peer, target: Peer, port: int) -> bool:
        """Return whether a connection is let out and in."""
        out = self._one_way("Egress", source, target, port)
        return out and self._one_way("Ingress", target, source, port)

    def _one_way(self, direction: str, here: Peer, other: Peer, port: int) -> bool:
        if here.namespace != NAMESPACE:
            return True
        specs = [document["spec"] for document in self.documents]
        found = [
            one
            for one in specs
            if direction in one["policyTypes"] and _selects(one["podSelector"], here.labels)
        ]
        rules = [rule for one in found for rule in one.get(direction.lower(), ())]
        peers = "to" if direction == "Egress" else "from"
        return not found or any(_matches(rule, peers, other, port) for rule in rules)


def _matches(rule: Mapping[str, Any], peers: str, other: Peer, port: int) -> bool:
    ports = {one["port"] for one in rule.get("ports", ())}
    return port in ports and any(_is(one, other) for one in rule.get(peers, [{}]))


def _is(wanted: Mapping[str, Any], peer: Peer) -> bool:
    if "ipBlock" in wanted:
        return _is_in(wanted["ipBlock"], peer.address)
    if not wanted:
        return True
    if not peer.namespace:
        return False
    space = wanted.get("namespaceSelector", {"matchLabels": {NAMESPACE_LABEL: NAMESPACE}})
    return _selects(space, {NAMESPACE_LABEL: peer.namespace}) and _selects(
        wanted.get("podSelector", {}), peer.labels
    )


def _is_in(block: Mapping[str, Any], address: str) -> bool:
    there = ip_address(address)
    left_out = any(there in ip_network(one) for one in block.get("except", ()))
    return there in ip_network(block["cidr"]) and not left_out


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    for wanted in selector.get("matchExpressions", ()):
        assert wanted["operator"] == "In"
        if labels.get(wanted["key"]) not in wanted["values"]:
            return False
    return dict(labels).items() >= dict(selector.get("matchLabels", {})).items()
