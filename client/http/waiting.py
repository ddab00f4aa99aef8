"""Watching jobs and batches by long polls: the service holds each request until something changes."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, Callable
from http import HTTPStatus
from typing import TypeVar

import httpx

from client.http.answers import parsed, retry_after_seconds
from client.http.transport import Transport
from shared.wire.batch_records import BatchView
from shared.wire.records import JobView

State = TypeVar("State", JobView, BatchView)

HOLD_SECONDS = 20  # how long the service may hold a request while nothing changes
PAUSE_SECONDS = 1.0  # between two requests if the service asks for no other pause
SHORTEST_PAUSE_SECONDS = 0.1


async def changes(
    transport: Transport,
    path: str,
    state: State,
    ended: Callable[[State], bool],
    *,
    deadline: float = math.inf,
    rest_seconds: float = 0,
) -> AsyncGenerator[State]:
    """Yield `state` and each later state of the resource, until it has ended or the deadline is over.

    Two requests are at least `rest_seconds` apart, including the time that the caller takes for a state.
    """
    asked_at = time.monotonic()
    yield state
    while not ended(state) and time.monotonic() < deadline:
        await _sleep(transport, asked_at + rest_seconds - time.monotonic(), deadline)
        hold_seconds = math.ceil(min(HOLD_SECONDS, max(0.0, deadline - time.monotonic())))
        asked_at = time.monotonic()
        answer = await transport.get_changed(path, state.seq, hold_seconds, deadline)
        if answer.status_code != HTTPStatus.NOT_MODIFIED:
            state = parsed(type(state), answer)
            yield state
        elif time.monotonic() - asked_at < hold_seconds / 2:  # the service holds no more requests now
            await _sleep(transport, _asked_pause(answer), deadline)


def _asked_pause(answer: httpx.Response) -> float:
    asked_seconds = retry_after_seconds(answer)
    return PAUSE_SECONDS if asked_seconds is None else max(asked_seconds, SHORTEST_PAUSE_SECONDS)


async def _sleep(transport: Transport, seconds: float, deadline: float) -> None:
    await transport.driver.sleep(max(0.0, min(seconds, deadline - time.monotonic())))
