"""The client as people install it, beside packages of their own named `api`, `client` and `shared`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from client import __all__ as names
from tests.stacks.fresh_environment import ROOT, build, install, run
from tests.unit.batch_service import BatchService
from tests.unit.client_server import JPEG, URL
from tests.unit.command_service import Service

OWN_PACKAGES = ("api", "client", "shared", "worker", "local")
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
    run(sys.executable, ROOT / "deploy" / "client_project.py", folder / "project")
    install(build(folder / "project", folder / "dist"), folder / "venv")
    for package in OWN_PACKAGES:
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text("MINE = True\n")
    return folder


def test_the_class_is_imported_beside_the_programs_own_packages(installed: Path, service: Service) -> None:
    assert run(installed / "venv/bin/python", "-c", PROGRAM, service.url, cwd=installed) == "0\n"


def test_the_command_submits_and_polls_there(installed: Path, bulk: BatchService) -> None:
    def stylequeue(*words: object) -> str:
        command = (installed / "venv/bin/stylequeue", "--api", bulk.url, *words)
        return run(*command, cwd=installed, PYTHONPATH=str(installed))

    (installed / "cat.jpg").write_bytes(JPEG)
    assert "1 of 1 picture(s) saved" in stylequeue("submit", "cat.jpg", "--style", URL, "--out", "painted")
    assert (installed / "painted" / "cat--wave.jpg").exists()
    (batch_id,) = bulk.batches
    assert batch_id in stylequeue("batch", "status", batch_id)
    assert f"{batch_id}-1" in stylequeue("jobs")
    assert re.fullmatch(r"stylequeue \d+\.\d+\.\d+(\.dev\d+)?\n", stylequeue("--version"))
    assert "Run the service" not in stylequeue("--help")
