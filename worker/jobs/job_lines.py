"""The members of every log line about a job, and the trace span of its run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from structlog.contextvars import bind_contextvars, reset_contextvars

from shared.telemetry.tracing import current_trace, span
from shared.wire.records import Job


@contextmanager
def about(**members: Any) -> Iterator[None]:
    """Add members to this thread's log lines in the block, and after an error to the line about it."""
    before = bind_contextvars(**members)
    yield
    reset_contextvars(**before)


def of_job(job: Job) -> dict[str, Any]:
    """Return the members that identify the job, its batch, its request and its trace."""
    batch = {"batch_id": job.batch_id} if job.batch_id else {}
    trace = current_trace()
    origin = job.origin.members() if job.origin else {}
    return {
        "job_id": job.id,
        **batch,
        "attempt": job.attempt,
        **origin,
        **({"trace_id": trace.trace_id} if trace else {}),
    }


def run_of(job: Job) -> AbstractContextManager[object]:
    """Open the span of a run. It joins the submission's trace; a retry or a job of a batch starts its own."""
    cause = job.origin.trace if job.origin else None
    again = job.attempt > 1 or job.queued_at > job.created_at
    apart = again or job.batch_id is not None
    return span(
        "run job",
        "consumer",
        parent=None if apart else cause,
        link=cause if apart else None,
        stylequeue__job_id=job.id,
        stylequeue__batch_id=job.batch_id,
        stylequeue__request_id=job.origin.request_id if job.origin else None,
        stylequeue__attempt=job.attempt,
        stylequeue__lane=job.lane,
        stylequeue__queue_ms=job.queue_ms,
    )
