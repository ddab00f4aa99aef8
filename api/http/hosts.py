"""The header Host. Links begin with it unless the service has a public URL."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask
from werkzeug.exceptions import BadRequest

from api.http.request_in_hand import current_request
from shared.policy.hosts import name_in
from shared.settings import Settings

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")  # local probes use these


def requested_host() -> str:
    """Return the request's Host, or without one (HTTP/1.0) the server's address."""
    current = current_request()
    sent: str | None = current.environ.get("HTTP_HOST")
    return current.host if sent is None else sent


class HostCheck:
    """Refuses a malformed Host, and any other than the trusted hosts if the operator names some."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._trusted = trusted_names(settings)
        app.before_request(self._check)

    def _check(self) -> None:
        environ = current_request().environ
        sent: str | None = environ.get("HTTP_HOST")
        if sent is None and environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
            return
        name = name_in(sent) if sent and sent.isascii() else ""
        if not name:
            raise BadRequest("The header Host is missing or malformed; it must be a host, or host:port")
        if self._trusted and name not in self._trusted:
            raise BadRequest("The header Host names a host that is not this service's (trusted_hosts)")


def trusted_names(settings: Settings) -> frozenset[str]:
    """Return the names that requests may be sent to; empty if all are allowed."""
    if not settings.trusted_hosts:
        return frozenset()
    public = urlsplit(settings.public_url or "").hostname
    named = map(name_in, settings.trusted_hosts)
    return frozenset({*named, *LOOPBACK_NAMES, *([public] if public else [])})
