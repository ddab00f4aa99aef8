"""The Kubernetes manifests fit the service, the images and each other, as kubectl renders them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from shared.wire.operations.queue_records import ScaleView
from tests.checks.manifests import SCHEMAS, check, copied
from tests.checks.pods import (
    GPU,
    OURS,
    WORKERS,
    container,
    documents,
    manifest,
    pod,
    pods,
    secrets,
    settings,
)
from tests.stacks.compose_files import ROOT, compose, dockerfile_targets, operators_environment
from tests.unit.test_compose import MARGIN_SECONDS


def role_of(name: str) -> str:
    """Return the Secret of a Deployment's pods, their account, and their user in Redis."""
    return "stylequeue-api" if name == "stylequeue-api" else "stylequeue-worker"


def target_of(name: str) -> str:
    """Return the Dockerfile's target that a Deployment's image is built from."""
    return str(container(name)["image"]).rpartition("/stylequeue-")[2].partition(":")[0]


@pytest.mark.parametrize("gpu", [False, True])
def test_the_cluster_takes_each_document(gpu: bool) -> None:
    for document in [*documents(gpu), *secrets()]:
        check(document)
        assert document["kind"] == "Namespace" or document["metadata"]["namespace"] == "stylequeue"
    assert {one["apiVersion"] for one in documents(gpu)} >= SCHEMAS.keys()


def test_the_images_are_those_that_are_built() -> None:
    targets = {name: target_of(name) for name in OURS}
    assert targets == {name: name.removeprefix("stylequeue-").removesuffix("-optimize") for name in OURS}
    assert set(targets.values()) <= dockerfile_targets().keys()


def test_an_overlay_can_pin_every_image_by_its_digest() -> None:
    digest = "sha256:" + 64 * "0"
    pinned = copied({"newTag: 0.1.0": f"digest: {digest}", "newTag: 7.4.11-alpine": f"digest: {digest}"})
    images = [line.split("image: ")[1] for line in pinned.splitlines() if "image: " in line]
    assert len(images) == len(pods())
    assert all(image.endswith(f"@{digest}") for image in images)


def test_changed_settings_start_new_pods() -> None:
    """The name of the ConfigMap follows from its contents, and every pod of ours names it."""
    changed = copied({"https://photos.example.org": "https://other.example.org"})
    (before,) = [one["metadata"]["name"] for one in documents() if one["kind"] == "ConfigMap"]
    (after,) = [one for one in yaml.safe_load_all(changed) if one["kind"] == "ConfigMap"]
    assert after["metadata"]["name"] != before
    assert changed.count(f"name: {after['metadata']['name']}") == 1 + len(pods()) - len({"redis"})


@pytest.mark.parametrize("name", OURS)
def test_the_pods_have_valid_settings(name: str) -> None:
    url = urlsplit(settings(name).redis_url)
    assert url.hostname == manifest("Service", "stylequeue-redis")["metadata"]["name"]
    assert url.username == role_of(name)
    assert {"secretRef": {"name": role_of(name)}} in container(name)["envFrom"]
    assert pod(name)["serviceAccountName"] == role_of(name)
    assert settings(name).log_format == "json"


@pytest.mark.parametrize("name", OURS)
def test_kubernetes_adds_no_settings_of_its_own(name: str) -> None:
    """For a Service stylequeue-api it sets STYLEQUEUE_API_PORT, which would stop the start."""
    assert pod(name)["enableServiceLinks"] is False


