"""The driver for asyncio. It is a module of its own, because commands start faster without asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx

from client.http.drivers import Channel

T = TypeVar("T")


class Asyncio:
    def channel(self, **options: Any) -> Channel:
        return AsyncioChannel(httpx.AsyncClient(**options))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def work(self, step: Callable[[], T]) -> T:
        return await asyncio.to_thread(step)


class AsyncioChannel:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    def request(self, method: str, url: str, **members: Any) -> httpx.Request:
        return self._client.build_request(method, url, **members)

    async def send(self, request: httpx.Request) -> httpx.Response:
        return await self._client.send(request)

    @asynccontextmanager
    async def stream(self, request: httpx.Request) -> AsyncGenerator[httpx.Response]:
        response = await self._client.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()

    async def read(self, response: httpx.Response) -> None:
        await response.aread()

    async def chunks(self, response: httpx.Response) -> AsyncGenerator[bytes]:
        async for chunk in response.aiter_bytes():
            yield chunk

    async def close(self) -> None:
        await self._client.aclose()
