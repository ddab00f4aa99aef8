"""The Kubernetes manifests fit the service, the images and each other; `make lint` checks them by schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from shared.settings import PREFIX, Settings
from shared.wire.operations.queue_records import ScaleView
from tests.stacks.compose_files import ROOT, compose, dockerfile_targets, operators_environment
from tests.unit.test_compose import MARGIN_SECONDS

FOLDER = ROOT / "deploy/kubernetes"
WORKERS = ("stylequeue-worker", "stylequeue-worker-gpu", "stylequeue-worker-optimize")
OURS = ("stylequeue-api", *WORKERS)


def documents() -> list[dict[str, Any]]:
    files = [path for path in sorted(FOLDER.glob("*.yaml")) if path.name != "kustomization.yaml"]
    return [document for path in files for document in yaml.safe_load_all(path.read_text("utf-8"))]


def manifest(kind: str, name: str) -> dict[str, Any]:
    (found,) = [one for one in documents() if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def pod(name: str) -> dict[str, Any]:
    return dict(manifest("Deployment", name)["spec"]["template"]["spec"])


def container(name: str) -> dict[str, Any]:
    (only,) = pod(name)["containers"]
    return dict(only)


def role_of(name: str) -> str:
    """Return the Secret of a Deployment's pods, and their user in Redis."""
    return "stylequeue-api" if name == "stylequeue-api" else "stylequeue-worker"


def settings(name: str = "stylequeue-worker") -> Settings:
    """Return the settings of that Deployment's pods."""
    given = {
        **manifest("ConfigMap", "stylequeue")["data"],
        **manifest("Secret", role_of(name))["stringData"],
        **{variable["name"]: variable["value"] for variable in container(name).get("env", ())},
    }
    return Settings.from_environment(
        {name: value for name, value in given.items() if name.startswith(PREFIX)}
    )


def test_the_kustomization_names_files_that_are_there_and_images_that_are_built() -> None:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
    assert all((FOLDER / name).is_file() for name in kustomization["resources"])
    assert {image["name"] for image in kustomization["images"]} == {container(name)["image"] for name in OURS}
    targets = dockerfile_targets()
    assert all(image["name"].removeprefix("stylequeue-") in targets for image in kustomization["images"])


@pytest.mark.parametrize("name", OURS)
def test_the_pods_have_valid_settings(name: str) -> None:
    url = urlsplit(settings(name).redis_url)
    assert url.hostname == manifest("Service", "stylequeue-redis")["metadata"]["name"]
    assert url.username == role_of(name)
    assert {"secretRef": {"name": role_of(name)}} in container(name)["envFrom"]
    assert settings(name).log_format == "json"


@pytest.mark.parametrize("name", OURS)
def test_kubernetes_adds_no_settings_of_its_own(name: str) -> None:
    """For a Service stylequeue-api it sets STYLEQUEUE_API_PORT, which would stop the start."""
    assert pod(name)["enableServiceLinks"] is False


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_do_little(name: str) -> None:
    assert pod(name)["automountServiceAccountToken"] is False
    assert pod(name)["securityContext"]["runAsNonRoot"] is True
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    user = dockerfile_targets()[container(name)["image"].removeprefix("stylequeue-")].user.split(":")[0]
    assert user.isdecimal()  # or Kubernetes cannot see that it is not root


def pods() -> dict[str, dict[str, Any]]:
    """Return each pod, whatever makes it."""
    made = {"Deployment", "StatefulSet"}
    found = {one["metadata"]["name"]: one["spec"]["template"] for one in documents() if one["kind"] in made}
    return found | {one["metadata"]["name"]: one for one in documents() if one["kind"] == "Pod"}


def test_the_namespace_admits_only_pods_without_rights_and_all_of_ours_are_such() -> None:
    """This checks the parts of Pod Security's level restricted that concern our pods."""
    labels = manifest("Namespace", "stylequeue")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
    assert kustomization["namespace"] == "stylequeue"
    for name, one in pods().items():
        spec = one["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec.keys().isdisjoint({"hostNetwork", "hostPID", "hostIPC"}), name
        for only in spec["containers"]:
            assert only["securityContext"]["allowPrivilegeEscalation"] is False, name
            assert only["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
        kinds = {kind for volume in spec.get("volumes", ()) for kind in volume if kind != "name"}
        assert kinds <= {"emptyDir"}, name


def test_the_resources_of_each_pod_are_bounded() -> None:
    for name, one in pods().items():
        for only in one["spec"]["containers"]:
            assert {"cpu", "memory"} <= only["resources"]["limits"].keys(), name
        for volume in one["spec"].get("volumes", ()):
            assert volume["emptyDir"]["sizeLimit"], f"{name}: {volume['name']}"


@pytest.mark.parametrize("name", WORKERS)
def test_a_scale_down_interrupts_no_job(name: str) -> None:
    """At SIGTERM a worker finishes its jobs; none may take longer than the time until it is killed."""
    given = settings(name)
    longest = given.job_timeout_seconds + (given.optimize_seconds if "optimize" in name else 0)
    assert given.stop_seconds >= longest
    assert pod(name)["terminationGracePeriodSeconds"] >= given.stop_seconds + MARGIN_SECONDS


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_is_asked_for_its_health_as_its_image_says(name: str) -> None:
    target = dockerfile_targets()[container(name)["image"].removeprefix("stylequeue-")]
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
    words = container(scaled["scaleTargetRef"]["name"])["args"]
    assert words[words.index("--processes") + 1] == "1"  # a pod is what the rule calls a worker


def test_no_secret_is_in_the_manifests() -> None:
    resources = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))["resources"]
    assert not any("secret" in Path(name).name for name in resources)
    secrets = [one for one in documents() if one["kind"] == "Secret"]
    assert len(secrets) == 4
    assert all("change-me" in value for one in secrets for value in one["stringData"].values())
