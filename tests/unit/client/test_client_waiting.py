"""The client waits for a job."""

from __future__ import annotations

import json
import time

import pytest

from client import WaitTimeout
from shared.wire.records import JobStatus, JobView
from tests.unit.client_server import JPEG, Answer, Wire, failed, job, succeeded


def test_waiting_asks_for_changes_since_the_state_it_knows_until_the_job_ends(wire: Wire) -> None:
    soon = {"Retry-After": "0"}
    wire.service.on(
        "GET /v1/jobs/j1",
        Answer(304, headers=soon),
        Answer(200, job("running", 2), soon),
        Answer(200, succeeded(JPEG)),
    )
    seen: list[JobStatus] = []
    start = JobView.model_validate_json(json.dumps(job()))
    ended = wire.queue.wait(start, on_change=lambda view: seen.append(view.status))
    assert ended.status is JobStatus.SUCCEEDED
    assert seen == [JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SUCCEEDED]
    assert [request.headers["if-none-match"] for request in wire.service.requests] == [
        'W/"1"',
        'W/"1"',
        'W/"2"',
    ]
    assert {request.query["wait"] for request in wire.service.requests} == {"20"}


def test_waiting_for_an_id_learns_the_state_first_and_does_not_skip_changes(wire: Wire) -> None:
    wire.service.on("GET /v1/jobs/j1", Answer(200, job()), Answer(200, succeeded(JPEG)))
    wire.queue.wait("j1")
    first, second = wire.service.requests
    assert (first.query, "if-none-match" in first.headers) == ({}, False)
    assert second.headers["if-none-match"] == 'W/"1"'


@pytest.mark.parametrize(("headers", "pause_seconds"), [({"Retry-After": "2"}, 2), ({}, 1)])
def test_waiting_pauses_between_responses_even_if_the_server_holds_nothing_back(
    wire: Wire, headers: dict[str, str], pause_seconds: float
) -> None:
    wire.service.on("GET /v1/jobs/j1", Answer(304, headers=headers), Answer(200, failed()))
    wire.queue.wait(JobView.model_validate_json(json.dumps(job())))
    first, second = wire.service.requests
    assert second.arrived - first.arrived >= pause_seconds


def test_waiting_ends_with_its_timeout_and_the_last_known_state(wire: Wire) -> None:
    wire.service.on("GET /v1/jobs/j1", Answer(200, job("running", 2), {"Retry-After": "60"}))
    started = time.monotonic()
    with pytest.raises(WaitTimeout, match=r"still running after 0\.3 s") as caught:
        wire.queue.wait("j1", timeout_seconds=0.3)
    assert time.monotonic() - started < 5
    assert caught.value.job.status is JobStatus.RUNNING


def test_waiting_for_a_job_that_has_ended_asks_nothing(wire: Wire) -> None:
    ended = JobView.model_validate_json(json.dumps(failed()))
    assert wire.queue.wait(ended) is ended
    assert wire.service.requests == []
