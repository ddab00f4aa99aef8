"""Secrets stay where they belong: a real stack is used with canaries, then all that it wrote is searched."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import redis

from client import StyleQueue
from local.stack import LocalStack
from shared.store.api_keys import KeyStore
from shared.store.redis.connection import connect
from tests.stacks.ports import free_port
from tests.stacks.servers import wait_until

ROOT = Path(__file__).resolve().parents[3]
CANARY = "canary5eb1f0c2"
ENDED = {"succeeded", "failed", "canceled", "expired"}


@dataclass(frozen=True)
class Used:
    """A stack that was used, and the secrets that went through it."""

    data: Path
    connection: redis.Redis
    key: str
    others_key: str
    revoked_key: str
    signature: str  # of a presigned URL
    answers: str  # all responses to a stranger and another owner

    def secrets(self) -> dict[str, str]:
        credentials = json.loads((self.data / "credentials.json").read_text())
        keys = {"key": self.key, "another's key": self.others_key, "revoked key": self.revoked_key}
        return {**credentials, **keys, "signature": self.signature, "canary": CANARY}


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Used]:
    data = tmp_path_factory.mktemp("stack")
    environment = {
        "STYLEQUEUE_CACHE_DIR": str(model_cache),
        "STYLEQUEUE_SOURCE_ALLOWED_HOSTS": "127.0.0.1",
        "STYLEQUEUE_MAX_ATTEMPTS": "1",
    }
    with LocalStack(data, workers=1, environment=environment) as stack, _redis_of(data) as connection:
        yield _use(stack.url, data, connection)


def _redis_of(data: Path) -> redis.Redis:
    settings = dict(
        line.split(" ", 1) for line in (data / "redis" / "redis.conf").read_text().splitlines() if " " in line
    )
    return connect(f"redis://:{settings['requirepass']}@127.0.0.1:{settings['port']}/0")


def _use(url: str, data: Path, connection: redis.Redis) -> Used:
    keys = KeyStore(connection)
    (key, _), (others_key, _), (revoked, revoked_key) = (keys.create(who) for who in ("anna", "bert", "anna"))
    keys.revoke(revoked_key.id)
    with StyleQueue(url, api_key=others_key) as bert:
        others = bert.submit(ROOT / "samples/content/cat.jpg", ROOT / "samples/style/facets.jpg")
    with StyleQueue(url, api_key=key) as anna:
        job = anna.wait(anna.submit(ROOT / "samples/content/cat.jpg", ROOT / "samples/style/facets.jpg"))
    location = _result(url, key, job.id)
    _fail_with_canaries(url, key)
    assert key in _malformed(url, f"GET / HTTP/1.1\r\nHost: a\r\nAuthorization Bearer {key}\r\n\r\n")
    return Used(
        data=data,
        connection=connection,
        key=key,
        others_key=others_key,
        revoked_key=revoked,
        signature=parse_qs(urlsplit(location).query)["X-Amz-Signature"][0],
        answers=_refusals(url, key, revoked, others.id),
    )


def _result(url: str, key: str, job_id: str) -> str:
    bearer = {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{url}/v1/jobs/{job_id}/result", headers=bearer).headers["Location"]


def _fail_with_canaries(url: str, key: str) -> None:
    """Submit sources whose URLs carry a permission, at a server that is gone."""
    bearer = {"Authorization": f"Bearer {key}"}
    secret = f"http://127.0.0.1:{free_port()}/a.jpg?X-Amz-Signature={CANARY}&sig={CANARY}"
    body = {"content": {"url": secret}, "style": {"url": secret}, "max_attempts": 1}
    job = httpx.post(f"{url}/v1/jobs", json=body, headers=bearer).json()
    poll = job["links"]["self"]
    wait_until(lambda: httpx.get(poll, headers=bearer).json()["status"] in ENDED, 60, "the job's end")


def _refusals(url: str, key: str, revoked: str, others_job: str) -> str:
    answers = [httpx.get(f"{url}/v1/jobs/{others_job}", headers={"Authorization": f"Bearer {key}"})]
    for wrong in (revoked, key + "x", f"{key} {key}", key.upper()):
        answers.append(httpx.get(f"{url}/v1/jobs", headers={"Authorization": f"Bearer {wrong}"}))
    answers.append(httpx.get(f"{url}/v1/jobs", headers={"Authorization": f"Basic {key}"}))
    assert {answer.status_code for answer in answers} == {401, 404}
    return " ".join(f"{answer.headers} {answer.text}" for answer in answers)


def _malformed(url: str, request: str) -> str:
    """Send what Gunicorn cannot parse; it shows it to the sender and writes it into the log."""
    with socket.create_connection((urlsplit(url).hostname or "", urlsplit(url).port or 0), 10) as wire:
        wire.sendall(request.encode())
        return wire.recv(65536).decode()


def test_no_log_has_a_secret(used: Used) -> None:
    logs = {log.name: log.read_text(errors="replace") for log in (used.data / "logs").iterdir()}
    assert {"api.log", "worker-1.log"} <= set(logs)
    found = [
        (name, what)
        for name, text in logs.items()
        for what, secret in used.secrets().items()
        if secret in text
    ]
    assert found == []
    assert "Authorization Bearer [hidden]" in logs["api.log"]


def test_redis_has_no_key_and_no_signature_of_ours(used: Used) -> None:
    for name in used.connection.scan_iter("*"):
        content = (
            used.connection.dump(name) if isinstance(name, bytes) else _content(used.connection, str(name))
        )
        for what in ("key", "another's key", "revoked key", "signature", "s3_secret_key"):
            secret = used.secrets()[what]
            assert secret not in content, (name, what)
            assert secret[16:] not in content, (name, what)


def _content(connection: redis.Redis, name: str) -> str:
    kind = str(connection.type(name))
    reads = {"string": "get {}", "hash": "hgetall {}", "list": "lrange {} 0 -1", "set": "smembers {}"}
    command = reads.get(kind, "zrange {} 0 -1").format(name)
    return str(connection.execute_command(*command.split(" ")))


def test_no_file_but_its_own_has_a_key(used: Used) -> None:
    """This searches the data folder: Redis' log of commands, objects and all else."""
    for file in (file for file in used.data.rglob("*") if file.is_file()):
        content = file.read_bytes()
        for what in ("key", "another's key", "revoked key"):
            assert used.secrets()[what].encode() not in content, (file, what)


def test_refusals_repeat_no_secret_and_nothing_of_others(used: Used) -> None:
    for what, secret in used.secrets().items():
        assert secret not in used.answers, what
    assert "bert" not in used.answers
