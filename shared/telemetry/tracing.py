"""Trace spans, on only if OTEL_ variables ask for them. Otherwise OpenTelemetry is not imported.

Like logging, tracing is global to the process, so that inner functions need no tracer as an argument.
Without an SDK, an empty span of opentelemetry-api would cost each request 12 microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

import structlog

from shared.telemetry.trace_context import TraceContext

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | float | bool
OTLP_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Tracer(Protocol):
    """The interface of shared.telemetry.otel.OpenTelemetry, which may not be installed."""

    def span(
        self,
        name: str,
        kind: Kind,
        parent: TraceContext | None,
        link: TraceContext | None,
        attributes: Mapping[str, Value],
    ) -> AbstractContextManager[object]: ...

    def describe(self, attributes: Mapping[str, Value], *, failed: bool) -> None: ...

    def current(self) -> TraceContext | None: ...


class _Process:
    tracer: Tracer | None = None


_process = _Process()
_NOTHING = nullcontext()


def start_tracing(service: str, environment: Mapping[str, str]) -> None:
    """Start tracing if the variables ask for it.

    Call it once, in the process that does the work: the thread that sends spans does not survive a fork.
    """
    if not _is_wanted(environment):
        return
    try:
        from shared.telemetry.otel import OpenTelemetry  # noqa: PLC0415 - an optional dependency
    except ImportError:
        structlog.get_logger().warning(
            "no traces: OTEL_ variables ask for them, stylequeue[otel] is not there"
        )
        return
    _process.tracer = OpenTelemetry(service, environment)


def tracing_is_on() -> bool:
    return _process.tracer is not None


def span(
    name: str,
    kind: Kind = "internal",
    *,
    parent: TraceContext | None = None,
    link: TraceContext | None = None,
    **attributes: Value | None,
) -> AbstractContextManager[object]:
    """Record the block as a span.

    The span is a child of `parent`, or else of the current span. With `link` it begins a new trace that
    refers to another one. An error that leaves the block is recorded by its code, without its message.
    """
    if _process.tracer is None:
        return _NOTHING
    return _process.tracer.span(name, kind, parent, link, _known(attributes))


def describe(*, failed: bool = False, **attributes: Value | None) -> None:
    """Add attributes to the current span."""
    if _process.tracer:
        _process.tracer.describe(_known(attributes), failed=failed)


def current_trace() -> TraceContext | None:
    """Return the current span in the form that other processes can refer to."""
    return _process.tracer.current() if _process.tracer else None


def _known(attributes: Mapping[str, Value | None]) -> dict[str, Value]:
    """Return the given attributes, with dots for double underscores, as in OpenTelemetry's names."""
    return {name.replace("__", "."): value for name, value in attributes.items() if value is not None}


def _is_wanted(environment: Mapping[str, str]) -> bool:
    """Return whether OTEL_ variables ask for traces. OpenTelemetry's default is yes, ours is no."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "")
    return exporter == "otlp" or (not exporter and any(map(environment.get, OTLP_ENDPOINTS)))
