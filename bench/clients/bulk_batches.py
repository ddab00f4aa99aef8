"""Batches of any number of small lines, and their removal without a worker."""

from __future__ import annotations

import hashlib
import http.client
import json
from http import HTTPStatus
from typing import cast
from urllib.parse import urlsplit

from shared.broker.queue import queue_name
from shared.ids import job_id_of_line
from shared.store.batches import BatchStore
from shared.store.redis.connection import connect
from shared.store.redis.scripts import PREFIX
from shared.wire.descriptors import Lane

NDJSON = {"Content-Type": "application/x-ndjson"}
TIMEOUT_SECONDS = 120
UPLOADS = "s3://stylequeue/uploads/anonymous"
STYLE = {"url": f"{UPLOADS}/{hashlib.sha256(b'style').hexdigest()}"}  # never sent; nobody reads it


def lines(count: int, lane: Lane = Lane.BULK) -> bytes:
    """Return NDJSON of jobs that differ in their photograph, about 280 bytes each."""
    return b"".join(_line(number, lane) for number in range(count))


def _line(number: int, lane: Lane) -> bytes:
    content_id = hashlib.sha256(str(number).encode()).hexdigest()
    job = {
        "content": {"url": f"{UPLOADS}/{content_id}"},
        "style": STYLE,
        "custom_id": f"photo-{number:06}",
    }
    if lane is not Lane.BULK:
        job["lane"] = lane
    return json.dumps(job, separators=(",", ":")).encode() + b"\n"


def post_batch(url: str, body: bytes) -> str:
    """Post a batch that is accepted as a whole; return its id."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)
    connection.request("POST", "/v1/batches", body, NDJSON)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status == HTTPStatus.ACCEPTED, (answer.status, text[:500])
    batch = json.loads(text)
    assert batch["rejected"] == 0, batch
    return str(batch["id"])


class Batches:
    """Access to batches past the API."""

    def __init__(self, redis_url: str) -> None:
        self._redis = connect(redis_url)
        self._store = BatchStore(self._redis)

    def job_ids(self, batch_id: str, count: int) -> list[str]:
        return [job_id_of_line(batch_id, line) for line in range(1, count + 1)]

    def record(self, job_id: str) -> dict[str, str]:
        """Return the fields of a job as Redis holds them."""
        return cast("dict[str, str]", self._redis.hgetall(PREFIX + "job:" + job_id))

    def remove(self, batch_id: str) -> None:
        """Remove a batch with its jobs and their messages, by the store's own step.

        The API deletes only ended batches, and a canceled one ends when a worker has written its results.
        Here no worker runs.
        """
        self._store.discard(batch_id)
        self._redis.delete(*map(queue_name, Lane))

    def close(self) -> None:
        self._redis.close()
