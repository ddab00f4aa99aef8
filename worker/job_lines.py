"""What every line of the log about a job says of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from structlog.contextvars import bind_contextvars, reset_contextvars

from shared.records import Job


@contextmanager
def about(**members: Any) -> Iterator[None]:
    """The lines of this thread say so too, until the block ends; after an error they go on, for its line."""
    before = bind_contextvars(**members)
    yield
    reset_contextvars(**before)


def of_job(job: Job) -> dict[str, Any]:
    """Where it came from among it."""
    batch = {"batch_id": job.batch_id} if job.batch_id else {}
    return {"job_id": job.id, **batch, "attempt": job.attempt, **(job.origin.members() if job.origin else {})}
