"""The client's retries, and when it gives up."""

from __future__ import annotations

import pytest

from client import Retries, ServiceUnavailable, StyleQueue
from tests.unit.client_server import QUICK, URL, Answer, Script, Wire, job, problem


@pytest.mark.parametrize("code", [429, 503])
def test_a_busy_service_is_asked_again_after_the_time_it_names(wire: Wire, code: int) -> None:
    busy = problem(code, "queue-full", "later", headers={"Retry-After": "1"})
    wire.service.on("POST /v1/jobs", busy, Answer(202, job()))
    assert wire.queue.submit(URL, URL).id == "j1"
    first, second = wire.service.requests
    assert second.arrived - first.arrived >= 1


def test_a_service_that_stays_busy_is_given_up_after_five_tries(wire: Wire) -> None:
    wire.service.on("GET /v1/jobs/j1", problem(503, "broker-unavailable", "Redis cannot be reached."))
    with pytest.raises(ServiceUnavailable, match="Redis cannot be reached"):
        wire.queue.job("j1")
    assert len(wire.service.requests) == 5


@pytest.mark.parametrize("lost", [Answer(lost=True), Answer(503, b"<html>proxy</html>")])
def test_a_submit_whose_answer_was_lost_is_repeated_with_the_same_key(wire: Wire, lost: Answer) -> None:
    wire.service.on("POST /v1/jobs", lost, Answer(202, job()))
    assert wire.queue.submit(URL, URL).id == "j1"
    first, second = (request.headers["idempotency-key"] for request in wire.service.requests)
    assert first == second


def test_every_submission_has_a_key_of_its_own(wire: Wire) -> None:
    wire.service.on("POST /v1/jobs", Answer(202, job()))
    for _ in range(2):
        wire.queue.submit(URL, URL)
    first, second = (request.headers["idempotency-key"] for request in wire.service.requests)
    assert first != second


def test_a_step_that_must_not_run_twice_is_not_repeated(wire: Wire) -> None:
    wire.service.on("POST /v1/jobs/j1/retry", Answer(lost=True))
    with pytest.raises(ServiceUnavailable, match="may have been carried out") as caught:
        wire.queue.retry("j1")
    assert not caught.value.safe_to_repeat
    assert len(wire.service.requests) == 1


def test_a_read_whose_answer_was_lost_is_repeated(wire: Wire) -> None:
    wire.service.on("GET /v1/jobs/j1", Answer(lost=True), Answer(502, b"<html>"), Answer(200, job()))
    assert wire.queue.job("j1").id == "j1"


def test_a_service_that_is_not_there_is_unavailable_and_safe_to_ask_again() -> None:
    with Script() as gone:
        url = gone.url
    with StyleQueue(url, retries=QUICK) as queue:
        assert not queue.alive()
        assert not queue.ready()
        with pytest.raises(ServiceUnavailable, match="cannot be reached") as caught:
            queue.submit(URL, URL)
    assert caught.value.safe_to_repeat


@pytest.mark.parametrize(
    ("tries_so_far", "asked", "shortest", "longest"),
    [
        (1, None, 0.25, 0.5),
        (2, None, 0.5, 1),
        (4, None, 2, 4),
        (1, 7.0, 7, 7.5),
        (4, 0.0, 0, 0.5),
    ],
)
def test_delays_grow_and_are_never_shorter_than_asked(
    tries_so_far: int, asked: float | None, shortest: float, longest: float
) -> None:
    delay = Retries().delay(tries_so_far, asked)
    assert delay is not None
    assert shortest <= delay <= longest


@pytest.mark.parametrize(("tries_so_far", "asked"), [(5, None), (5, 1.0), (1, 3600.0)])
def test_no_try_follows_the_fifth_or_a_request_to_stay_away_for_long(
    tries_so_far: int, asked: float | None
) -> None:
    assert Retries().delay(tries_so_far, asked) is None
