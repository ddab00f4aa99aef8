"""One line of the log for each request: what was asked, how it ended, how long it took."""

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

_log = structlog.get_logger()  # kept: it is put together at its first line, which takes as long as one
EVENT = "request"
READS = {"GET", "HEAD"}
MAX_METHOD_LENGTH = 16  # a client may send any word


def register_request_log(app: Flask, settings: Settings) -> None:
    """Before all else that happens to a request: what is begun first is ended last."""
    log = RequestLog(settings.access_log)
    app.after_request(log.end)


@dataclass(frozen=True)
class RequestLog:
    wanted: str  # settings.access_log

    def end(self, response: Response) -> Response:
        """Of an answer that is streamed, the line comes with its end."""
        line = self._line(response)
        if line is None or not response.is_streamed:
            _finish(line)
        else:
            self._finish_later(line, response)
        return response

    def _line(self, response: Response) -> Line | None:
        """None if it is not wanted."""
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
    clear_contextvars()  # this thread's next line may be of another request


def _members(response: Response) -> dict[str, Any]:
    """Nothing in here is a text of the client's own; never a key, only its id."""
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
