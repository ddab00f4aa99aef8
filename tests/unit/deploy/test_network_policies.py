"""The network policies let pods reach what they need, and nothing else in the cluster or private networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.checks.manifests import base, parsed
from tests.checks.network_policies import Peer, Policies, outside
from tests.checks.pods import WORKERS, container, documents, manifest, pods

REDIS_PORT, HTTPS, API_PORT, METRICS, DNS = 6379, 443, 8080, 9464, 53


def labels_of(kind: str, name: str) -> dict[str, str]:
    return dict(manifest(kind, name)["spec"]["template"]["metadata"]["labels"])


API = Peer(labels_of("Deployment", "stylequeue-api"))
REDIS = Peer(labels_of("StatefulSet", "stylequeue-redis"))
OPERATOR = Peer(pods()["stylequeue-operator"]["metadata"]["labels"])
FLEET = {name: Peer(labels_of("Deployment", name)) for name in WORKERS}
SERVICE = {"api": API, "operator": OPERATOR, **FLEET}
STRANGER = Peer({"app.kubernetes.io/part-of": "stylequeue"})
PROMETHEUS = Peer({"app.kubernetes.io/name": "prometheus"}, "monitoring")
KEDA = Peer({"app": "keda-operator"}, "keda")
CONTROLLER = Peer({"app.kubernetes.io/component": "controller"}, "ingress-nginx")
NAMES = Peer({"k8s-app": "kube-dns"}, "kube-system")
MINIO = Peer({"app.kubernetes.io/name": "minio"}, "storage")
PUBLIC = ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946")
WORKER = FLEET["stylequeue-worker"]
NEEDED = {
    "a worker asks for a name": (WORKER, NAMES, DNS),
    "the API reads records": (API, REDIS, REDIS_PORT),
    "a worker takes jobs": (WORKER, REDIS, REDIS_PORT),
    "the operator makes keys": (OPERATOR, REDIS, REDIS_PORT),
    "a worker fetches a picture": (WORKER, outside(PUBLIC[0]), HTTPS),
    "a worker stores a result": (WORKER, MINIO, 9000),
    "the API reads an object": (API, MINIO, 9000),
    "a client's request": (CONTROLLER, API, API_PORT),
    "KEDA asks for a number": (KEDA, API, API_PORT),
    "Prometheus scrapes the API": (PROMETHEUS, API, API_PORT),
    "Prometheus scrapes a worker": (PROMETHEUS, WORKER, METRICS),
}
RECORDS = {"the API reads records", "a worker takes jobs", "the operator makes keys"}
OPENED_BY = {
    "stylequeue-names": {"a worker asks for a name"},
    "stylequeue-redis": RECORDS,
    "stylequeue-service": {*RECORDS, "a worker fetches a picture"},
    "stylequeue-storage-inside": {"a worker stores a result", "the API reads an object"},
    "stylequeue-api": {"a client's request"},
    "stylequeue-keda": {"KEDA asks for a number"},
    "stylequeue-metrics": {"Prometheus scrapes the API", "Prometheus scrapes a worker"},
}
FORBIDDEN = {
    "metadata of AWS, Google, Azure": "169.254.169.254",
    "metadata of AWS over IPv6": "fd00:ec2::254",
    "metadata of Alibaba": "100.100.100.200",
    "metadata of Oracle": "192.0.0.192",
    "Azure's host": "168.63.129.16",
    "the cluster's API": "10.96.0.1",
    "a node": "192.168.1.10",
    "another pod": "172.20.0.5",
    "itself": "127.0.0.1",
    "a link-local neighbor": "fe80::1",
}


def policies(made: Iterable[dict[str, Any]]) -> Policies:
    return Policies([one for one in made if one["kind"] == "NetworkPolicy"])


BASE = policies(parsed(base()))
EXAMPLE = policies(documents())


@pytest.mark.parametrize("name", SERVICE)
def test_the_service_reaches_names_redis_and_public_https(name: str) -> None:
    pod = SERVICE[name]
    assert EXAMPLE.allow(pod, NAMES, DNS)
    assert EXAMPLE.allow(pod, REDIS, REDIS_PORT)
    for address in PUBLIC:
        assert EXAMPLE.allow(pod, outside(address), HTTPS)
        assert not EXAMPLE.allow(pod, outside(address), 80)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_private_is_reached(what: str) -> None:
    for pod in (*SERVICE.values(), REDIS, STRANGER):
        for port in (80, HTTPS):
            assert not EXAMPLE.allow(pod, outside(FORBIDDEN[what]), port)


def test_redis_is_reached_by_the_service_alone_and_reaches_nobody() -> None:
    for other in (STRANGER, PROMETHEUS, KEDA):
        assert not EXAMPLE.allow(other, REDIS, REDIS_PORT)
    for other in (API, *FLEET.values(), outside(PUBLIC[0])):
        assert not EXAMPLE.allow(REDIS, other, HTTPS)


@pytest.mark.parametrize("name", WORKERS)
def test_a_workers_metrics_are_prometheus_alone(name: str) -> None:
    (port,) = container(name)["ports"]
    assert port["containerPort"] == METRICS
    assert EXAMPLE.allow(PROMETHEUS, FLEET[name], METRICS)
    assert not BASE.allow(PROMETHEUS, FLEET[name], METRICS)
    for other in (API, OPERATOR, STRANGER, KEDA, *FLEET.values(), Peer(PROMETHEUS.labels)):
        assert not EXAMPLE.allow(other, FLEET[name], METRICS)


def test_the_api_is_reached_by_the_ingress_controller_and_by_those_that_measure_and_scale() -> None:
    (port,) = container("stylequeue-api")["ports"]
    assert port["containerPort"] == API_PORT
    for other in (CONTROLLER, KEDA, PROMETHEUS):
        assert EXAMPLE.allow(other, API, API_PORT)
    for other in (outside(PUBLIC[0]), Peer(CONTROLLER.labels, "other"), STRANGER, *FLEET.values()):
        assert not EXAMPLE.allow(other, API, API_PORT)


def test_the_api_of_the_base_is_reached_from_anywhere_but_the_service_itself() -> None:
    for other in (CONTROLLER, KEDA, PROMETHEUS, outside(PUBLIC[0])):
        assert BASE.allow(other, API, API_PORT)
    assert not BASE.allow(FLEET["stylequeue-worker"], API, API_PORT)


def test_a_pod_that_nobody_named_reaches_nothing_but_names() -> None:
    assert EXAMPLE.allow(STRANGER, NAMES, DNS)
    for target, port in ((REDIS, REDIS_PORT), (API, API_PORT), (outside(PUBLIC[0]), HTTPS)):
        assert not EXAMPLE.allow(STRANGER, target, port)


def test_a_storage_inside_the_cluster_is_reached_where_its_policy_is_added() -> None:
    for pod in SERVICE.values():
        assert not BASE.allow(pod, MINIO, 9000)
        assert EXAMPLE.allow(pod, MINIO, 9000)


def test_each_policy_lets_through_a_connection_that_is_needed() -> None:
    for what, connection in NEEDED.items():
        assert EXAMPLE.allow(*connection), what
    for policy in EXAMPLE.documents:
        name = policy["metadata"]["name"]
        rest = Policies([one for one in EXAMPLE.documents if one is not policy])
        refused = {what for what, connection in NEEDED.items() if not rest.allow(*connection)}
        assert refused == OPENED_BY.get(name, set()), name


def test_what_no_policy_lets_through_is_refused() -> None:
    rest = Policies([one for one in EXAMPLE.documents if one["metadata"]["name"] != "stylequeue-nothing"])
    for policies_in_force, allowed in ((EXAMPLE, False), (rest, True)):
        assert policies_in_force.allow(outside(PUBLIC[0]), STRANGER, API_PORT) is allowed
