"""The errors that the client raises."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from shared.wire.batch_records import BatchView
from shared.wire.records import InvalidMember, JobError, JobStatus, JobView

NO_MORE_WRITING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class StyleQueueClientError(Exception):
    """The base of all errors; its text is a sentence for a person."""


class RequestRefused(StyleQueueClientError):
    """The request cannot be accepted as it is.

    `pointer` is the JSON pointer of the offending member. `errors` has all of them if there are several.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        pointer: str | None = None,
        errors: Sequence[InvalidMember] = (),
    ) -> None:
        super().__init__(f"{detail} ({pointer})" if pointer and pointer not in detail else detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.pointer = pointer
        self.errors = tuple(errors)


class ServiceUnavailable(StyleQueueClientError):
    """The service or its storage was busy or unreachable in every try.

    `safe_to_repeat` is False if the service may have acted on the request although its response was lost.
    `code` is the service's code for the reason; None if there was no response.
    """

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        retry_after_seconds: float | None = None,
        safe_to_repeat: bool = True,
    ) -> None:
        super().__init__(detail if safe_to_repeat else f"{detail} (the request may have been carried out)")
        self.detail = detail
        self.code = code
        self.retry_after_seconds = retry_after_seconds
        self.safe_to_repeat = safe_to_repeat


class NobodyAnswers(ServiceUnavailable):
    """No connection was made: nothing listens there (`refused`), it timed out, or TLS failed."""

    def __init__(self, detail: str, *, refused: bool) -> None:
        super().__init__(detail)
        self.refused = refused


class ServiceBusy(ServiceUnavailable):
    """The service cannot take the request now; nothing was accepted."""


class UnexpectedAnswer(StyleQueueClientError):
    """The server at this address is not the service."""


class NotAPicture(StyleQueueClientError):
    """The picture is neither an image file of an accepted format nor a URL."""


class ResultCorrupt(StyleQueueClientError):
    """The downloaded file has another digest than the service announced; it was not kept."""


class JobFailed(StyleQueueClientError):
    """The job failed, was canceled, or expired; `job` is its last state."""

    def __init__(self, job: JobView) -> None:
        super().__init__(why_there_is_no_picture(job.status, job.error))
        self.job = job


class BatchFailed(StyleQueueClientError):
    """The service could not take the batch; none of its jobs runs."""

    def __init__(self, batch: BatchView) -> None:
        why = f": {batch.error.detail} ({batch.error.code})" if batch.error else ""
        super().__init__(f"batch {batch.id} failed{why}")
        self.batch = batch


class SubmissionTooOld(StyleQueueClientError):
    """A batch was sent, its response was lost, and its idempotency key has expired."""

    def __init__(self, manifest: Path, sent_at: datetime) -> None:
        super().__init__(
            f"The batch was sent at {sent_at.astimezone():%Y-%m-%d %H:%M} and the response was lost; the "
            "service can no longer tell whether it arrived. Look with: stylequeue batch list. To submit it "
            f"again, remove {manifest}"
        )


class FolderInUse(StyleQueueClientError):
    """Another command is writing into the folder."""

    def __init__(self, folder: Path, holder: str) -> None:
        who = f" ({holder})" if holder else ""
        super().__init__(
            f"Another stylequeue command{who} is writing into {folder}. "
            "Wait until it ends, or choose another folder"
        )


class CannotWrite(StyleQueueClientError):
    """A file or folder cannot be written; `nothing_can` says that nothing on its file system can."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"{path} cannot be written: {error.strerror or error}")
        self.nothing_can = error.errno in NO_MORE_WRITING


class BadManifest(StyleQueueClientError):
    """A folder's manifest.json cannot be used."""


class WaitTimeout(StyleQueueClientError):
    """The job did not end in time; it goes on. `job` is its last known state."""

    def __init__(self, job: JobView, timeout_seconds: float) -> None:
        super().__init__(f"job {job.id} is still {job.status} after {timeout_seconds:g} s")
        self.job = job


class BatchWaitTimeout(StyleQueueClientError):
    """The batch did not end in time; it goes on. `batch` is its last known state."""

    def __init__(self, batch: BatchView, timeout_seconds: float) -> None:
        super().__init__(f"batch {batch.id} is still {batch.status} after {timeout_seconds:g} s")
        self.batch = batch


def why_there_is_no_picture(status: JobStatus, error: JobError | None) -> str:
    if error is not None:
        return f"{error.detail} ({error.code})"
    if status is JobStatus.EXPIRED:
        return "the job expired before a worker was free"
    return f"the job was {status}"


def reason_of(error: StyleQueueClientError | OSError) -> str:
    """Return the reason for a person, without the number that Python puts before it."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)
