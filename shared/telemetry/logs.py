"""Structured log lines on stderr, also for libraries: readable on a terminal, JSON in a container.

Our own lines bypass the standard library's loggers, which would double the time that a line takes.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
from importlib.metadata import version
from types import TracebackType

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.redaction import redacted
from shared.settings import Settings

OWN_LOGGER = "stylequeue"
FIRST = ("timestamp", "level", "event")
_encode = json.JSONEncoder(default=repr).encode  # escapes to ASCII: no text can end a line or move a cursor


def configure_logs(settings: Settings, service: str) -> None:
    """Set up logging for this process: one line per event.

    `service` is `api` or `worker`. Callers bind `job_id`, `request_id` and similar members. Libraries log
    warnings and errors only.
    """
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_steps(settings, service)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter_for_libraries(settings, service))
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_death
    threading.excepthook = _log_death_of_thread


def formatter_for_libraries(settings: Settings, service: str) -> logging.Formatter:
    """Return a formatter that gives the lines of libraries the form of our own."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.contextvars.merge_contextvars, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_steps(settings, service)],
    )


def _steps(settings: Settings, service: str) -> list[Processor]:
    """Return the processors that turn an event into its line."""
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    if settings.log_format == "json":
        form: list[Processor] = [structlog.processors.format_exc_info, _Identity(service), _to_json]
    else:
        colors = sys.stderr.isatty()
        plain_traceback = structlog.dev.plain_traceback  # the other formatters show the values of variables
        form = [
            _without_control_characters,
            structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain_traceback),
        ]
    return [structlog.processors.add_log_level, stamp, *form, _redact]


class _Identity:
    """The members that identify the process in each of its lines."""

    def __init__(self, service: str) -> None:
        self._members = {
            "service": service,
            "version": version("stylequeue"),
            "host": socket.gethostname(),
        }

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        first = {name: event.pop(name) for name in FIRST}
        logger = event.pop("logger", OWN_LOGGER)
        return {**first, "logger": logger, **self._members, "pid": os.getpid(), **event}


def _to_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return _encode(event)


def _without_control_characters(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escape control characters, so that text from clients cannot control the terminal."""
    return {name: _plain(value) if isinstance(value, str) else value for name, value in event.items()}


def _plain(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _redact(_: WrappedLogger, __: str, line: EventDict | str) -> str:
    """Hide secrets. This step follows the renderer, so that it also covers tracebacks."""
    return redacted(str(line))


def _log_death(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger().critical("process died", exc_info=(kind, error, trace))


def _log_death_of_thread(death: threading.ExceptHookArgs) -> None:
    name = death.thread.name if death.thread else None
    structlog.get_logger().critical("thread died", thread=name, exc_info=death.exc_value)
