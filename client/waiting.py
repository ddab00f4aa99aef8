"""How the client watches a job without asking all the time: the service holds requests back."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from http import HTTPStatus

import httpx

from client.answers import parsed, retry_after_seconds
from client.transport import Transport
from shared.records import JobView

HOLD_SECONDS = 20  # how long the service may hold a request back while nothing changes
PAUSE_SECONDS = 1.0  # between two requests if the service names no time
SHORTEST_PAUSE_SECONDS = 0.1


def changes(transport: Transport, path: str, job: JobView, deadline: float) -> Iterator[JobView]:
    """The states of the job at `path`, `job` first, until it has ended or the deadline is over."""
    yield job
    while not job.finished and time.monotonic() < deadline:
        hold_seconds = math.ceil(min(HOLD_SECONDS, max(0.0, deadline - time.monotonic())))
        asked_at = time.monotonic()
        answer = transport.get_changed(path, job.seq, hold_seconds, deadline)
        if answer.status_code != HTTPStatus.NOT_MODIFIED:
            job = parsed(JobView, answer)
            yield job
        elif time.monotonic() - asked_at < hold_seconds / 2:  # it holds no more requests just now
            _pause(answer, deadline)


def _pause(answer: httpx.Response, deadline: float) -> None:
    asked_seconds = retry_after_seconds(answer)
    pause = PAUSE_SECONDS if asked_seconds is None else max(asked_seconds, SHORTEST_PAUSE_SECONDS)
    time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