@pytest.mark.parametrize("gpu", [False, True])
def test_each_container_may_do_little(gpu: bool) -> None:
    for name, one in pods(gpu).items():
        spec = one["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert manifest("ServiceAccount", spec["serviceAccountName"])["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        for only in spec["containers"]:
            assert only["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name


@pytest.mark.parametrize("name", OURS)
def test_the_user_is_that_of_the_image(name: str) -> None:
    given = pod(name)["securityContext"]
    assert dockerfile_targets()[target_of(name)].user == f"{given['runAsUser']}:{given['runAsGroup']}"


@pytest.mark.parametrize("gpu", [False, True])
def test_the_namespace_admits_only_pods_without_rights_and_all_of_ours_are_such(gpu: bool) -> None:
    """This checks the parts of Pod Security's level restricted that concern our pods."""
    labels = manifest("Namespace", "stylequeue")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, one in pods(gpu).items():
        spec = one["spec"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec.keys().isdisjoint({"hostNetwork", "hostPID", "hostIPC"}), name
        kinds = {kind for volume in spec.get("volumes", ()) for kind in volume if kind != "name"}
        assert kinds <= {"emptyDir"}, name


@pytest.mark.parametrize("gpu", [False, True])
def test_the_resources_of_each_pod_are_bounded(gpu: bool) -> None:
    for name, one in pods(gpu).items():
        for only in one["spec"]["containers"]:
            assert {"cpu", "memory"} == only["resources"]["requests"].keys(), name
            assert {"cpu", "memory"} <= only["resources"]["limits"].keys(), name
        for volume in one["spec"].get("volumes", ()):
            assert volume["emptyDir"]["sizeLimit"], f"{name}: {volume['name']}"
    assert ("nvidia.com/gpu" in container("stylequeue-worker")["resources"]["limits"]) is False
    assert container(GPU)["resources"]["limits"]["nvidia.com/gpu"] == 1


def test_each_pod_that_keeps_running_says_that_it_lives() -> None:
    for name, one in pods().items():
        for only in one["spec"]["containers"]:
            probes = {"startupProbe", "livenessProbe"} & only.keys()
            assert len(probes) == (0 if name == "stylequeue-operator" else 2), name


@pytest.mark.parametrize("kind", ["PodDisruptionBudget", "Service"])
def test_a_selector_finds_the_pods_of_one_maker(kind: str) -> None:
    found = [one for one in documents() if one["kind"] == kind]
    for one in found:
        selector = one["spec"]["selector"]
        name = one["metadata"]["name"]
        assert selected(selector.get("matchLabels", selector)) == [name]
    if kind == "PodDisruptionBudget":
        deployments = {one["metadata"]["name"] for one in documents() if one["kind"] == "Deployment"}
        assert {one["metadata"]["name"] for one in found} == deployments


def selected(labels: dict[str, str]) -> list[str]:
    return [name for name, one in pods().items() if labels.items() <= one["metadata"]["labels"].items()]


@pytest.mark.parametrize("name", OURS)
def test_pods_of_a_deployment_spread_over_hosts_and_zones(name: str) -> None:
    spread = pod(name)["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    for one in spread:
        assert one["whenUnsatisfiable"] == "ScheduleAnyway"
        assert one["labelSelector"] == manifest("Deployment", name)["spec"]["selector"]


def test_prometheus_finds_the_metrics_of_the_api_and_of_all_workers() -> None:
    api = manifest("ServiceMonitor", "stylequeue-api")["spec"]
    service = manifest("Service", "stylequeue-api")
    assert api["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert [one["port"] for one in api["endpoints"]] == [port["name"] for port in service["spec"]["ports"]]
    workers = manifest("PodMonitor", "stylequeue-workers")["spec"]
    assert selected(workers["selector"]["matchLabels"]) == ["stylequeue-worker", "stylequeue-worker-optimize"]
    for name in WORKERS:
        ports = [port["name"] for port in container(name)["ports"]]
        assert ports == [one["port"] for one in workers["podMetricsEndpoints"]]


def test_the_operators_rules_are_those_of_prometheus() -> None:
    written = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text("utf-8"))
    assert manifest("PrometheusRule", "stylequeue")["spec"] == written, "make rules"


def test_the_operators_job_never_starts_by_itself() -> None:
    job = manifest("CronJob", "stylequeue-operator")["spec"]
    assert job["suspend"] is True
    assert job["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 3600


@pytest.mark.parametrize("name", WORKERS)
def test_a_scale_down_interrupts_no_job(name: str) -> None:
    """At SIGTERM a worker finishes its jobs; none may take longer than the time until it is killed."""
    given = settings(name)
    longest = given.job_timeout_seconds + (given.optimize_seconds if "optimize" in name else 0)
    assert given.stop_seconds >= longest
    assert pod(name)["terminationGracePeriodSeconds"] >= given.stop_seconds + MARGIN_SECONDS


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_is_asked_for_its_health_as_its_image_says(name: str) -> None:
    target = dockerfile_targets()[target_of(name)]
    for probe in ("startupProbe", "livenessProbe"):
        assert container(name)[probe]["exec"]["command"] == target.health_check
    assert container(name)["args"][:3] == target.command[:3]
    (port,) = container(name)["ports"]
    assert port["containerPort"] == settings().metrics_port


def test_the_api_is_ready_while_it_answers_whatever_the_workers_do() -> None:
    """With /readyz, a service that was scaled to no workers could never receive a job again."""
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container("stylequeue-api")[probe]["httpGet"]["path"] == "/healthz"


def test_the_ingress_lets_through_what_the_api_takes() -> None:
    given = manifest("Ingress", "stylequeue-api")["metadata"]["annotations"]
    nginx = {name.rpartition("/")[2]: value for name, value in given.items()}
    api = settings("stylequeue-api")
    size, unit = nginx["proxy-body-size"][:-1], nginx["proxy-body-size"][-1]
    assert unit == "m"
    assert int(size) * 2**20 >= max(api.max_batch_bytes, 2 * api.max_upload_bytes)
    assert int(nginx["proxy-read-timeout"]) > api.max_wait_seconds


def test_redis_is_configured_as_in_docker_compose() -> None:
    (script,) = manifest("StatefulSet", "stylequeue-redis")["spec"]["template"]["spec"]["containers"][0][
        "args"
    ]
    (composed,) = compose(operators_environment())["services"]["redis"]["command"]
    own = ("dir ", "maxmemory ")
    lines = [{line for line in text.splitlines() if not line.startswith(own)} for text in (script, composed)]
    assert lines[0] == lines[1]
    assert "maxmemory-policy noeviction" in lines[0]


def test_keda_asks_what_the_api_answers() -> None:
    scaled = manifest("ScaledObject", "stylequeue-worker")["spec"]
    (trigger,) = scaled["triggers"]
    url = urlsplit(trigger["metadata"]["url"])
    service = manifest("Service", "stylequeue-api")
    namespace = manifest("Namespace", "stylequeue")["metadata"]["name"]  # KEDA is in another one
    assert url.hostname == f"{service['metadata']['name']}.{namespace}"
    assert url.port == service["spec"]["ports"][0]["port"]
    assert url.path == "/v1/queue/scale"
    assert url.query == f"lanes={','.join(settings().worker_lanes)}"
    assert ScaleView.model_fields[trigger["metadata"]["valueLocation"]].annotation is int
    assert (trigger["metricType"], trigger["metadata"]["targetValue"]) == ("AverageValue", "1")
    assert manifest("TriggerAuthentication", trigger["authenticationRef"]["name"])


def test_keda_starts_as_many_as_the_rule_may_want() -> None:
    scaled = manifest("ScaledObject", "stylequeue-worker")["spec"]
    assert scaled["maxReplicaCount"] == settings().scale_max_workers
    assert scaled["minReplicaCount"] == settings().scale_min_workers
    assert manifest("Deployment", scaled["scaleTargetRef"]["name"])
    assert "replicas" not in manifest("Deployment", scaled["scaleTargetRef"]["name"])["spec"]
    words = container(scaled["scaleTargetRef"]["name"])["args"]
    assert words[words.index("--processes") + 1] == "1"  # a pod is what the rule calls a worker


def test_the_ingress_has_the_host_of_the_public_url() -> None:
    ingress = manifest("Ingress", "stylequeue-api")["spec"]
    host = urlsplit(str(settings("stylequeue-api").public_url)).hostname
    assert [rule["host"] for rule in ingress["rules"]] == [host]
    assert [one["hosts"] for one in ingress["tls"]] == [[host]]
    (path,) = ingress["rules"][0]["http"]["paths"]
    (port,) = manifest("Service", path["backend"]["service"]["name"])["spec"]["ports"]
    assert path["backend"]["service"]["port"]["name"] == port["name"]


def test_no_secret_is_in_the_manifests() -> None:
    assert not [one for one in documents() if one["kind"] == "Secret"]
    assert len(secrets()) == 4
    assert all("change-me" in value for one in secrets() for value in one["stringData"].values())


def test_each_secret_that_a_pod_needs_is_in_the_example() -> None:
    needed = {name for one in pods().values() for only in one["spec"]["containers"] for name in named(only)}
    assert needed == {one["metadata"]["name"] for one in secrets()}


def named(only: dict[str, Any]) -> set[str]:
    """Return the Secrets that a container takes its environment from."""
    whole = {one["secretRef"]["name"] for one in only.get("envFrom", ()) if "secretRef" in one}
    return whole | {
        one["valueFrom"]["secretKeyRef"]["name"] for one in only.get("env", ()) if "valueFrom" in one
    }
