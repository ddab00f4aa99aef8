"""The rendered Kubernetes documents of the example, and what they give to the service's pods."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from shared.settings import PREFIX, Settings
from tests.checks.manifests import FOLDER, example, example_with_gpus, parsed

GPU = "stylequeue-worker-gpu"
WORKERS = ("stylequeue-worker", GPU, "stylequeue-worker-optimize")
OURS = ("stylequeue-api", *WORKERS)


@cache
def documents(gpu: bool = False) -> list[dict[str, Any]]:
    return parsed(example_with_gpus() if gpu else example())


def secrets() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / "secret.example.yaml").read_text("utf-8")))


def manifest(kind: str, name: str) -> dict[str, Any]:
    """Return a document; the Deployment of GPU is that of stylequeue-worker where the component is in use."""
    of_gpus = kind == "Deployment" and name == GPU
    wanted = "stylequeue-worker" if of_gpus else name
    (found,) = [one for one in documents(of_gpus) if (one["kind"], one["metadata"]["name"]) == (kind, wanted)]
    return found


def pod(name: str) -> dict[str, Any]:
    return dict(manifest("Deployment", name)["spec"]["template"]["spec"])


def container(name: str) -> dict[str, Any]:
    (only,) = pod(name)["containers"]
    return dict(only)


def pods(gpu: bool = False) -> dict[str, dict[str, Any]]:
    """Return each pod, whatever makes it."""
    found = {}
    for one in documents(gpu):
        if one["kind"] in ("Deployment", "StatefulSet"):
            found[one["metadata"]["name"]] = one["spec"]["template"]
        if one["kind"] == "CronJob":
            found[one["metadata"]["name"]] = one["spec"]["jobTemplate"]["spec"]["template"]
    return found


def given_to(name: str) -> dict[str, str]:
    """Return a container's environment, from its ConfigMap, its Secret and its own variables."""
    given: dict[str, str] = {}
    for source in container(name)["envFrom"]:
        if "configMapRef" in source:
            given |= manifest("ConfigMap", source["configMapRef"]["name"])["data"]
        else:
            (secret,) = [one for one in secrets() if one["metadata"]["name"] == source["secretRef"]["name"]]
            given |= secret["stringData"]
    return given | {variable["name"]: variable["value"] for variable in container(name).get("env", ())}


def settings(name: str = "stylequeue-worker") -> Settings:
    given = {name: value for name, value in given_to(name).items() if name.startswith(PREFIX)}
    return Settings.from_environment(given)
