"""Commands find the local stack of their folder, and no other service instead of the one they are told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result

from client.command import main
from client.commands.arguments import DEFAULT_API, usual_address
from local.data_folder import DataFolder
from shared.command_line.operator_settings import stack_with
from shared.command_line.running_stack import FILE, running_stack
from shared.settings import Settings
from tests.stacks.ports import free_port
from tests.unit.command_service import Service


@contextmanager
def announced(folder: Path, api_url: str, settings: Settings) -> Iterator[None]:
    """Announce a stack as `stylequeue up` does, without its programs."""
    data = DataFolder(folder)
    with data.locked(), data.announced(stack_with(api_url, settings)):
        yield


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the commands run; no variable names a service."""
    for name in [name for name in os.environ if name.startswith("STYLEQUEUE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".stylequeue"


def run(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, words, env=environment)


def test_keys_are_made_in_the_redis_of_the_stack(
    here: Path, redis_url: str, connection: redis.Redis, service: Service
) -> None:
    with announced(here, service.url, Settings(redis_url=redis_url)):
        made = run("keys", "create", "anna")
        assert made.exit_code == 0, made.output
        assert "the service is the local stack in .stylequeue" in made.stderr
        assert "anna" in run("keys", "list").stdout
        assert run("worker", "drain", "--all").output.endswith(
            "No worker is alive; see 'stylequeue workers'\n"
        )


def test_the_commands_for_clients_go_to_the_api_of_the_stack(here: Path, service: Service) -> None:
    with announced(here, service.url, Settings()):
        assert run("jobs").output == "No jobs.\n"
        elsewhere = f"http://127.0.0.1:{free_port()}"
        assert elsewhere in run("jobs", STYLEQUEUE_API=elsewhere).output
    assert usual_address() == DEFAULT_API


def test_a_variable_that_leads_to_another_service_takes_nothing_of_the_stack(
    here: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = stack_with("http://127.0.0.1:1", Settings(redis_url=redis_url, s3_endpoint_url="http://s3"))
    assert stack.serves({})
    assert stack.serves({"STYLEQUEUE_REDIS_URL": redis_url, "STYLEQUEUE_LOG_LEVEL": "debug"})
    assert not stack.serves({"STYLEQUEUE_REDIS_URL": "redis://elsewhere/0"})
    assert not stack.serves({"STYLEQUEUE_S3_ENDPOINT_URL": "http://other"})
    gone = f"redis://127.0.0.1:{free_port()}/0"
    with announced(here, "http://127.0.0.1:1", Settings(redis_url=redis_url)):
        refused = run("keys", "list", STYLEQUEUE_REDIS_URL=gone)
    assert refused.exit_code == 1
    assert "local stack" not in refused.output


def test_the_file_is_private_holds_what_is_no_default_and_goes_with_the_stack(here: Path) -> None:
    settings = Settings(redis_url="redis://:secret@127.0.0.1:1/0", worker_threads=7)
    with announced(here, "http://127.0.0.1:1", settings):
        assert (here / FILE).stat().st_mode & 0o777 == 0o600
        found = running_stack(here)
        assert found
        assert "secret" not in repr(found)
        assert Settings.from_environment(found.environment) == settings
        assert set(found.environment) == {"STYLEQUEUE_REDIS_URL", "STYLEQUEUE_WORKER_THREADS"}
    assert not (here / FILE).exists()


def test_a_stack_that_is_not_alive_is_ignored(here: Path) -> None:
    with announced(here, "http://127.0.0.1:1", Settings()):
        kept = (here / FILE).read_text()
        assert running_stack(here)
    (here / FILE).write_text(kept)
    (here / FILE).chmod(0o600)
    assert running_stack(here) is None


def test_a_file_that_others_could_read_or_that_is_damaged_is_ignored(here: Path) -> None:
    with announced(here, "http://127.0.0.1:1", Settings()):
        (here / FILE).chmod(0o640)
        assert running_stack(here) is None
        (here / FILE).chmod(0o600)
        for damaged in ("{", "[]", json.dumps({"api_url": "http://x"}), "null"):
            (here / FILE).write_text(damaged)
            assert running_stack(here) is None, damaged


def test_looking_for_a_stack_does_not_keep_one_from_starting(here: Path) -> None:
    with DataFolder(here).locked():
        pass
    (here / FILE).write_text("{}")
    (here / FILE).chmod(0o600)
    program = "from shared.command_line.running_stack import running_stack\nwhile True: running_stack()"
    looking = subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    try:
        for _ in range(20):
            with DataFolder(here).locked():
                pass
    finally:
        looking.kill()
        looking.wait()
