"""The packages of the images: by version and hash, the same as the tested ones."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.stacks.compose_files import ROOT, dockerfile_targets

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
FOLDER = ROOT / "deploy/requirements"
IMAGES = ("api", "worker", "worker-gpu")
FILES = (*IMAGES, "build")
PIN = re.compile(r"([\w.-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)")
PYTHON = "3.11.14"
IN_IMAGES = {"python_full_version": PYTHON, "python_version": "3.11", "sys_platform": "linux"}


def text_of(file: str) -> str:
    return (FOLDER / f"{file}.txt").read_text("utf-8")


def pins(file: str) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version, _ in PIN.findall(text_of(file))}


def hashes(file: str) -> dict[str, set[str]]:
    return {
        canonicalize_name(name): set(re.findall("[0-9a-f]{64}", digests))
        for name, _, digests in PIN.findall(text_of(file))
    }


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_nothing_but_versions_and_hashes(file: str) -> None:
    assert PIN.sub("", text_of(file)) == ""


@pytest.mark.parametrize("file", FILES)
def test_the_versions_are_those_of_the_constraints(file: str) -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").split()
    constraints = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
    assert pins(file).items() <= constraints.items(), "make requirements"


@pytest.mark.parametrize("image", IMAGES)
def test_a_file_has_all_that_its_image_needs(image: str) -> None:
    needed = closure("stylequeue", frozenset({image, "client", "otel"}), set()) - {"stylequeue"}
    others = {name for name in pins(image) if not name.startswith("nvidia-")}
    assert others == {name for name in needed if not name.startswith("nvidia-")}, "make requirements"


def test_the_gpu_image_has_cuda() -> None:
    assert {name for name in pins("worker-gpu") if "cudnn" in name}
    assert pins("worker").items() < pins("worker-gpu").items()


@pytest.mark.parametrize(
    ("image", "never"),
    [
        ("api", {"tensorflow", "numpy", "pillow"}),
        ("worker", {"flask", "gunicorn"}),
        ("worker-gpu", {"flask", "gunicorn"}),
    ],
)
def test_an_image_holds_what_it_needs_alone(image: str, never: set[str]) -> None:
    assert not pins(image).keys() & never
    assert "redis" in pins(image)


def test_an_image_installs_nothing_without_a_hash() -> None:
    """pip refuses it in the build stages; our own wheel comes from one of them and needs no index."""
    for name, target in dockerfile_targets().items():
        hashed = target.environment.get("PIP_REQUIRE_HASHES") == "1"
        for step in target.installed:
            assert hashed or "--no-index --no-deps /wheels/*.whl && pip check" in step, f"{name}: {step}"
    for image in IMAGES:
        stage = dockerfile_targets()[f"{image}-dependencies"]
        assert stage.copied == [f"deploy/requirements/{image}.txt ./"]
        assert stage.installed == [f"/venv/bin/pip install -r {image}.txt"]
        assert stage.environment["PIP_ONLY_BINARY"] == ":all:"


def test_the_files_are_made_for_the_images_python() -> None:
    versions = re.findall(r"^FROM python:([\d.]+)-", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert set(versions) == {PYTHON}
    assert f"--python-version {PYTHON} " in (ROOT / "Makefile").read_text("utf-8")


def test_the_bill_of_materials_names_each_package_with_its_hashes(tmp_path: Path) -> None:
    bill = tmp_path / "api.json"
    command = [str(Path(sys.executable).parent / "cyclonedx-py"), "requirements", str(FOLDER / "api.txt")]
    subprocess.run([*command, "--output-file", str(bill)], check=True)
    components = json.loads(bill.read_text("utf-8"))["components"]
    assert {canonicalize_name(one["name"]): one["version"] for one in components} == pins("api")
    named = {
        canonicalize_name(one["name"]): {
            digest["content"] for place in one["externalReferences"] for digest in place["hashes"]
        }
        for one in components
    }
    assert named == hashes("api")


def closure(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> set[str]:
    """Return what pip installs with a package, by the metadata of what is installed here."""
    if (name, extras) in seen:
        return set()
    seen.add((name, extras))
    found = {canonicalize_name(name)}
    for item in requirements(name, extras):
        found |= closure(canonicalize_name(item.name), frozenset(item.extras), seen)
    return found


def requirements(name: str, extras: frozenset[str]) -> list[Requirement]:
    if name == PROJECT["name"]:
        named = [*PROJECT["dependencies"]]
        for extra in extras:
            named += PROJECT["optional-dependencies"][extra]
        return [Requirement(text) for text in named]
    try:
        required = [Requirement(text) for text in distribution(name).requires or []]
    except PackageNotFoundError:  # of another platform, or CUDA's
        return []
    return [item for item in required if _is_needed(item, extras)]


def _is_needed(item: Requirement, extras: frozenset[str]) -> bool:
    marker = item.marker
    return marker is None or any(marker.evaluate(IN_IMAGES | {"extra": extra}) for extra in extras or {""})
