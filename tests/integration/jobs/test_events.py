"""Server-sent events of jobs and batches, on a real Redis; the tests play the worker."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from api.services import EXTENSION
from shared.settings import Settings
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.notifications import LOOK_AGAIN_SECONDS
from tests.access import as_owner
from tests.jobs import RESULT, claimed, end_job, finalize, job_ids, succeed
from tests.stacks.servers import wait_until
from tests.stacks.service import OWNER, PAIR, accepted, assert_problem, post_lines, started

SLOTS = 2


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_waiting_requests": SLOTS})


@dataclass(frozen=True)
class Event:
    noun: str
    seq: int
    record: dict[str, Any]


def events(pieces: Iterable[str]) -> Iterator[Event]:
    """Parse a stream's lines as an EventSource does."""
    fields: dict[str, str] = {}
    for line in pieces:
        name, _, value = line.partition(": ")
        if not line and "data" in fields:
            yield Event(fields["event"], int(fields["id"]), json.loads(fields["data"]))
        fields = {**fields, name: value} if line else {}


@contextmanager
def stream(client: FlaskClient, url: str, last_event_id: object = "") -> Iterator[Iterator[Event]]:
    response = client.get(url, headers={"Last-Event-ID": str(last_event_id)} if last_event_id else {})
    assert (response.status_code, response.mimetype) == (200, "text/event-stream"), response.text
    try:
        yield events(lines(response))
    finally:
        response.close()


def lines(response: TestResponse) -> Iterator[str]:
    for piece in response.iter_encoded():
        yield from piece.decode().split("\n")[:-1]


def submit(client: FlaskClient) -> dict[str, Any]:
    return accepted(client.post("/v1/jobs", json=PAIR))


def free_slots(app: Flask) -> int:
    """Return how many requests the process could still hold."""
    return int(app.extensions[EXTENSION].held_places.free)


def test_a_job_is_followed_from_its_present_state_to_its_end(client: FlaskClient, store: JobStore) -> None:
    job = submit(client)
    with stream(client, job["links"]["events"]) as following:
        first = next(following)
        assert (first.noun, first.seq) == ("job", job["seq"])
        assert first.record["status"] == "queued"
        assert first.record["links"] == job["links"]
        claim = claimed(store, job["id"])
        assert next(following).record["status"] == "running"
        end_job(store, claim, RESULT)
        last = next(following)
        assert (last.record["status"], last.seq) == ("succeeded", store.get(job["id"]).seq)
        assert list(following) == []


def test_a_batch_is_followed_until_its_results_are_written(
    client: FlaskClient, store: JobStore, batches: BatchStore
) -> None:
    batch = accepted(post_lines(client, PAIR, PAIR))
    one, two = job_ids(batch["id"], 2)
    with stream(client, batch["links"]["events"]) as following:
        first = next(following)
        assert (first.noun, first.seq, first.record["progress"]["fraction"]) == ("batch", batch["seq"], 0)
        succeed(store, one)
        assert next(following).record["counts"]["succeeded"] == 1
        succeed(store, two)
        assert next(following).record["status"] == "finalizing"
        finalize(batches)
        assert next(following).record["status"] == "completed"
        assert list(following) == []


def test_a_change_arrives_when_it_happens_and_not_when_somebody_looks_again(
    client: FlaskClient, store: JobStore
) -> None:
    job = submit(client)
    with stream(client, job["links"]["events"]) as following:
        next(following)
        worker = threading.Timer(0.5, lambda: store.cancel(job["id"], OWNER))  # the stream waits by then
        begin = time.monotonic()
        worker.start()
        assert next(following).record["status"] == "canceled"
        assert time.monotonic() - begin < LOOK_AGAIN_SECONDS - 1
        worker.join()


