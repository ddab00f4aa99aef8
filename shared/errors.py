"""All that can go wrong, as one tree.

Vendor exceptions (botocore, redis, kombu, Pillow, requests, tensorflow) become one of these at the
adapter that meets them and are named nowhere else. `code` is the stable word that clients see.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from http import HTTPStatus
from typing import ClassVar


class StyleQueueError(Exception):
    """The root: `detail` is one sentence for a person, `code` one word for a program."""

    code: ClassVar[str] = "internal-error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class SettingsError(StyleQueueError):
    """A setting is missing or malformed; the process exits at start."""

    code = "invalid-settings"


# --- the request cannot be accepted -------------------------------------------------------------


class RequestError(StyleQueueError):
    """The request cannot be accepted (4xx); `pointer` is the JSON pointer of the offending member."""

    code = "invalid-request"
    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST

    def __init__(self, detail: str, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.pointer = pointer


class MalformedJson(RequestError):
    """The body is not JSON."""

    code = "malformed-json"


class InvalidParameter(RequestError):
    """A member of the request is missing, unknown, of the wrong type or out of its range."""

    code = "invalid-parameter"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Unauthenticated(RequestError):
    """The request has no API key, or one that is not good."""

    code = "unauthenticated"
    status = HTTPStatus.UNAUTHORIZED


class Forbidden(RequestError):
    """The request's API key is not good for this."""

    code = "forbidden"
    status = HTTPStatus.FORBIDDEN


class RateLimited(RequestError):
    """More requests than one key, or without keys one address, may send in a minute."""

    code = "rate-limited"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class UrlNotAllowed(RequestError):
    """The service will not fetch from this URL."""

    code = "url-not-allowed"
    status = HTTPStatus.FORBIDDEN


class BodyTooLarge(RequestError):
    """The body is larger than the limit."""

    code = "body-too-large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaType(RequestError):
    """The body's content type is none that the route takes."""

    code = "unsupported-media-type"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class IdempotencyKeyReused(RequestError):
    """The Idempotency-Key came with another request before."""

    code = "idempotency-key-reused"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class IdempotencyInProgress(RequestError):
    """A request with the same Idempotency-Key is being carried out just now."""

    code = "idempotency-in-progress"
    status = HTTPStatus.CONFLICT


class QueueFull(RequestError):
    """As many jobs wait as may; none of the request's was accepted."""

    code = "queue-full"
    status = HTTPStatus.TOO_MANY_REQUESTS


class QuotaFull(RequestError):
    """The owner has as much as it may of what stays until it is deleted; nothing was accepted."""

    code = "quota-full"
    status = HTTPStatus.INSUFFICIENT_STORAGE


class TooMuchPending(RequestError):
    """The owner has as much as it may of what passes by itself; nothing was accepted."""

    code = "too-much-pending"
    status = HTTPStatus.TOO_MANY_REQUESTS


class JobNotFound(RequestError):
    """No job of this owner has that id."""

    code = "job-not-found"
    status = HTTPStatus.NOT_FOUND


class JobNotFinished(RequestError):
    """The job has no result yet."""

    code = "job-not-finished"
    status = HTTPStatus.CONFLICT


class NoPreview(RequestError):
    """The job has not shown a picture so far."""

    code = "no-preview"
    status = HTTPStatus.CONFLICT


class JobFinished(RequestError):
    """The job has ended and cannot change any more."""

    code = "job-finished"
    status = HTTPStatus.CONFLICT


class UploadMissing(RequestError):
    """The job names an upload that has not arrived; once it has, the same job is accepted."""

    code = "upload-missing"
    status = HTTPStatus.CONFLICT


class OutputKeyTaken(RequestError):
    """Another job has the place that this one chose for its picture."""

    code = "output-key-taken"
    status = HTTPStatus.CONFLICT


