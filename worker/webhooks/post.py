"""Sends one webhook to a URL from a client; redirects are not followed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import requests
from urllib3.exceptions import HTTPError

from shared.errors import WebhookTargetForbidden, WebhookTargetUnavailable
from shared.policy.urls import webhook_urls
from shared.settings import Settings
from worker.sources.guarded_session import Failures, GuardedSession

HEADERS = {"User-Agent": "stylequeue", "Accept": "*/*", "Accept-Encoding": "identity"}
FAILURES = Failures(WebhookTargetForbidden, WebhookTargetUnavailable, WebhookTargetUnavailable)
SHOWN_BYTES = 300  # of a response
MAX_WISH_DIGITS = 9


@dataclass(frozen=True)
class Answer:
    """A receiver's response; `text` is its beginning, `retry_after_seconds` its Retry-After."""

    status_code: int
    text: str
    retry_after_seconds: float


class WebhookPost:
    """Keeps its connections; one per process, and any thread may call it."""

    def __init__(self, settings: Settings, ca_bundle: str | None = None) -> None:
        """`ca_bundle` is a file with the certificate authorities to trust instead of certifi's."""
        self._seconds = settings.webhook_timeout_seconds
        self._session = GuardedSession(webhook_urls(settings), HEADERS, FAILURES, ca_bundle)

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send the body and return the response, which may be a redirect; only its beginning is read.

        Raises:
            WebhookTargetForbidden: the URL has a scheme, a port or an address that is not allowed.
            WebhookTargetUnavailable: no connection, or no response within `webhook_timeout_seconds`.
        """
        host = self._session.check(url).host
        with (
            self._session.exchange(host, self._seconds, "webhook_timeout_seconds") as deadline,
            self._session.request("POST", url, deadline, headers=headers, data=body) as response,
        ):
            answer = Answer(response.status_code, _beginning(response), _wish(response))
            deadline.check()  # a connection that the deadline cut may look like one that ended
            return answer

    def close(self) -> None:
        self._session.close()


def _beginning(response: requests.Response) -> str:
    """Return the beginning as text without control characters, even if the response breaks off."""
    data = b""
    with suppress(HTTPError, OSError):
        data = response.raw.read(SHOWN_BYTES, decode_content=False)
    text = data.decode("utf-8", "replace")
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _wish(response: requests.Response) -> float:
    """Return the seconds of Retry-After, or 0."""
    text = response.headers.get("Retry-After", "").strip()
    asked = response.status_code in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    return float(text) if asked and text.isascii() and text.isdigit() and len(text) <= MAX_WISH_DIGITS else 0
