"""The duties of a driver, and the one that blocks the thread; `client.http.event_loop` has the other.

With `Blocking` the core's coroutines never wait for an event loop, and `client.blocking` runs each of them
to its end.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, TypeVar

import httpx

T = TypeVar("T")


class Channel(Protocol):
    """The connections to one server."""

    def request(self, method: str, url: str, **members: Any) -> httpx.Request: ...

    async def send(self, request: httpx.Request) -> httpx.Response: ...

    def stream(self, request: httpx.Request) -> AbstractAsyncContextManager[httpx.Response]:
        """Yield the response before its body arrives."""

    async def read(self, response: httpx.Response) -> None:
        """Take the whole body of a streamed response."""

    def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes]:
        """Yield the body of a streamed response as it arrives."""

    async def close(self) -> None: ...


class Driver(Protocol):
    """Sends requests, waits, and does work that blocks."""

    def channel(self, **options: Any) -> Channel:
        """Return connections with the options of `httpx.Client`."""

    async def sleep(self, seconds: float) -> None: ...

    async def work(self, step: Callable[[], T]) -> T:
        """Run a step that reads files or computes for long."""


class Blocking:
    def channel(self, **options: Any) -> Channel:
        return BlockingChannel(httpx.Client(**options))

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def work(self, step: Callable[[], T]) -> T:
        return step()


class BlockingChannel:
    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def request(self, method: str, url: str, **members: Any) -> httpx.Request:
        return self._client.build_request(method, url, **members)

    async def send(self, request: httpx.Request) -> httpx.Response:
        return self._client.send(request)

    @asynccontextmanager
    async def stream(self, request: httpx.Request) -> AsyncGenerator[httpx.Response]:
        response = self._client.send(request, stream=True)
        try:
            yield response
        finally:
            response.close()

    async def read(self, response: httpx.Response) -> None:
        response.read()

    async def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes]:
        for chunk in response.iter_bytes():
            yield chunk

    async def close(self) -> None:
        self._client.close()
