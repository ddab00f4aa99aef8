"""Public generators make clients of /openapi.json; both clients paint with a real service."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from shutil import copy

import pytest

from client import StyleQueue
from samples import content_paths, style_paths
from tests.system.clients.conftest import Service
from tests.system.programs import program

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
CONTENT, STYLE = content_paths()[0], style_paths()[0]
PROBLEMS = [["invalid-parameter", "/params/strength"], ["job-not-found", None]]
NOT_GENERATED = ["WARNING parsing POST /v1/uploads within uploads."]  # its second body, of any image type


def test_the_python_client_is_generated_and_type_checked_and_paints(service: Service, tmp_path: Path) -> None:
    generator = Path(sys.executable).with_name("openapi-python-client")
    options = ("--meta", "none", "--output-path", "generated", "--config", HERE / "generator.yaml")
    said = run(tmp_path, generator, "generate", "--path", service.description, *options)
    assert re.findall("^WARNING.*|^ERROR.*|^Unable.*", said, re.MULTILINE) == NOT_GENERATED
    copy(HERE / "scenario.py", tmp_path)
    run(tmp_path, sys.executable, "-m", "mypy", "--strict", "scenario.py", "generated")
    painted(service, tmp_path, sys.executable, "scenario.py")


def test_the_typescript_client_is_generated_and_type_checked_and_paints(
    service: Service, tmp_path: Path
) -> None:
    node = program("node", "nodejs")
    if not MODULES.is_dir():
        pytest.fail(f"{MODULES} is missing; make test-system installs it", pytrace=False)
    (tmp_path / "node_modules").symlink_to(MODULES)
    for name in ("scenario.ts", "tsconfig.json", "package.json"):
        copy(HERE / name, tmp_path)
    generator = MODULES / ".bin" / "openapi-typescript"
    options = ("--default-non-nullable", "false", "--output", "schema.d.ts")
    run(tmp_path, generator, service.description, *options)
    run(tmp_path, MODULES / ".bin" / "tsc")
    painted(service, tmp_path, node, "scenario.js")


def painted(service: Service, folder: Path, *command: object) -> None:
    """Run a scenario. Assert that it saved the very picture, and that it understood both errors."""
    arguments = (service.url, service.key, CONTENT, STYLE, "painted.png")
    said = json.loads(run(folder, *command, *arguments))
    assert said["problems"] == PROBLEMS
    with StyleQueue(service.url, api_key=service.key) as queue:
        result = queue.job(said["job_id"]).result
    assert result
    assert result.sha256 == sha256((folder / "painted.png").read_bytes()).hexdigest()


def run(folder: Path, *command: object) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr
