"""Which request a job or a batch came from. Its record keeps it, so that whoever works on it can say so.

Celery's message does not carry it: messages are made anew by other processes, and each job is read from its
record before anything is done for it.
"""

from __future__ import annotations

import re
import secrets

from pydantic import BaseModel, ConfigDict, Field

from shared.redaction import redacted
from shared.telemetry.trace_context import TraceContext, parse_trace_context

NEW_ID_BYTES = 10
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+=-]{0,63}", re.ASCII)


class Origin(BaseModel):
    model_config = ConfigDict(frozen=True)

    request_id: str = Field(description="Of the submission: its client's, or made by the API.")
    trace: TraceContext | None = Field(None, description="The submission's place in a trace.")

    def to_text(self) -> str:
        """As the record has it: short, because there may be a million of them."""
        if self.trace is None:
            return self.request_id
        return " ".join([self.request_id, self.trace.traceparent, self.trace.state or ""]).rstrip()

    @classmethod
    def of_text(cls, text: str | None) -> Origin | None:
        """None for records of a time before origins."""
        if not text:
            return None
        request_id, traceparent, state = (*text.split(" ", 2), "", "")[:3]
        return cls(request_id=request_id, trace=parse_trace_context(traceparent, state))

    def members(self) -> dict[str, str]:
        """Of a log line."""
        ids = {"request_id": self.request_id}
        return ids | {"trace_id": self.trace.trace_id} if self.trace else ids


def new_request_id() -> str:
    return secrets.token_hex(NEW_ID_BYTES)


def request_id_of(header: str | None) -> str:
    """The client's id, if it is short, plain and no secret; else a new one."""
    if header and _REQUEST_ID.fullmatch(header) and redacted(header) == header:
        return header
    return new_request_id()
