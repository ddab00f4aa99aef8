"""All that a caller of the client has to expect, as one tree."""

from __future__ import annotations

from shared.records import JobStatus, JobView


class StyleQueueClientError(Exception):
    """The root; its text is a sentence for a person."""


class RequestRefused(StyleQueueClientError):
    """The request cannot be accepted as it is; `pointer` is the JSON pointer of the offending member."""

    def __init__(self, status: int, code: str, detail: str, pointer: str | None = None) -> None:
        super().__init__(f"{detail} ({pointer})" if pointer else detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.pointer = pointer


class ServiceUnavailable(StyleQueueClientError):
    """The service or its storage was busy or gone, however often the client tried.

    `safe_to_repeat` is False if the service may have acted on the request although its answer never came.
    """

    def __init__(
        self, detail: str, *, retry_after_seconds: float | None = None, safe_to_repeat: bool = True
    ) -> None:
        super().__init__(detail if safe_to_repeat else f"{detail} (the request may have been carried out)")
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        self.safe_to_repeat = safe_to_repeat


class UnexpectedAnswer(StyleQueueClientError):
    """Something answers at this address that does not speak like the service."""


class NotAPicture(StyleQueueClientError):
    """What was given as a picture is no image file of an accepted format, and no URL."""


class ResultCorrupt(StyleQueueClientError):
    """The file that arrived is not the one that the service announced; it was not kept."""


class JobFailed(StyleQueueClientError):
    """The job ended without a picture: it failed, was canceled, or expired; `job` is its last state."""

    def __init__(self, job: JobView) -> None:
        super().__init__(_why_there_is_no_picture(job))
        self.job = job


class WaitTimeout(StyleQueueClientError):
    """The job had not ended when the caller's patience did; it goes on. `job` is its last known state."""

    def __init__(self, job: JobView, timeout_seconds: float) -> None:
        super().__init__(f"job {job.id} is still {job.status} after {timeout_seconds:g} s")
        self.job = job


def _why_there_is_no_picture(job: JobView) -> str:
    if job.error is not None:
        return f"{job.error.detail} ({job.error.code})"
    if job.status is JobStatus.EXPIRED:
        return "the job expired before a worker was free"
    return f"the job was {job.status}"


def reason_of(error: StyleQueueClientError | OSError) -> str:
    """For a person: without the number that Python puts before the system's own words."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)
