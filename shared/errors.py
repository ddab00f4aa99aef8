"""The tree of all errors.

An adapter turns vendor exceptions (botocore, redis, kombu, Pillow, requests, tensorflow) into one of these;
no other code names them. `code` is the stable word that clients see.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar


class StyleQueueError(Exception):
    """The root of all errors: `detail` is one sentence for a person, `code` one word for a program."""

    code: ClassVar[str] = "internal-error"

    def __init_subclass__(cls, code: str | None = None) -> None:
        cls.code = code or cls.code

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class SettingsError(StyleQueueError, code="invalid-settings"):
    """A setting is missing or malformed; the process exits at start."""


class TransientError(StyleQueueError, code="temporarily-unavailable"):
    """Trying again may help: the job goes back to the queue with a jittered, growing delay."""


class QueueUnavailable(TransientError, code="broker-unavailable"):
    """Redis cannot be reached or refuses writes."""


class QueueNearlyFull(QueueUnavailable, code="redis-nearly-full"):
    """Redis has little room left, which is kept for accepted work."""


class QueueRefused(QueueUnavailable):
    """Redis refuses the service until an operator changes its configuration; at start, the process exits."""


class RecordUnreadable(TransientError, code="record-unreadable"):
    """A newer version wrote the record; another process of the service may be able to read it."""


class DiskFull(TransientError, code="disk-full"):
    """The machine has no room for temporary files now."""


class StorageUnavailable(TransientError, code="storage-unavailable"):
    """The S3 endpoint cannot be reached, or returns a server error."""


class StorageForbidden(StorageUnavailable, code="storage-forbidden"):
    """The S3 credentials lack a permission that the service needs in its own bucket."""


class ClockSkewed(StorageUnavailable, code="clock-skewed"):
    """The S3 endpoint refuses requests because this machine's clock and its own differ too much."""


class ObjectsKept(StorageUnavailable):
    """S3 kept the objects `keys`; `forbidden` means that the credentials may not delete one of them."""

    def __init__(self, detail: str, keys: Collection[str], *, forbidden: bool) -> None:
        super().__init__(detail)
        self.keys = frozenset(keys)
        self.forbidden = forbidden


class UploadBeingRemoved(TransientError, code="upload-being-removed"):
    """The upload was unused for long and is being removed; the client must announce it again."""


class SourceUnavailable(TransientError, code="source-unavailable"):
    """The server of an image URL cannot be reached, is too slow, or returns a server error."""


class WebhookTargetUnavailable(TransientError, code="receiver-unavailable"):
    """The receiver of a webhook cannot be reached, is too slow, or does not speak HTTP."""


class DecoderUnavailable(TransientError, code="decoder-unavailable"):
    """No decoder process can be started now."""


class VggUnavailable(TransientError, code="vgg-unavailable"):
    """The worker has no VGG network, so it can neither measure losses nor minimize them."""


class JobTimedOut(TransientError, code="timed-out"):
    """An attempt took longer than the limit, and the worker gave it up."""


class OutOfMemory(TransientError, code="out-of-memory"):
    """The worker has no memory for this job now."""


class PermanentError(StyleQueueError, code="job-failed"):
    """Trying again cannot help: the job fails at once."""


class ObjectNotFound(PermanentError, code="object-not-found"):
    """S3 has no such object, or no such bucket."""


class BucketForbidden(PermanentError, code="bucket-forbidden"):
    """S3 does not let the service use the object of a bucket that is not its own."""


class ObjectTooLarge(PermanentError, code="object-too-large"):
    """The object has more bytes than the caller takes."""


class SourceForbidden(PermanentError, code="source-forbidden"):
    """The image URL leads to an address, a scheme or a bucket that the service does not read."""


class SourceNotFound(PermanentError, code="source-not-found"):
    """The image URL leads to no object or page."""


class SourceRejected(PermanentError, code="source-rejected"):
    """The server of the image URL refuses the request, or its response cannot be used."""


class SourceTooLarge(PermanentError, code="source-too-large"):
    """The image file has more bytes than the limit."""


class SourceCorrupt(PermanentError, code="source-corrupt"):
    """The uploaded bytes do not have the announced SHA-256 digest."""


class WebhookTargetForbidden(PermanentError, code="receiver-forbidden"):
    """A webhook's URL leads to an address that is not allowed."""


class OutputForbidden(PermanentError, code="output-forbidden"):
    """The job names a bucket that the service may not write to."""


class ImageUndecodable(PermanentError, code="image-undecodable"):
    """The file is not an image of an accepted format, or is damaged."""


class ImageAnimated(PermanentError, code="image-animated"):
    """The file is an animation, and the job refuses them."""


class ImageTooLarge(PermanentError, code="image-too-large"):
    """The picture has more pixels, or a longer side, than the limit."""


class ImageTooSmall(PermanentError, code="image-too-small"):
    """The picture's shorter side is below the limit."""


class ImageTooNarrow(PermanentError, code="image-too-narrow"):
    """The picture's sides differ by more than the limit allows."""


class StylizationFailed(PermanentError, code="stylization-failed"):
    """The model's output cannot be used: it has a wrong shape, or values that are not numbers."""


# --- neither the request's nor the job's fault ----------------------------------------------------


class ModelUnavailable(StyleQueueError, code="model-unavailable"):
    """The model cannot be loaded: jobs are given back and the worker stops."""


class EngineLost(StyleQueueError, code="engine-lost"):
    """The engine died while it worked on the job, maybe because of it: the job's lease must end by itself."""


class MustRunAlone(StyleQueueError, code="must-run-alone"):
    """The job may have killed its last worker, so it must run alone in a process."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"The last worker that had {job_id} fell silent; now it runs alone")
        self.job_id = job_id


class RecordTooNew(StyleQueueError, code="record-too-new"):
    """The job needs a worker with a newer record version."""


class LeaseLost(StyleQueueError, code="lease-lost"):
    """This worker no longer holds the job and must not publish its result."""