def test_a_reconnect_with_the_present_version_gets_only_later_events(
    client: FlaskClient, store: JobStore
) -> None:
    job = submit(client)
    with stream(client, job["links"]["events"], job["seq"]) as following:
        store.cancel(job["id"], OWNER)
        assert [event.record["status"] for event in following] == ["canceled"]


@pytest.mark.parametrize("seen", ["1", "no number", "9" * 5000])
def test_a_reconnect_with_another_version_gets_the_present_state(
    client: FlaskClient, store: JobStore, seen: str
) -> None:
    job = submit(client)
    store.cancel(job["id"], OWNER)
    with stream(client, job["links"]["events"], seen) as following:
        assert [event.record["status"] for event in following] == ["canceled"]


def test_a_client_with_the_last_version_is_told_not_to_connect_again(
    client: FlaskClient, store: JobStore, batches: BatchStore, app: Flask
) -> None:
    batch = accepted(post_lines(client, PAIR))
    (job_id,) = job_ids(batch["id"], 1)
    succeed(store, job_id)
    finalize(batches)
    for url, seq in (
        (f"/v1/jobs/{job_id}/events", store.get(job_id).seq),
        (batch["links"]["events"], batches.look(batch["id"], OWNER).seq),
    ):
        response = client.get(url, headers={"Last-Event-ID": str(seq)})
        assert (response.status_code, response.data) == (204, b"")
    assert free_slots(app) == SLOTS


def test_a_stream_ends_when_its_job_is_deleted(client: FlaskClient, store: JobStore) -> None:
    job = submit(client)
    with stream(client, job["links"]["events"]) as following:
        next(following)
        store.delete(job["id"], OWNER)
        assert list(following) == []
    assert_problem(client.get(job["links"]["events"]), 404, "job-not-found")


def test_no_more_streams_are_held_than_there_are_places_and_a_place_is_given_back(
    client: FlaskClient, app: Flask
) -> None:
    job = submit(client)
    with ExitStack() as held:
        for _ in range(SLOTS):
            held.enter_context(stream(client, job["links"]["events"]))
        refused = client.get(job["links"]["events"])
        assert_problem(refused, 503, "too-many-streams")
        assert refused.headers["Retry-After"] == "5"
        assert client.get(job["links"]["self"] + "?wait=60").status_code == 200  # answered at once
    assert free_slots(app) == SLOTS
    client.post(job["links"]["cancel"])
    for _ in range(SLOTS + 1):
        with stream(client, job["links"]["events"]) as following:
            next(following)
    assert free_slots(app) == SLOTS


def test_the_streams_of_one_owner_leave_places_for_others(app: Flask, settings: Settings) -> None:
    started(app, settings.model_copy(update={"max_waiting_requests": 8}))
    anna, bert = as_owner(app, "anna"), as_owner(app, "bert")
    annas, berts = (submit(client)["links"]["events"] for client in (anna, bert))
    with ExitStack() as held:
        for _ in range(6):
            held.enter_context(stream(anna, annas))
        assert_problem(anna.get(annas), 503, "too-many-streams")
        held.enter_context(stream(bert, berts))
        assert_problem(bert.get(berts), 503, "too-many-streams")  # the last place is for a third owner
    assert free_slots(app) == 8


def test_a_client_that_goes_away_gives_its_place_back(
    client: FlaskClient, app: Flask, store: JobStore
) -> None:
    job_id = submit(client)["id"]
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/v1/jobs/{job_id}/events"
        with httpx.stream("GET", url, timeout=20) as response:
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Accel-Buffering"] == "no"
            assert next(events(response.iter_lines())).record["status"] == "queued"
            assert free_slots(app) == SLOTS - 1

        def noticed() -> bool:
            store.cancel(job_id, OWNER)  # a server learns of it when it has something to send
            store.retry(job_id, OWNER)
            return free_slots(app) == SLOTS

        wait_until(noticed, 20, "the place")
    finally:
        store.cancel(job_id, OWNER)
        server.shutdown()
        thread.join()
        server.server_close()