class BucketNotAllowed(RequestError):
    """The service does not write this owner's pictures into that bucket."""

    code = "bucket-not-allowed"
    status = HTTPStatus.FORBIDDEN


class LaneNotAllowed(RequestError):
    """The request's API key may not submit to that lane."""

    code = "lane-not-allowed"
    status = HTTPStatus.FORBIDDEN


class DeadLetterNotFound(RequestError):
    """No job of this owner that failed has that id."""

    code = "dead-letter-not-found"
    status = HTTPStatus.NOT_FOUND


class WorkerNotFound(RequestError):
    """No worker with this id is alive."""

    code = "worker-not-found"
    status = HTTPStatus.NOT_FOUND


class LaneNotFound(RequestError):
    """There is no lane of this name."""

    code = "lane-not-found"
    status = HTTPStatus.NOT_FOUND


class BatchNotFound(RequestError):
    """No batch of this owner has that id."""

    code = "batch-not-found"
    status = HTTPStatus.NOT_FOUND


class BatchNotFinished(RequestError):
    """Some of the batch's jobs have not ended."""

    code = "batch-not-finished"
    status = HTTPStatus.CONFLICT


class DeliveryNotFound(RequestError):
    """No delivery of this owner's webhooks has that id."""

    code = "delivery-not-found"
    status = HTTPStatus.NOT_FOUND


class BatchFinished(RequestError):
    """The batch has ended and cannot change in this way any more."""

    code = "batch-finished"
    status = HTTPStatus.CONFLICT


class BatchRejected(RequestError):
    """No line of the batch can be accepted, or, of one that is atomic, not every line.

    `lines` are the first of those, each with its pointer and its reason.
    """

    code = "batch-rejected"
    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, detail: str, lines: Sequence[tuple[str, str]]) -> None:
        super().__init__(detail)
        self.lines = tuple(lines)


class TooManyStreams(RequestError):
    """The process holds as many requests open as it can."""

    code = "too-many-streams"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class BatchInterrupted(RequestError):
    """The service took so long to read the batch that it gave it up; none of it was accepted."""

    code = "batch-interrupted"
    status = HTTPStatus.SERVICE_UNAVAILABLE


# --- trying again may help ----------------------------------------------------------------------


class TransientError(StyleQueueError):
    """Trying again may help: the job goes back to the queue with a jittered, growing delay."""

    code = "temporarily-unavailable"


class QueueUnavailable(TransientError):
    """Redis cannot be reached or refuses writes."""

    code = "broker-unavailable"


class QueueNearlyFull(QueueUnavailable):
    """Redis has little room left, which is kept for what was accepted before."""

    code = "redis-nearly-full"


class QueueRefused(QueueUnavailable):
    """Redis is there, and an operator must change it or how it is reached; a process that starts exits."""


class RecordUnreadable(TransientError):
    """The record was written by a newer version; another process of the service may be able to read it."""

    code = "record-unreadable"


class DiskFull(TransientError):
    """The machine has no room for temporary files just now."""

    code = "disk-full"


class StorageUnavailable(TransientError):
    """The S3 endpoint cannot be reached or answers with a server error."""

    code = "storage-unavailable"


class StorageForbidden(StorageUnavailable):
    """The S3 credentials do not allow what the service must do in its own bucket; to be granted."""

    code = "storage-forbidden"


class ClockSkewed(StorageUnavailable):
    """The S3 endpoint refuses requests because this machine's clock and its own differ too much."""

    code = "clock-skewed"


class ObjectsKept(StorageUnavailable):
    """S3 answered and yet kept some of the objects that it was to delete; the others are gone.

    `keys` are those kept; `forbidden` says that the credentials may not delete one of them.
    """

    def __init__(self, detail: str, keys: Collection[str], *, forbidden: bool) -> None:
        super().__init__(detail)
        self.keys = frozenset(keys)
        self.forbidden = forbidden


class UploadBeingRemoved(TransientError):
    """Nothing has named the upload for long, and it is just being removed; it is to be announced again."""

    code = "upload-being-removed"


