"""The tracer that uses OpenTelemetry, sending spans by OTLP over HTTP. No other file imports the package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TraceState,
    get_current_span,
    set_span_in_context,
)

from shared.telemetry.trace_context import MAX_STATE_LENGTH, TraceContext
from shared.telemetry.tracing import Kind, Value

PRODUCT = "stylequeue"
PROTOCOL = "http/protobuf"
PROTOCOL_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


class OpenTelemetry:
    """A tracer on OpenTelemetry's SDK, which reads its exporter and sampler from OTEL_ variables."""

    def __init__(self, service: str, environment: Mapping[str, str]) -> None:
        provider = TracerProvider(resource=_resource(service, environment))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = provider.get_tracer(PRODUCT, version(PRODUCT))
        if any(environment.get(name, PROTOCOL) != PROTOCOL for name in PROTOCOL_VARIABLES):
            structlog.get_logger().warning("traces are sent as http/protobuf, whatever OTEL_ variables say")

    @contextmanager
    def span(
        self,
        name: str,
        kind: Kind,
        parent: TraceContext | None,
        link: TraceContext | None,
        attributes: Mapping[str, Value],
    ) -> Iterator[None]:
        context = set_span_in_context(NonRecordingSpan(_theirs(parent)), Context()) if parent else None
        with self._tracer.start_as_current_span(
            name,
            Context() if link else context,
            SpanKind[kind.upper()],
            attributes,
            [Link(_theirs(link))] if link else (),
            record_exception=False,  # its message may contain a secret
            set_status_on_exception=False,
        ):
            try:
                yield
            except BaseException as error:
                self.describe({"error.type": getattr(error, "code", type(error).__name__)}, failed=True)
                raise

    def describe(self, attributes: Mapping[str, Value], *, failed: bool) -> None:
        span = get_current_span()
        span.set_attributes(attributes)
        if failed:
            span.set_status(StatusCode.ERROR)

    def current(self) -> TraceContext | None:
        context = get_current_span().get_span_context()
        if not context.is_valid:
            return None
        state = context.trace_state.to_header()
        return TraceContext(
            trace_id=f"{context.trace_id:032x}",
            span_id=f"{context.span_id:016x}",
            flags=f"{context.trace_flags:02x}",
            state=state if state and len(state) <= MAX_STATE_LENGTH else None,
        )


def _resource(service: str, environment: Mapping[str, str]) -> Resource:
    """Return a resource named stylequeue-api or stylequeue-worker, unless an OTEL_ variable names it."""
    named = {"service.version": version(PRODUCT)}
    given = environment.get("OTEL_SERVICE_NAME") or "service.name=" in environment.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    return Resource.create(named if given else {**named, "service.name": f"{PRODUCT}-{service}"})


def _theirs(trace: TraceContext) -> SpanContext:
    """Return the span of another process as OpenTelemetry represents it."""
    return SpanContext(
        int(trace.trace_id, 16),
        int(trace.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(trace.flags, 16)),
        trace_state=TraceState.from_header([trace.state] if trace.state else []),
    )
