"""The client against a loopback server that speaks the wire format."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from client import RequestRefused, StyleQueue, UnexpectedAnswer
from shared.wire.records import JobStatus
from tests.unit.client_server import NOW, URL, Answer, Wire, job, problem


def test_jobs_are_listed_page_by_page(wire: Wire) -> None:
    first_page = {"jobs": [job(job_id="j3"), job(job_id="j2")], "next_cursor": "c1"}
    wire.service.on("GET /v1/jobs", Answer(200, first_page), Answer(200, {"jobs": [job()]}))
    assert [view.id for view in wire.queue.iter_jobs(JobStatus.QUEUED, page_size=2)] == ["j3", "j2", "j1"]
    assert wire.service.requests[0].query == {"status": "queued", "limit": "2"}
    assert wire.service.requests[1].query == {"status": "queued", "limit": "2", "cursor": "c1"}


def test_a_job_is_canceled_retried_and_deleted(wire: Wire) -> None:
    wire.service.on("POST /v1/jobs/j1/cancel", Answer(202, job("canceling", 3)))
    wire.service.on("POST /v1/jobs/j1/retry", Answer(202, job(seq=5)))
    wire.service.on("DELETE /v1/jobs/j1", Answer(204))
    assert wire.queue.cancel("j1").status is JobStatus.CANCELING
    assert wire.queue.retry("j1").status is JobStatus.QUEUED
    wire.queue.delete("j1")


def test_an_id_cannot_lead_to_another_route(wire: Wire) -> None:
    with pytest.raises(RequestRefused):
        wire.queue.job("../workers?x=1")
    assert wire.service.requests[0].path == "/v1/jobs/..%2Fworkers%3Fx%3D1"


def test_the_service_describes_itself(wire: Wire) -> None:
    worker = {"id": "w", "host": "h", "pid": 1, "device": "cpu", "model": "m", "lanes": ["high"], "slots": 4}
    worker |= {"busy": 0, "model_loads": 1, "started_at": NOW, "last_seen_at": NOW}
    formats = {"formats_in": ["jpeg"], "formats_out": ["png"], "sources": ["url"], "lanes": ["high"]}
    wire.service.on("GET /v1/workers", Answer(200, {"workers": [worker]}))
    wire.service.on(
        "GET /v1/capabilities", Answer(200, {**formats, "models": ["m"], "limits": {"pixels": 1}})
    )
    wire.service.on("GET /readyz", Answer(200, {}), problem(503, "broker-unavailable", "no Redis"))
    assert [each.id for each in wire.queue.operations.workers()] == ["w"]
    assert wire.queue.capabilities().formats_out == ("png",)
    assert [wire.queue.ready(), wire.queue.ready()] == [True, False]


def test_a_url_without_a_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="does not start with http"):
        StyleQueue("localhost:8080")


def test_importing_the_client_loads_nothing_of_the_service() -> None:
    service = ["celery", "redis", "boto3", "botocore", "flask", "tensorflow"]
    forbidden = [*service, "asyncio", "numpy", "PIL", "api", "worker", "local"]
    program = (
        f"import sys, client; client.StyleQueue; print([name for name in {forbidden} if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"


def test_a_problem_becomes_an_error_with_its_code_and_pointer(wire: Wire) -> None:
    wire.service.on(
        "POST /v1/jobs", problem(422, "invalid-parameter", "too small", pointer="/params/max_side")
    )
    with pytest.raises(RequestRefused) as caught:
        wire.queue.submit(URL, URL)
    refusal = caught.value
    assert (refusal.status, refusal.code, refusal.detail) == (422, "invalid-parameter", "too small")
    assert refusal.pointer == "/params/max_side"
    assert str(refusal) == "too small (/params/max_side)"
    already_there = RequestRefused(422, "invalid-parameter", "/owner: too long", "/owner")
    assert str(already_there) == "/owner: too long"


def test_a_job_that_the_model_refuses_is_not_sent(wire: Wire) -> None:
    with pytest.raises(RequestRefused) as caught:
        wire.queue.submit(URL, URL, max_attempts=0)
    assert (caught.value.code, caught.value.pointer) == ("invalid-parameter", "/max_attempts")
    assert wire.service.requests == []


@pytest.mark.parametrize("answer", [Answer(200, {"hello": 1}), Answer(200, b"<html>"), Answer(301)])
def test_another_server_at_the_address_is_recognized(wire: Wire, answer: Answer) -> None:
    wire.service.on("GET /v1/jobs/j1", answer)
    with pytest.raises(UnexpectedAnswer, match=wire.service.url):
        wire.queue.job("j1")
