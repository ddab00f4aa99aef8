"""The request that a job or a batch came from, kept in the record for logs and traces.

Celery messages do not carry it: other processes may publish them again, and a worker reads each job's record
before it does anything for the job.
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

    request_id: str = Field(description="Id of the submitting request, from its client or made by the API.")
    trace: TraceContext | None = Field(None, description="The submission's place in a trace.")
    key_id: str | None = Field(
        None, description="Id of the submission's API key; stored beside the text, which does not have it."
    )

    def to_text(self) -> str:
        """Return the compact form that the record stores, because there may be a million records."""
        if self.trace is None:
            return self.request_id
        return " ".join([self.request_id, self.trace.traceparent, self.trace.state or ""]).rstrip()

    @classmethod
    def of_text(cls, text: str | None) -> Origin | None:
        """Decode the form that the record stores; return None for an old record without an origin."""
        if not text:
            return None
        request_id, traceparent, state = (*text.split(" ", 2), "", "")[:3]
        return cls(request_id=request_id, trace=parse_trace_context(traceparent, state))

    def members(self) -> dict[str, str]:
        """Return the members that a log line gets."""
        ids = {"request_id": self.request_id}
        return ids | {"trace_id": self.trace.trace_id} if self.trace else ids


def new_request_id() -> str:
    return secrets.token_hex(NEW_ID_BYTES)


def request_id_of(header: str | None) -> str:
    """Return the client's id if it is short, plain and not a secret; otherwise a new one."""
    if header and _REQUEST_ID.fullmatch(header) and redacted(header) == header:
        return header
    return new_request_id()
