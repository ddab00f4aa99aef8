"""A request's place in a trace that another system began (W3C Trace Context, w3.org/TR/trace-context)."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field

from shared.redaction import redacted

MAX_STATE_LENGTH = 512  # the length that systems should pass on (3.3.1.5); the job's record holds it
MAX_STATE_MEMBERS = 32
VERSION, LAST_VERSION = "00", "ff"  # the standard forbids ff

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_KEY = r"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
_VALUE = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER = re.compile(f"{_KEY}={_VALUE}", re.ASCII)


class TraceContext(BaseModel):
    """The span that caused something."""

    model_config = ConfigDict(frozen=True)

    trace_id: str = Field(description="32 hexadecimal digits.")
    span_id: str = Field(description="16 hexadecimal digits.")
    flags: str = Field(description="Two hexadecimal digits; the last bit is set if the trace is recorded.")
    state: str | None = Field(None, description="The header tracestate: data of the tracing systems.")

    @property
    def traceparent(self) -> str:
        return f"{VERSION}-{self.trace_id}-{self.span_id}-{self.flags}"


def parse_trace_context(traceparent: str, tracestate: str | None = None) -> TraceContext | None:
    """Return the context that the two headers give; None if `traceparent` is malformed.

    Only the members of version 00 are read from a later version. A tracestate that is malformed, too long, or
    contains a secret is left out.
    """
    found = _PARENT.fullmatch(traceparent)
    if not found:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if (
        version == LAST_VERSION
        or (version == VERSION and more)
        or not (int(trace_id, 16) and int(span_id, 16))
    ):
        return None
    return TraceContext(trace_id=trace_id, span_id=span_id, flags=flags, state=_state(tracestate))


def _state(text: str | None) -> str | None:
    if not text or len(text) > MAX_STATE_LENGTH or redacted(text) != text:
        return None
    members = [member.strip(" \t") for member in text.split(",")]
    members = [member for member in members if member]
    keys = [member.partition("=")[0] for member in members]
    good = all(map(_MEMBER.fullmatch, members)) and len(set(keys)) == len(keys) <= MAX_STATE_MEMBERS
    return ",".join(members) if good and members else None
