"""Reads images behind clients' URLs; follows redirects, and checks each hop like a first URL."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urljoin

import requests
from urllib3 import HTTPResponse

from shared.errors import SourceForbidden, SourceNotFound, SourceRejected, SourceTooLarge, SourceUnavailable
from shared.policy.urls import Endpoint, check_url, source_urls
from shared.request_errors import UrlNotAllowed
from shared.settings import Settings
from worker.sources.deadline import Deadline
from worker.sources.guarded_session import Failures, GuardedSession

MAX_REDIRECTS = 3
READ_CHUNK_BYTES = 1 << 16
HEADERS = {"User-Agent": "stylequeue", "Accept": "image/*", "Accept-Encoding": "identity"}
FAILURES = Failures(SourceForbidden, SourceRejected, SourceUnavailable)
GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
TRY_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


class GuardedHttp:
    """Keeps its connections; one per process, and any thread may call it."""

    def __init__(self, settings: Settings, ca_bundle: str | None = None) -> None:
        """`ca_bundle` is a file with the certificate authorities to trust instead of certifi's."""
        self._settings = settings
        self._session = GuardedSession(source_urls(settings), HEADERS, FAILURES, ca_bundle)

    def get(self, url: str) -> bytes:
        """Return the file behind `url`. The resolver's own time-outs add to `source_timeout_seconds`.

        Raises:
            SourceForbidden: the URL or a redirect has a scheme, a port or an address that is not allowed.
            SourceNotFound: the server responds with 404 or 410.
            SourceRejected: another 4xx, too many redirects, or a malformed response.
            SourceTooLarge: the file is larger than `max_upload_bytes`; no more than that is read.
            SourceUnavailable: no connection, no response within the deadline, 429 or a server error.
        """
        endpoint, seconds = self._session.check(url), self._settings.source_timeout_seconds
        with self._session.exchange(endpoint.host, seconds, "source_timeout_seconds") as deadline:
            return self._follow(url, endpoint, deadline)

    def close(self) -> None:
        self._session.close()

    def _follow(self, url: str, endpoint: Endpoint, deadline: Deadline) -> bytes:
        host = endpoint.host
        for _ in range(1 + MAX_REDIRECTS):
            with self._session.request("GET", url, deadline) as response:
                target = self._session.redirect_target(response)
                if target is None:
                    return self._read(response, host, deadline)
            url = urljoin(url, target)
            endpoint = self._check_redirect(url, endpoint.scheme, host)
        raise SourceRejected(f"{host} redirects more than {MAX_REDIRECTS} times")

    def _check_redirect(self, url: str, scheme: str, host: str) -> Endpoint:
        """Check a redirect. The error does not name its target, which may be a host in a private network."""
        try:
            endpoint = check_url(url, source_urls(self._settings))
        except UrlNotAllowed:
            raise SourceForbidden(f"{host} redirects to a URL that the service does not fetch from") from None
        if scheme == "https" and endpoint.scheme != "https":
            raise SourceForbidden(f"{host} redirects from https:// to http://")
        return endpoint

    def _read(self, response: requests.Response, host: str, deadline: Deadline) -> bytes:
        _check_answer(response, host)
        limit, body = self._settings.max_upload_bytes, bytearray()
        raw: HTTPResponse = response.raw
        _check_size(raw.length_remaining or 0, limit)
        while chunk := raw.read1(READ_CHUNK_BYTES, decode_content=False):
            body += chunk
            _check_size(len(body), limit)
        deadline.check()  # a connection that the deadline cut may look like one that ended
        return bytes(body)


def _check_answer(response: requests.Response, host: str) -> None:
    status = response.status_code
    if status in GONE:
        raise SourceNotFound(f"{host} returned {status}: there is no such file")
    if status in TRY_LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise SourceUnavailable(f"{host} returned {status}")
    if status != HTTPStatus.OK:
        raise SourceRejected(f"{host} returned {status}")
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":  # not unpacked: a small response could become a large file
        raise SourceRejected(
            f"{host} sends the file compressed ('{encoding[:20]}') though it was asked not to"
        )


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise SourceTooLarge(f"The file behind the URL has more bytes than {limit:,} (max_upload_bytes)")
