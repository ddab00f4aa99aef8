"""HTTP to the service and to its storage. Every failure becomes an error of `client.errors`."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from io import SEEK_END
from typing import BinaryIO

import httpx
from pydantic import BaseModel

from client.errors import NobodyAnswers, RequestRefused, StyleQueueClientError, UnexpectedAnswer
from client.http.answers import error_of, parsed
from client.http.connections import LOOPBACK_HOSTS, refusing_a_bad_environment, unavailable_if_no_answer
from client.http.retries import Retries
from shared.wire.records import StoredFile, Upload

NDJSON = "application/x-ndjson"
ACCEPTING_SECONDS = 300  # time for the service to accept a large batch
TLS_SECONDS = 5  # time to connect and to agree on TLS
NOT_WRONG = frozenset({HTTPStatus.SEE_OTHER, HTTPStatus.NOT_MODIFIED})


class Transport:
    """Repeats failed requests as `retries` says, except where a method says that it tries once."""

    def __init__(
        self, base_url: str, *, api_key: str | None, timeout_seconds: float, retries: Retries
    ) -> None:
        self.base_url = base_url
        self.retries = retries
        self._timeout_seconds = timeout_seconds
        credentials = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        direct = dict.fromkeys(f"all://{f'[{host}]' if ':' in host else host}" for host in LOOPBACK_HOSTS)
        with refusing_a_bad_environment():
            self._service = httpx.Client(
                base_url=base_url, headers=credentials, timeout=self._timeout(), mounts=direct
            )
            # A presigned URL is its own permission. The storage must never see the service's key.
            self._storage = httpx.Client(timeout=timeout_seconds, mounts=direct)

    def _timeout(self, read_seconds: float | None = None) -> httpx.Timeout:
        """Return the time limits. Without TLS there, the server waits for more instead of responding."""
        seconds, tls = self._timeout_seconds, self.base_url.startswith("https:")
        connect_seconds = min(seconds, TLS_SECONDS) if tls else seconds
        return httpx.Timeout(seconds, read=read_seconds or seconds, connect=connect_seconds)

    def close(self) -> None:
        self._service.close()
        self._storage.close()

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> httpx.Response:
        return self._ask(self._service.build_request("GET", path, params=query))

    def get_changed(self, path: str, seq: int, hold_seconds: int, deadline: float) -> httpx.Response:
        """Ask the service to hold the request until the record's `seq` changes; 304 if it does not."""
        request = self._service.build_request(
            "GET",
            path,
            params={"wait": hold_seconds},
            headers={"If-None-Match": f'W/"{seq}"'},
            timeout=self._timeout(self._timeout_seconds + hold_seconds),
        )
        return self._ask(request, deadline=deadline)

    def post(
        self, path: str, body: BaseModel | None = None, *, repeatable: bool = False, key: str | None = None
    ) -> httpx.Response:
        """Repeat a failed request only if it was not sent, is `repeatable`, or has an idempotency key."""
        content = None if body is None else body.model_dump_json(exclude_defaults=True)
        headers = {} if body is None else {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        request = self._service.build_request("POST", path, content=content, headers=headers)
        return self._ask(request, repeatable=repeatable or key is not None)

    def post_file(
        self, path: str, body: BinaryIO, content_type: str, key: str, more_headers: Mapping[str, str]
    ) -> httpx.Response:
        """Send the whole file, piece by piece. The key makes repeating safe."""
        headers = {"Content-Type": content_type, "Content-Length": str(body.seek(0, SEEK_END))}
        headers |= {"Idempotency-Key": key, **more_headers}
        patient = self._timeout(ACCEPTING_SECONDS)

        def attempt() -> httpx.Response:
            body.seek(0)
            request = self._service.build_request(
                "POST", path, content=body, headers=headers, timeout=patient
            )
            return self._send(request)

        return self.retries.persist(attempt)

    def lines(self, path: str, query: Mapping[str, str | int] | None = None) -> Generator[bytes]:
        """Yield the lines of an NDJSON response as they arrive. Tries once."""
        request = self._service.build_request("GET", path, params=query)
        with _streamed(self._service, request, self.base_url) as answer:
            yield from _split(answer.iter_bytes())

    def delete(self, path: str) -> httpx.Response:
        return self._ask(self._service.build_request("DELETE", path))

    def greet(self, path: str) -> None:
        """Wait until the service responds.

        Raises:
            NobodyAnswers: no connection was made in the only try.
            UnexpectedAnswer: the server there has no such path.
        """
        request = self._service.build_request("GET", path)

        def attempt() -> NobodyAnswers | None:
            try:
                self._send(request)
            except NobodyAnswers as failure:
                return failure
            return None

        try:
            failure = self.retries.persist(attempt)
        except RequestRefused as refusal:
            if refusal.status != HTTPStatus.NOT_FOUND:
                raise
            raise UnexpectedAnswer(
                f"{refusal.detail} at the path of a stylequeue service; is the URL complete?"
            ) from refusal
        if failure:
            raise failure

    def answers(self, path: str) -> bool:
        """Return whether one GET succeeds."""
        try:
            self._send(self._service.build_request("GET", path))
        except StyleQueueClientError:
            return False
        return True

    def put(self, upload: Upload, content: bytes) -> None:
        """Send a file to the storage."""
        request = self._storage.build_request(
            upload.method, upload.url, headers=upload.headers, content=content
        )
        self.retries.persist(lambda: self._send_to_storage(request))

    def stream(self, path: str) -> Iterator[bytes]:
        """Yield the chunks of a stored file of the service. Tries once."""
        yield from self.stream_stored(self.stored_url(path))

    def stored_url(self, path: str) -> str:
        """Return the presigned URL of a stored file of the service. Tries once.

        The request asks for JSON, because a proxy could rewrite or follow a redirect, and a storage refuses
        requests with an API key. An older service redirects nevertheless.
        """
        answer = self._send(self._service.build_request("GET", path, params={"redirect": "no"}))
        if answer.status_code == HTTPStatus.SEE_OTHER:
            return str(answer.url.join(answer.headers["location"]))
        return parsed(StoredFile, answer).url

    def stream_stored(self, url: str) -> Iterator[bytes]:
        """Yield the chunks of the file at a presigned URL. Tries once."""
        with _streamed(self._storage, self._storage.build_request("GET", url), "the storage") as answer:
            yield from answer.iter_bytes()

    def _ask(
        self, request: httpx.Request, *, repeatable: bool = True, deadline: float = math.inf
    ) -> httpx.Response:
        return self.retries.persist(lambda: self._send(request, repeatable=repeatable), deadline)

    def _send(self, request: httpx.Request, *, repeatable: bool = True) -> httpx.Response:
        """Send one request to the service. Every response but 2xx, 303 and 304 becomes an error."""
        with unavailable_if_no_answer(self.base_url, repeatable=repeatable):
            answer = self._service.send(request)
        if answer.is_success or answer.status_code in NOT_WRONG:
            return answer
        raise error_of(answer, repeatable=repeatable)

    def _send_to_storage(self, request: httpx.Request) -> None:
        with unavailable_if_no_answer("the storage", repeatable=True):
            answer = self._storage.send(request)
        if not answer.is_success:
            raise error_of(answer, repeatable=True)


@contextmanager
def _streamed(client: httpx.Client, request: httpx.Request, whom: str) -> Iterator[httpx.Response]:
    """Yield the response while it arrives. Every response but 2xx becomes an error."""
    with unavailable_if_no_answer(whom, repeatable=True):
        answer = client.send(request, stream=True)
        try:
            if not answer.is_success:
                answer.read()
                raise error_of(answer, repeatable=True)
            yield answer
        finally:
            answer.close()


def _split(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the lines of NDJSON, in which only a line feed ends a line."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from filter(None, lines)
    if rest:
        yield rest
