"""The addresses at which the API may listen, and its messages about them: real processes of Gunicorn."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import redis

from shared.settings import Settings
from shared.store.api_keys import KeyStore
from tests.stacks.gunicorn import answers, environment, gunicorn, running_api, start_refused
from tests.stacks.ports import free_port
from tests.stacks.servers import running, wait_until

REDIS_GONE = {"redis_url": f"redis://127.0.0.1:{free_port()}/0"}


@pytest.fixture
def settings(redis_url: str, connection: redis.Redis, s3_settings: Settings) -> Settings:
    """Settings with an empty Redis."""
    return s3_settings.model_copy(update={"redis_url": redis_url})


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", ""])
def test_without_keys_it_does_not_start_where_others_reach_it(settings: Settings, host: str) -> None:
    said = start_refused(settings, f"{host}:{(port := free_port())}")
    assert "stylequeue: the API is not started on" in said
    assert str(port) in said
    assert "'stylequeue keys create OWNER'" in said
    assert "bind to 127.0.0.1" in said
    assert "Traceback" not in said


def test_a_unix_socket_counts_as_reached_by_others(settings: Settings, tmp_path: Path) -> None:
    assert "api.sock" in start_refused(settings, f"unix:{tmp_path}/api.sock")


def test_a_public_url_counts_as_reached_by_others(settings: Settings) -> None:
    public = settings.model_copy(update={"public_url": "https://api.example/paint"})
    said = start_refused(public, f"127.0.0.1:{free_port()}")
    assert "not started on https://api.example/paint: there is no API key" in said


def test_without_keys_it_serves_this_machine_and_warns(settings: Settings, tmp_path: Path) -> None:
    with running_api(settings, tmp_path / "log") as url:
        assert httpx.get(f"{url}/v1/jobs").status_code == 200
    assert "There is no API key: anybody on this machine may do everything" in (tmp_path / "log").read_text()


def test_with_a_key_it_starts_anywhere_and_asks_for_it(
    settings: Settings, connection: redis.Redis, tmp_path: Path
) -> None:
    keys = KeyStore(connection)
    text, key = keys.create("anna")
    url = f"http://127.0.0.1:{(port := free_port())}"
    with running(gunicorn(f"0.0.0.0:{port}"), tmp_path / "log", environment(settings)):
        wait_until(lambda: answers(url), 30, "an answer from the API")
        assert httpx.get(f"{url}/v1/jobs").status_code == 401
        assert httpx.get(f"{url}/v1/jobs", headers={"Authorization": f"Bearer {text}"}).status_code == 200
        keys.revoke(key.id)  # and now there is no key, but others reach it
        wait_until(lambda: keys.is_empty() and httpx.get(f"{url}/v1/jobs").status_code == 401, 5)
    assert "no API key" not in (tmp_path / "log").read_text()


def test_a_revoked_key_is_refused_by_every_process(
    settings: Settings, connection: redis.Redis, tmp_path: Path
) -> None:
    keys = KeyStore(connection)
    _, (text, key) = keys.create("root"), keys.create("anna")
    bearer = {"Authorization": f"Bearer {text}", "Connection": "close"}

    def statuses(url: str) -> set[int]:
        """Return the statuses of enough requests to reach both processes."""
        return {httpx.get(f"{url}/v1/jobs", headers=bearer).status_code for _ in range(20)}

    with running_api(settings, tmp_path / "log", ["--workers", "2"]) as url:
        assert statuses(url) == {200}
        keys.revoke(key.id)
        wait_until(lambda: statuses(url) == {401}, what="a refusal by both processes")


def test_while_redis_is_down_nobody_is_let_in(settings: Settings, tmp_path: Path) -> None:
    gone = settings.model_copy(update=REDIS_GONE)
    with running_api(gone, tmp_path / "log") as url:
        for bearer in ({}, {"Authorization": f"Bearer sq_{'0' * 12}_{'x' * 43}"}):
            response = httpx.get(f"{url}/v1/jobs", headers=bearer)
            assert (response.status_code, response.json()["code"]) == (503, "broker-unavailable")
    assert "Redis does not respond; until it does, every request is refused" in (tmp_path / "log").read_text()
