"""The client as people install it, beside packages of their own named `api`, `client` and `shared`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from client import __all__ as names
from tests.unit.batch_service import BatchService
from tests.unit.client_server import JPEG, URL
from tests.unit.command_service import Service

ROOT = Path(__file__).resolve().parents[3]
OWN_PACKAGES = ("api", "client", "shared", "worker", "local")
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
PROGRAM = f"""
import api, client, local, shared, worker
from stylequeue import {", ".join(names)}
from stylequeue.shared.wire.descriptors import Params
import stylequeue, sys
assert client.MINE and not hasattr(client, "StyleQueue")
assert not [name for name in sys.modules if name.startswith(("shared.", "client."))]
with StyleQueue(sys.argv[1]) as queue:
    print(len(queue.jobs(limit=5).jobs))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a fresh virtual environment, and with a program's own packages."""
    folder = tmp_path_factory.mktemp("program")
    _run(sys.executable, ROOT / "deploy" / "client_project.py", folder / "project")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    wheel = (*pip, "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index")
    _run(*wheel, "--wheel-dir", folder / "dist", folder / "project")
    _run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    (built,) = (folder / "dist").iterdir()
    _run(*pip, "--python", folder / "venv/bin/python", "install", "--no-deps", "--no-index", built)
    _add_dependencies(folder)
    for package in OWN_PACKAGES:
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text("MINE = True\n")
    return folder


def _run(*words: object, cwd: Path = ROOT, **environment: str) -> str:
    command = list(map(str, words))
    environment = {**ENVIRONMENT, **environment}
    done = subprocess.run(command, check=False, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _add_dependencies(folder: Path) -> None:
    """Link what the wheel declares to need from this test's environment; nothing else can be imported."""
    (packages,) = folder.glob("venv/lib/python*/site-packages")
    (described,) = packages.glob("stylequeue_client-*.dist-info")
    wanted = metadata.PathDistribution(described).requires or []
    for distribution in _closure(wanted):
        for file in distribution.files or ():
            top = file.parts[0]
            if top != ".." and not (packages / top).exists():
                (packages / top).symlink_to(distribution.locate_file(top))


def _closure(requirements: list[str]) -> Iterator[metadata.Distribution]:
    seen, rest = set[str](), [*requirements]
    while rest:
        requirement = Requirement(rest.pop())
        if requirement.name in seen or (
            requirement.marker and not requirement.marker.evaluate({"extra": ""})
        ):
            continue
        seen.add(requirement.name)
        found = metadata.distribution(requirement.name)
        assert found.version in requirement.specifier
        rest += found.requires or []
        yield found


def test_the_class_is_imported_beside_the_programs_own_packages(installed: Path, service: Service) -> None:
    assert _run(installed / "venv/bin/python", "-c", PROGRAM, service.url, cwd=installed) == "0\n"


def test_the_command_submits_and_polls_there(installed: Path, bulk: BatchService) -> None:
    def stylequeue(*words: object) -> str:
        command = (installed / "venv/bin/stylequeue", "--api", bulk.url, *words)
        return _run(*command, cwd=installed, PYTHONPATH=str(installed))

    (installed / "cat.jpg").write_bytes(JPEG)
    assert "1 of 1 picture(s) saved" in stylequeue("submit", "cat.jpg", "--style", URL, "--out", "painted")
    assert (installed / "painted" / "cat--wave.jpg").exists()
    (batch_id,) = bulk.batches
    assert batch_id in stylequeue("batch", "status", batch_id)
    assert f"{batch_id}-1" in stylequeue("jobs")
    assert re.fullmatch(r"stylequeue \d+\.\d+\.\d+\n", stylequeue("--version"))
    assert "Run the service" not in stylequeue("--help")
