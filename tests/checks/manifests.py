"""Kubernetes' documents as kubectl renders them: `python -m tests.checks.manifests FOLDER` checks them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import kubernetes_validate
import yaml
from jsonschema import Draft202012Validator

FOLDER = Path(__file__).resolve().parents[2] / "deploy/kubernetes"
KUBECTL = Path(sys.executable).with_name("kubectl")
KUBERNETES = "1.37"
SCHEMAS = {"keda.sh/v1alpha1": "keda.json", "monitoring.coreos.com/v1": "monitoring.json"}
EXAMPLE = FOLDER / "overlays/example"
GPU = "- ../../components/gpu"


@cache
def base() -> str:
    return _kustomize(FOLDER / "base")


@cache
def example() -> str:
    """Return what `kubectl apply --kustomize` would send to a cluster for the example."""
    return _kustomize(EXAMPLE)


@cache
def example_with_gpus() -> str:
    return copied({f"# {GPU}": GPU})


def copied(changes: Mapping[str, str]) -> str:
    """Copy the example elsewhere, as its first line says, change its texts, and return what it renders."""
    with TemporaryDirectory() as made:
        here = os.path.relpath(FOLDER, Path(made).resolve())
        for file in EXAMPLE.iterdir():
            text = file.read_text("utf-8")
            for old, new in changes.items():
                text = text.replace(old, new)
            Path(made, file.name).write_text(text.replace("../..", here), "utf-8")
        return _kustomize(Path(made))


def parsed(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


def check(document: dict[str, Any]) -> None:
    """Raise an error of the schema if the cluster would refuse the document."""
    schema = SCHEMAS.get(document["apiVersion"])
    if schema is None:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    else:
        Draft202012Validator(json.loads((FOLDER / "schemas" / schema).read_text("utf-8"))).validate(document)


def _kustomize(folder: Path) -> str:
    command = [KUBECTL, "kustomize", folder]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    secrets = (FOLDER / "secret.example.yaml").read_text("utf-8")
    for name, text in {"example": example(), "gpu": example_with_gpus(), "secrets": secrets}.items():
        for document in parsed(text):
            check(document)
        if name != "secrets":
            (target / f"{name}.yaml").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
