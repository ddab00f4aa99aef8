"""One log line for each request, with its route, status and duration."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask, Response, request
from structlog.contextvars import clear_contextvars

from api.access.auth import caller
from api.http.request_in_hand import current_request
from api.telemetry.probes import PROBES
from api.telemetry.request_metrics import BEGAN_AT
from shared.settings import Settings

_log = structlog.get_logger()  # one for all lines, because making a logger takes as long as a line
EVENT = "request"
READS = {"GET", "HEAD"}
MAX_METHOD_LENGTH = 16  # a client may send any word


def register_request_log(app: Flask, settings: Settings) -> None:
    """Register the hook before those of other modules, so that it runs last."""
    log = RequestLog(settings.access_log)
    app.after_request(log.end)


@dataclass(frozen=True)
class RequestLog:
    wanted: str  # settings.access_log

    def end(self, response: Response) -> Response:
        """Write the line; that of a streamed response is written at its end."""
        line = self._line(response)
        if line is None or not response.is_streamed:
            _finish(line)
        else:
            self._finish_later(line, response)
        return response

    def _line(self, response: Response) -> Line | None:
        """Return the line; None if the setting leaves it out."""
        current = current_request()
        went_well = current.method in READS and response.status_code < 400  # noqa: PLR2004 - HTTP's own
        if self.wanted == "off" or (self.wanted == "writes" and went_well):
            return None
        return Line(_members(response), current.environ[BEGAN_AT], current.endpoint in PROBES)

    def _finish_later(self, line: Line, response: Response) -> None:
        if response.content_length is None:
            line.members["bytes"] = 0
            response.response = _counted(response.iter_encoded(), line.members)
        response.call_on_close(lambda: _finish(line))


@dataclass(frozen=True)
class Line:
    members: dict[str, Any]
    asked_at: float
    is_probe: bool

    def write(self) -> None:
        milliseconds = round((time.perf_counter() - self.asked_at) * 1000, 2)
        say = _log.debug if self.is_probe else _log.info
        say(EVENT, duration_ms=milliseconds, **self.members)


def _finish(line: Line | None) -> None:
    if line:
        line.write()
    clear_contextvars()  # so that the thread's next line does not name this request


def _members(response: Response) -> dict[str, Any]:
    """Return the line's members. None is the client's own text, and of a key there is only the id."""
    who, rule = caller(), request.url_rule
    return {
        "method": request.method[:MAX_METHOD_LENGTH],
        "route": rule and rule.rule,
        "status": response.status_code,
        "bytes": response.content_length,
        "key_id": who and who.key_id,
    }


def _counted(chunks: Iterable[bytes], members: dict[str, Any]) -> Iterator[bytes]:
    for chunk in chunks:
        members["bytes"] += len(chunk)
        yield chunk
