"""Traces are made if OpenTelemetry's own variables ask for them, and cost nothing otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from shared.telemetry.tracing import current_trace, describe, span, start_tracing

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
PROGRAM = """
import os, sys
from shared.telemetry.logs import configure_logs
from shared.settings import Settings
from shared.telemetry.tracing import current_trace, span, start_tracing
if "hidden" in sys.argv: sys.modules["opentelemetry.sdk.trace"] = None
configure_logs(Settings(), "api")
start_tracing("api", os.environ)
with span("outer"):
    trace = current_trace()
print(trace is not None, any(name.startswith("opentelemetry.sdk.") for name in sys.modules))
os._exit(0)
"""


def made_with(*arguments: str, **variables: str) -> tuple[bool, bool, str]:
    """Return whether a process makes spans, whether it has imported their library, and what it logs."""
    result = subprocess.run(
        [sys.executable, "-u", "-c", PROGRAM, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    made, imported = result.stdout.split()
    return made == "True", imported == "True", result.stderr


def test_an_endpoint_asks_for_traces() -> None:
    assert made_with(**ENDPOINT) == (True, True, "")


@pytest.mark.parametrize(
    "variables",
    [{}, {**ENDPOINT, "OTEL_SDK_DISABLED": "true"}, {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}],
)
def test_else_nothing_is_imported(variables: dict[str, str]) -> None:
    assert made_with(**variables) == (False, False, "")


def test_a_process_without_the_extra_says_so_and_goes_on() -> None:
    made, _, log = made_with("hidden", **ENDPOINT)
    assert not made
    assert "stylequeue[otel]" in log


def test_another_protocol_is_not_spoken_and_that_is_said() -> None:
    made, _, log = made_with(**ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    assert made
    assert "http/protobuf" in log


def test_without_traces_spans_are_nothing() -> None:
    start_tracing("api", {})
    with span("a", job="b"):
        describe(failed=True)
        assert current_trace() is None
    assert span("a") is span("b")
