"""The service as its clients see it, on real servers, and a worker that paints without a model."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.services import EXTENSION, Services
from shared.broker.queue import Dispatcher, create_celery
from shared.policy.object_keys import result_key
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.jobs import Claim, JobStore
from shared.store.lanes import Lanes
from shared.store.redis.connection import connect
from tests.jobs import ERROR, RESULT, claimed, end_job

OWNER = "anonymous"
PICTURE = b"\xff\xd8\xff\xe0 not a picture, but the API does not decode"
PAIR = {"content": {"url": "https://example.org/a.jpg"}, "style": {"url": "https://example.org/b.jpg"}}
NDJSON = "application/x-ndjson"


@contextmanager
def service(settings: Settings) -> Iterator[Flask]:
    connection, celery = connect(settings.redis_url), create_celery(settings)
    dispatcher = Dispatcher(Lanes(connection), celery, settings.dispatch_window)
    parts = Services.connect(settings, dispatcher=dispatcher)
    yield create_app(parts)
    celery.close()
    connection.close()
    parts.connection.close()


def started(app: Flask, settings: Settings, storage: Storage | None = None) -> FlaskClient:
    """Return a client of the service as after a start with these settings, without the seconds that takes."""
    dispatcher = app.extensions[EXTENSION].dispatcher
    app.extensions[EXTENSION] = Services.connect(settings, storage, dispatcher)
    return app.test_client()


def ndjson(*lines: Any) -> bytes:
    """Return lines of NDJSON; bytes are taken as they are."""
    return b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )


def rows(response: TestResponse) -> list[dict[str, Any]]:
    """Return the lines of an NDJSON response."""
    assert response.status_code == 200, response.text
    assert response.mimetype == NDJSON
    return [json.loads(line) for line in response.data.splitlines()]


def post_lines(client: FlaskClient, *lines: Any, **options: Any) -> TestResponse:
    return client.post("/v1/batches", data=ndjson(*lines), content_type=NDJSON, **options)


def accepted(response: TestResponse) -> dict[str, Any]:
    assert response.status_code == 202, response.text
    return dict(response.json or {})


def jobs_of(client: FlaskClient, batch: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all jobs of a batch, by line."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while not found or cursor:
        page = client.get(batch["links"]["jobs"] + f"?limit=100{cursor and '&cursor=' + cursor}").json or {}
        found += page["jobs"]
        cursor = page["next_cursor"] or ""
        if not page["jobs"]:
            break
    return found


def data_uri(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def paint(store: JobStore, storage: Storage, job_id: str, picture: bytes = PICTURE) -> None:
    """End a job as a worker does."""
    finish(store, storage, claimed(store, job_id), picture)


def finish(store: JobStore, storage: Storage, claim: Claim, picture: bytes = PICTURE) -> None:
    key = result_key(claim.job.folder, claim.job.id, "jpg")
    storage.put(key, picture, "image/jpeg")
    end_job(
        store, claim, RESULT.model_copy(update={"key": key, "bytes": len(picture), "sha256": sha256(picture)})
    )


def give_up(store: JobStore, job_id: str) -> None:
    """Fail a job as a worker does whose picture cannot be decoded."""
    end_job(store, claimed(store, job_id), ERROR)


def assert_problem(response: TestResponse, status: int, code: str, pointer: str | None = None) -> str:
    """Assert that the response is this error; return its sentence."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    body = response.json or {}
    assert (body["status"], body["code"], body["pointer"]) == (status, code, pointer)
    return str(body["detail"])
