"""Headers of W3C Trace Context: read if they follow the standard, ignored otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.telemetry.trace_context import parse_trace_context

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"
KEY = "sq_0123456789ab_" + "Ab-_" * 10 + "xyz"


def test_a_traceparent_is_taken_apart_and_written_as_it_came() -> None:
    context = parse_trace_context(GOOD, "congo=t61rcWkgMzE , rojo=00f067aa0ba902b7,,")
    assert context is not None
    assert (context.trace_id, context.span_id, context.flags) == (TRACE, SPAN, "01")
    assert context.state == "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"
    assert context.traceparent == GOOD


@pytest.mark.parametrize("later", [f"cc-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-what-the-future-brings"])
def test_a_later_version_is_read_as_far_as_it_is_known(later: str) -> None:
    context = parse_trace_context(later)
    assert context is not None
    assert context.traceparent == GOOD


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"cc-{TRACE}-{SPAN}-01more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01\n",
        f" {GOOD}",
        f"{GOOD},{GOOD}",
        f"00-{TRACE}-{SPAN}-\u0660\u0661",
        "x" * 10_000,
    ],
)
def test_a_malformed_traceparent_is_ignored(malformed: str) -> None:
    assert parse_trace_context(malformed, "a=1") is None


@pytest.mark.parametrize(
    "state",
    [
        "", ",", "a", "A=1", "a=1,a=2", "a=b=c", "a=1\n", "a=\x1b[31m", f"a={'x' * 600}", "a=ü",
        ",".join(f"k{number}=1" for number in range(33)), f"a={KEY}",
    ],
)  # fmt: skip
def test_a_tracestate_that_is_malformed_too_long_or_secret_is_left_out(state: str) -> None:
    context = parse_trace_context(GOOD, state)
    assert context is not None
    assert context.state is None


def test_a_tenants_key_is_a_key_of_tracestate() -> None:
    context = parse_trace_context(GOOD, "0tenant@sys=a b")
    assert context is not None
    assert context.state == "0tenant@sys=a b"


@given(st.text(), st.text())
def test_any_upload_is_taken_whole_or_not_at_all(parent: str, state: str) -> None:
    context = parse_trace_context(parent, state)
    assert context is None or parse_trace_context(context.traceparent, context.state) == context
