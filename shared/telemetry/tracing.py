"""Spans, where OpenTelemetry's own variables ask for them; else nothing is imported and next to nothing done.

Like the loggers, one for the whole process: what is deep inside need not be handed it.
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
    """What is needed of shared.telemetry.otel.OpenTelemetry."""

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
    """Called once, in the process that does the work: the thread that sends spans survives no fork."""
    if not _is_wanted(environment):
        return
    try:
        from shared.telemetry.otel import OpenTelemetry  # noqa: PLC0415 - imported only where it is wanted
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
    """The block as a part of what is being done; or of `parent`; or, with `link`, as a trace of its own that
    names another one. An error that leaves it is named by its code, without its words.
    """
    if _process.tracer is None:
        return _NOTHING
    return _process.tracer.span(name, kind, parent, link, _known(attributes))


def describe(*, failed: bool = False, **attributes: Value | None) -> None:
    """Of the span in hand."""
    if _process.tracer:
        _process.tracer.describe(_known(attributes), failed=failed)


def current_trace() -> TraceContext | None:
    """The span in hand, as others may refer to it."""
    return _process.tracer.current() if _process.tracer else None


def _known(attributes: Mapping[str, Value | None]) -> dict[str, Value]:
    """With dots for double underscores: OpenTelemetry's names have them."""
    return {name.replace("__", "."): value for name, value in attributes.items() if value is not None}


def _is_wanted(environment: Mapping[str, str]) -> bool:
    """As OpenTelemetry's specification of its variables has it, but off by default."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "")
    return exporter == "otlp" or (not exporter and any(map(environment.get, OTLP_ENDPOINTS)))
