"""Structured log lines on stderr: readable on a terminal, JSON in a container."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from shared.redaction import redacted
from shared.settings import Settings


def configure_logs(settings: Settings) -> None:
    """One line per event; `job_id` and the like are bound by whoever knows them."""
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if settings.log_format == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
            _redact,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _redact(_: structlog.typing.WrappedLogger, __: str, line: Any) -> str:
    """After the renderer, so that tracebacks are read too."""
    return redacted(line)
