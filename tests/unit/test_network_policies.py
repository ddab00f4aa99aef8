"""The network policies let pods reach what they need, and nothing else in the cluster or private networks."""

from __future__ import annotations

import pytest

from tests.checks.network_policies import Peer, Policies, outside
from tests.unit.test_manifests import WORKERS, container, documents, manifest

REDIS_PORT, HTTPS, API_PORT, METRICS, DNS = 6379, 443, 8080, 9464, 53


def labels_of(kind: str, name: str) -> dict[str, str]:
    return dict(manifest(kind, name)["spec"]["template"]["metadata"]["labels"])


API = Peer(labels_of("Deployment", "stylequeue-api"))
REDIS = Peer(labels_of("StatefulSet", "stylequeue-redis"))
OPERATOR = Peer(manifest("Pod", "stylequeue-operator")["metadata"]["labels"])
FLEET = {name: Peer(labels_of("Deployment", name)) for name in WORKERS}
SERVICE = {"api": API, "operator": OPERATOR, **FLEET}
STRANGER = Peer({"app.kubernetes.io/part-of": "stylequeue"})
PROMETHEUS = Peer({"app.kubernetes.io/name": "prometheus"}, "monitoring")
KEDA = Peer({"app": "keda-operator"}, "keda")
NAMES = Peer({"k8s-app": "kube-dns"}, "kube-system")
MINIO = Peer({"app.kubernetes.io/name": "minio"}, "storage")
PUBLIC = ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946")
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


def policies(*without: str) -> Policies:
    found = [one for one in documents() if one["kind"] == "NetworkPolicy"]
    return Policies([one for one in found if one["metadata"]["name"] not in without])


IN_THE_KUSTOMIZATION = policies("stylequeue-storage-inside")


@pytest.mark.parametrize("name", SERVICE)
def test_the_service_reaches_names_redis_and_public_https(name: str) -> None:
    pod = SERVICE[name]
    assert IN_THE_KUSTOMIZATION.allow(pod, NAMES, DNS)
    assert IN_THE_KUSTOMIZATION.allow(pod, REDIS, REDIS_PORT)
    for address in PUBLIC:
        assert IN_THE_KUSTOMIZATION.allow(pod, outside(address), HTTPS)
        assert not IN_THE_KUSTOMIZATION.allow(pod, outside(address), 80)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_private_is_reached(what: str) -> None:
    for pod in (*SERVICE.values(), REDIS, STRANGER):
        for port in (80, HTTPS):
            assert not IN_THE_KUSTOMIZATION.allow(pod, outside(FORBIDDEN[what]), port)


def test_redis_is_reached_by_the_service_alone_and_reaches_nobody() -> None:
    for other in (STRANGER, PROMETHEUS, KEDA):
        assert not IN_THE_KUSTOMIZATION.allow(other, REDIS, REDIS_PORT)
    for other in (API, *FLEET.values(), outside(PUBLIC[0])):
        assert not IN_THE_KUSTOMIZATION.allow(REDIS, other, HTTPS)


@pytest.mark.parametrize("name", WORKERS)
def test_a_workers_metrics_are_prometheus_alone(name: str) -> None:
    (port,) = container(name)["ports"]
    assert port["containerPort"] == METRICS
    assert IN_THE_KUSTOMIZATION.allow(PROMETHEUS, FLEET[name], METRICS)
    for other in (API, OPERATOR, STRANGER, KEDA, *FLEET.values(), Peer(PROMETHEUS.labels)):
        assert not IN_THE_KUSTOMIZATION.allow(other, FLEET[name], METRICS)


def test_the_api_is_reached_by_clients_and_by_those_that_measure_and_scale() -> None:
    (port,) = container("stylequeue-api")["ports"]
    assert port["containerPort"] == API_PORT
    for other in (KEDA, PROMETHEUS, Peer({"app": "ingress-nginx"}, "ingress-nginx"), outside(PUBLIC[0])):
        assert IN_THE_KUSTOMIZATION.allow(other, API, API_PORT)
    assert not IN_THE_KUSTOMIZATION.allow(FLEET["stylequeue-worker"], API, API_PORT)


def test_a_pod_that_nobody_named_reaches_nothing_but_names() -> None:
    assert IN_THE_KUSTOMIZATION.allow(STRANGER, NAMES, DNS)
    for target, port in ((REDIS, REDIS_PORT), (API, API_PORT), (outside(PUBLIC[0]), HTTPS)):
        assert not IN_THE_KUSTOMIZATION.allow(STRANGER, target, port)


def test_a_storage_inside_the_cluster_is_reached_where_its_policy_is_added() -> None:
    for pod in SERVICE.values():
        assert not IN_THE_KUSTOMIZATION.allow(pod, MINIO, 9000)
        assert policies().allow(pod, MINIO, 9000)