class SourceUnavailable(TransientError):
    """The server behind an image URL cannot be reached, is too slow or answers with a server error."""

    code = "source-unavailable"


class WebhookTargetUnavailable(TransientError):
    """The receiver of a webhook cannot be reached, is too slow, or gives an answer that is none."""

    code = "receiver-unavailable"


class DecoderUnavailable(TransientError):
    """No process that decodes images can be started just now."""

    code = "decoder-unavailable"


class VggUnavailable(TransientError):
    """The worker has no VGG network, so it can neither tell losses nor minimize them."""

    code = "vgg-unavailable"


class JobTimedOut(TransientError):
    """An attempt took longer than the limit; the worker has given it up."""

    code = "timed-out"


class OutOfMemory(TransientError):
    """The worker had no memory for this job just now."""

    code = "out-of-memory"


# --- trying again cannot help -------------------------------------------------------------------


class PermanentError(StyleQueueError):
    """Trying again cannot help: the job fails at once."""

    code = "job-failed"


class ObjectNotFound(PermanentError):
    """S3 has no such object, or no such bucket."""

    code = "object-not-found"


class BucketForbidden(PermanentError):
    """S3 does not let the service use the object of a bucket that is not its own."""

    code = "bucket-forbidden"


class ObjectTooLarge(PermanentError):
    """The object has more bytes than the caller takes."""

    code = "object-too-large"


class SourceForbidden(PermanentError):
    """The image URL leads to an address, a scheme or a bucket that the service does not read."""

    code = "source-forbidden"


class SourceNotFound(PermanentError):
    """There is no object or page where the image should be."""

    code = "source-not-found"


class SourceRejected(PermanentError):
    """The server behind the image URL refuses the request, or its answer cannot be used."""

    code = "source-rejected"


class SourceTooLarge(PermanentError):
    """The image file has more bytes than the limit."""

    code = "source-too-large"


class SourceCorrupt(PermanentError):
    """The uploaded bytes are not the ones that were announced: the SHA-256 digest differs."""

    code = "source-corrupt"


class WebhookTargetForbidden(PermanentError):
    """A webhook's URL leads to an address that the service does not send to."""

    code = "receiver-forbidden"


class OutputForbidden(PermanentError):
    """The service does not write into the bucket that the job names, or S3 does not let it."""

    code = "output-forbidden"


class ImageUndecodable(PermanentError):
    """The file is no image of an accepted format, or is damaged."""

    code = "image-undecodable"


class ImageAnimated(PermanentError):
    """The file holds more than one frame."""

    code = "image-animated"


class ImageTooLarge(PermanentError):
    """The picture has more pixels, or a longer side, than the limit."""

    code = "image-too-large"


class ImageTooSmall(PermanentError):
    """The picture's shorter side is below the limit."""

    code = "image-too-small"


class ImageTooNarrow(PermanentError):
    """The picture's sides differ by more than the limit allows."""

    code = "image-too-narrow"


class StylizationFailed(PermanentError):
    """The model's answer cannot be used: a wrong shape, or values that are not numbers."""

    code = "stylization-failed"


# --- neither the request's nor the job's fault ----------------------------------------------------


class ModelUnavailable(StyleQueueError):
    """The model cannot be loaded: jobs are given back and the worker stops."""

    code = "model-unavailable"


class MustRunAlone(StyleQueueError):
    """The job may have silenced the last worker that had it: no other job may be in its process."""

    code = "must-run-alone"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"The last worker that had {job_id} fell silent; now it runs alone")
        self.job_id = job_id


class RecordTooNew(StyleQueueError):
    """The job asks for something that only a newer version understands; it is left to a worker of that."""

    code = "record-too-new"


class LeaseLost(StyleQueueError):
    """This worker does not hold the job any more; what it did for it must not be published."""

    code = "lease-lost"
