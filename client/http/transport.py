"""HTTP to the service and to its storage. Every failure becomes an error of `client.errors`."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from http import HTTPStatus
from io import SEEK_END
from typing import BinaryIO, TypeVar

import httpx
from pydantic import BaseModel

from client.errors import (
    NobodyAnswers,
    RequestRefused,
    ServiceUnavailable,
    StyleQueueClientError,
    UnexpectedAnswer,
)
from client.http.answers import error_of, parsed
from client.http.connections import LOOPBACK_HOSTS, refusing_a_bad_environment, unavailable_if_no_answer
from client.http.drivers import Channel, Driver
from client.http.file_body import FileBody
from client.http.retries import Retries
from shared.wire.records import StoredFile, Upload

T = TypeVar("T")

NDJSON = "application/x-ndjson"
ACCEPTING_SECONDS = 300  # time for the service to accept a large batch
TLS_SECONDS = 5  # time to connect and to agree on TLS
NOT_WRONG = frozenset({HTTPStatus.SEE_OTHER, HTTPStatus.NOT_MODIFIED})


class Transport:
    """Repeats failed requests as `retries` says, except where a method says that it tries once."""

    def __init__(
        self, base_url: str, driver: Driver, *, api_key: str | None, timeout_seconds: float, retries: Retries
    ) -> None:
        self.base_url = base_url
        self.driver = driver
        self._retries = retries
        self._timeout_seconds = timeout_seconds
        credentials = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        direct = dict.fromkeys(f"all://{f'[{host}]' if ':' in host else host}" for host in LOOPBACK_HOSTS)
        with refusing_a_bad_environment():
            self._service = driver.channel(
                base_url=base_url, headers=credentials, timeout=self._timeout(), mounts=direct
            )
            # A presigned URL is its own permission. The storage must never see the service's key.
            self._storage = driver.channel(timeout=httpx.Timeout(timeout_seconds, pool=None), mounts=direct)

    def _timeout(self, read_seconds: float | None = None) -> httpx.Timeout:
        """Return the time limits. Without TLS there, the server waits for more instead of responding."""
        seconds, tls = self._timeout_seconds, self.base_url.startswith("https:")
        connect_seconds = min(seconds, TLS_SECONDS) if tls else seconds
        # Requests wait for a free connection as long as it takes: tasks may be more than connections.
        return httpx.Timeout(seconds, read=read_seconds or seconds, connect=connect_seconds, pool=None)

    async def close(self) -> None:
        await self._service.close()
        await self._storage.close()

    async def get(self, path: str, query: Mapping[str, str | int] | None = None) -> httpx.Response:
        return await self._ask(self._service.request("GET", path, params=query))

    async def get_changed(self, path: str, seq: int, hold_seconds: int, deadline: float) -> httpx.Response:
        """Ask the service to hold the request until the record's `seq` changes; 304 if it does not."""
        request = self._service.request(
            "GET",
            path,
            params={"wait": hold_seconds},
            headers={"If-None-Match": f'W/"{seq}"'},
            timeout=self._timeout(self._timeout_seconds + hold_seconds),
        )
        return await self._ask(request, deadline=deadline)

    async def post(
        self, path: str, body: BaseModel | None = None, *, repeatable: bool = False, key: str | None = None
    ) -> httpx.Response:
        """Repeat a failed request only if it was not sent, is `repeatable`, or has an idempotency key."""
        content = None if body is None else body.model_dump_json(exclude_defaults=True)
        headers = {} if body is None else {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        request = self._service.request("POST", path, content=content, headers=headers)
        return await self._ask(request, repeatable=repeatable or key is not None)

    async def put_record(self, path: str, body: BaseModel) -> httpx.Response:
        content, headers = body.model_dump_json(exclude_defaults=True), {"Content-Type": "application/json"}
        return await self._ask(self._service.request("PUT", path, content=content, headers=headers))

    async def post_file(
        self, path: str, body: BinaryIO, content_type: str, key: str, more_headers: Mapping[str, str]
    ) -> httpx.Response:
        """Send the whole file, piece by piece. The key makes repeating safe."""
        headers = {"Content-Type": content_type, "Content-Length": str(body.seek(0, SEEK_END))}
        headers |= {"Idempotency-Key": key, **more_headers}
        request = self._service.request(
            "POST", path, headers=headers, timeout=self._timeout(ACCEPTING_SECONDS)
        )
        request.stream = FileBody(body)
        return await self._ask(request)

    async def lines(self, path: str, query: Mapping[str, str | int] | None = None) -> AsyncGenerator[bytes]:
        """Yield the lines of an NDJSON response as they arrive. Tries once."""
        request = self._service.request("GET", path, params=query)
        async with aclosing(_streamed(self._service, request, self.base_url)) as chunks:
            async for line in _split(chunks):
                yield line

    async def delete(self, path: str) -> httpx.Response:
        return await self._ask(self._service.request("DELETE", path))

    async def greet(self, path: str) -> None:
        """Wait until the service responds.

        Raises:
            NobodyAnswers: no connection was made in the only try.
            UnexpectedAnswer: the server there has no such path.
        """
        request = self._service.request("GET", path)

        async def attempt() -> NobodyAnswers | None:
            try:
                await self._send(request)
            except NobodyAnswers as failure:
                return failure
            return None

        try:
            failure = await self.persist(attempt)
        except RequestRefused as refusal:
            if refusal.status != HTTPStatus.NOT_FOUND:
                raise
            raise UnexpectedAnswer(
                f"{refusal.detail} at the path of a stylequeue service; is the URL complete?"
            ) from refusal
        if failure:
            raise failure

    async def answers(self, path: str) -> bool:
        """Return whether one GET succeeds."""
        try:
            await self._send(self._service.request("GET", path))
        except StyleQueueClientError:
            return False
        return True

    async def put(self, upload: Upload, content: bytes) -> None:
        """Send a file to the storage."""
        request = self._storage.request(upload.method, upload.url, headers=upload.headers, content=content)
        await self.persist(lambda: self._send_to_storage(request))

    async def stream(self, path: str) -> AsyncGenerator[bytes]:
        """Yield the chunks of a stored file of the service. Tries once."""
        async with aclosing(self.stream_stored(await self.stored_url(path))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def stored_url(self, path: str) -> str:
        """Return the presigned URL of a stored file of the service. Tries once.

        The request asks for JSON, because a proxy could rewrite or follow a redirect, and a storage refuses
        requests with an API key. An older service redirects nevertheless.
        """
        answer = await self._send(self._service.request("GET", path, params={"redirect": "no"}))
        if answer.status_code == HTTPStatus.SEE_OTHER:
            return str(answer.url.join(answer.headers["location"]))
        return parsed(StoredFile, answer).url

    def stream_stored(self, url: str) -> AsyncGenerator[bytes]:
        """Yield the chunks of the file at a presigned URL. Tries once."""
        return _streamed(self._storage, self._storage.request("GET", url), "the storage")

    async def persist(self, step: Callable[[], Awaitable[T]], deadline: float = math.inf) -> T:
        """Repeat the step while that is safe and may help, until the deadline (of time.monotonic)."""
        tries = 0
        while True:
            try:
                return await step()
            except ServiceUnavailable as failure:
                tries += 1
                delay = self._retries.delay(tries, failure.retry_after_seconds)
                if not failure.safe_to_repeat or delay is None or time.monotonic() + delay > deadline:
                    raise
            await self.driver.sleep(delay)

    async def _ask(
        self, request: httpx.Request, *, repeatable: bool = True, deadline: float = math.inf
    ) -> httpx.Response:
        return await self.persist(lambda: self._send(request, repeatable=repeatable), deadline)

    async def _send(self, request: httpx.Request, *, repeatable: bool = True) -> httpx.Response:
        """Send one request to the service. Every response but 2xx, 303 and 304 becomes an error."""
        with unavailable_if_no_answer(self.base_url, repeatable=repeatable):
            answer = await self._service.send(request)
        if answer.is_success or answer.status_code in NOT_WRONG:
            return answer
        raise error_of(answer, repeatable=repeatable)

    async def _send_to_storage(self, request: httpx.Request) -> None:
        with unavailable_if_no_answer("the storage", repeatable=True):
            answer = await self._storage.send(request)
        if not answer.is_success:
            raise error_of(answer, repeatable=True)


async def _streamed(channel: Channel, request: httpx.Request, whom: str) -> AsyncGenerator[bytes]:
    """Yield the response's chunks as they arrive. Every response but 2xx becomes an error."""
    with unavailable_if_no_answer(whom, repeatable=True):
        async with channel.stream(request) as answer:
            if not answer.is_success:
                await channel.read(answer)
                raise error_of(answer, repeatable=True)
            async for chunk in channel.chunks(answer):
                yield chunk


async def _split(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """Yield the lines of NDJSON, in which only a line feed ends a line."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in filter(None, lines):
            yield line
    if rest:
        yield rest
