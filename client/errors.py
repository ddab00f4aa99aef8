"""All that a caller of the client has to expect, as one tree."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from shared.wire.batch_records import BatchView
from shared.wire.records import InvalidMember, JobError, JobStatus, JobView

NO_MORE_WRITING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class StyleQueueClientError(Exception):
    """The root; its text is a sentence for a person."""


class RequestRefused(StyleQueueClientError):
    """The request cannot be accepted as it is; `pointer` is the JSON pointer of the offending member, and
    `errors` are all of them, if there are several.
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
    """The service or its storage was busy or gone, however often the client tried.

    `safe_to_repeat` is False if the service may have acted on the request although its response never came.
    `code` is the service's word for the reason; None if there was no response.
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
    """No connection came about: it was `refused`, as nothing listens there, it timed out, or TLS failed."""

    def __init__(self, detail: str, *, refused: bool) -> None:
        super().__init__(detail)
        self.refused = refused


class ServiceBusy(ServiceUnavailable):
    """The service answered that it cannot take the request just now; nothing was accepted."""


class UnexpectedAnswer(StyleQueueClientError):
    """Something answers at this address that does not speak like the service."""


class NotAPicture(StyleQueueClientError):
    """What was given as a picture is no image file of an accepted format, and no URL."""


class ResultCorrupt(StyleQueueClientError):
    """The file that arrived is not the one that the service announced; it was not kept."""


class JobFailed(StyleQueueClientError):
    """The job ended without a picture: it failed, was canceled, or expired; `job` is its last state."""

    def __init__(self, job: JobView) -> None:
        super().__init__(why_there_is_no_picture(job.status, job.error))
        self.job = job


class BatchFailed(StyleQueueClientError):
    """The service could not take the batch as a whole; none of its jobs runs."""

    def __init__(self, batch: BatchView) -> None:
        why = f": {batch.error.detail} ({batch.error.code})" if batch.error else ""
        super().__init__(f"batch {batch.id} failed{why}")
        self.batch = batch


class SubmissionTooOld(StyleQueueClientError):
    """A batch was sent, no answer came, and by now the service cannot tell any more whether it arrived."""

    def __init__(self, manifest: Path, sent_at: datetime) -> None:
        super().__init__(
            f"The batch was sent at {sent_at.astimezone():%Y-%m-%d %H:%M} and no answer came; the service "
            f"knows no more whether it arrived. Look with: stylequeue batch list. To submit it anew, "
            f"remove {manifest}"
        )


class FolderInUse(StyleQueueClientError):
    """Another command writes into the folder."""

    def __init__(self, folder: Path, holder: str) -> None:
        who = f" ({holder})" if holder else ""
        super().__init__(
            f"Another stylequeue command{who} is writing into {folder}. "
            "Wait until it has ended, or take another folder"
        )


class CannotWrite(StyleQueueClientError):
    """A file or folder cannot be written; `nothing_can` says that this is true of its whole file system."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"{path} cannot be written: {error.strerror or error}")
        self.nothing_can = error.errno in NO_MORE_WRITING


class BadManifest(StyleQueueClientError):
    """A folder's manifest.json cannot be used."""


class WaitTimeout(StyleQueueClientError):
    """The job had not ended when the caller's patience did; it goes on. `job` is its last known state."""

    def __init__(self, job: JobView, timeout_seconds: float) -> None:
        super().__init__(f"job {job.id} is still {job.status} after {timeout_seconds:g} s")
        self.job = job


class BatchWaitTimeout(StyleQueueClientError):
    """The batch had not ended when the caller's patience did; it goes on. `batch` is its last known state."""

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
    """For a person: without the number that Python puts before the system's own words."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)
