"""An operator's view of a Redis that is not fit: at each start, and when it changes later."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask.testing import FlaskClient

from shared.settings import Settings
from shared.store.workers import WorkerRegistry
from tests.jobs import worker_info
from tests.scrapes import Scrape
from tests.stacks.gunicorn import environment, running_api, start_refused
from tests.stacks.ports import free_port
from tests.stacks.servers import configured, wait_until
from worker.stopping import EXIT_NOT_STARTED

SENTENCE = (
    "STYLEQUEUE_REDIS_URL: Redis may throw jobs away when it is full: its maxmemory-policy is allkeys-lru; "
    "set it to noeviction, or STYLEQUEUE_REDIS_MAY_EVICT=true to accept that"
)
BIN = Path(sys.executable).parent
CELERY = ("celery", "-A", "worker.app", "worker", "--without-mingle", "--without-gossip")


@pytest.fixture
def evicting(connection: redis.Redis) -> Iterator[None]:
    with configured(connection, "maxmemory-policy", "allkeys-lru", "noeviction"):
        yield


def ended(settings: Settings, *command: str) -> tuple[int, str]:
    """Return the exit code and the last line of a program that ends by itself."""
    result = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert "Traceback" not in result.stderr
    return result.returncode, result.stderr.splitlines()[-1]


def test_the_api_does_not_start_and_says_why(settings: Settings, evicting: None) -> None:
    assert start_refused(settings, f"127.0.0.1:{free_port()}") == f"stylequeue: {SENTENCE}\n"


@pytest.mark.parametrize("command", [("stylequeue", "worker"), CELERY])
def test_a_worker_ends_with_its_own_code_before_it_loads_a_model(
    settings: Settings, evicting: None, command: tuple[str, ...]
) -> None:
    absent = settings.model_copy(update={"model": "/no/such/model"})
    assert ended(absent, *command) == (EXIT_NOT_STARTED, f"stylequeue: {SENTENCE}")


def test_no_key_is_made_there_but_those_there_are_can_be_seen(settings: Settings, evicting: None) -> None:
    assert ended(settings, "stylequeue", "keys", "create", "anna") == (1, f"Error: {SENTENCE}")
    listed = subprocess.run(
        [BIN / "stylequeue", "keys", "list"], env=environment(settings), capture_output=True, check=True
    )
    assert listed.stdout == b"No keys.\n"


def test_an_operator_who_accepts_it_can_start(settings: Settings, evicting: None, tmp_path: Path) -> None:
    with running_api(settings.model_copy(update={"redis_may_evict": True}), tmp_path / "log"):
        pass


@pytest.mark.parametrize(("limit", "warnings"), [("0", 1), ("1gb", 0)])
def test_the_api_warns_at_its_start_of_a_redis_without_a_maxmemory(
    settings: Settings, connection: redis.Redis, tmp_path: Path, limit: str, warnings: int
) -> None:
    with configured(connection, "maxmemory", limit, "0"), running_api(settings, tmp_path / "log"):
        assert (tmp_path / "log").read_text().count("Redis has no maxmemory") == warnings


def test_a_wrong_password_ends_the_start_too(settings: Settings, connection: redis.Redis) -> None:
    wrong = settings.model_copy(
        update={"redis_url": settings.redis_url.replace("redis://", "redis://anna:wr0ng@")}
    )
    said = start_refused(wrong, f"127.0.0.1:{free_port()}")
    assert said == "stylequeue: STYLEQUEUE_REDIS_URL: Redis refuses the user name or the password\n"


def test_a_policy_that_changes_later_is_seen_by_probes_and_by_prometheus(
    client: FlaskClient, connection: redis.Redis
) -> None:
    WorkerRegistry(connection).announce(worker_info())

    def state() -> tuple[int, str, float]:
        probe, scrape = client.get("/readyz"), Scrape.of(client.get("/metrics").text)
        return (
            probe.status_code,
            (probe.json or {})["redis"],
            scrape.value("stylequeue_redis_may_evict"),
        )

    wait_until(lambda: state() == (200, "ok", 0), what="readiness")
    with configured(connection, "maxmemory-policy", "allkeys-lru", "noeviction"):
        sentence = SENTENCE.removeprefix("STYLEQUEUE_REDIS_URL: ")
        wait_until(lambda: state() == (503, sentence, 1), what="a sentence about the policy")
    wait_until(lambda: state() == (200, "ok", 0), what="readiness again")
