"""The tree of all errors.

An adapter turns vendor exceptions (botocore, redis, kombu, Pillow, requests, tensorflow) into one of these;
no other code names them. `code` is the stable word that clients see.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from http import HTTPStatus
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


class RequestError(StyleQueueError, code="invalid-request"):
    """The request cannot be accepted (4xx); `pointer` is the JSON pointer of the offending member."""

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST

    def __init_subclass__(cls, code: str | None = None, status: HTTPStatus | None = None) -> None:
        super().__init_subclass__(code=code)
        cls.status = status or cls.status

    def __init__(self, detail: str, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.pointer = pointer


class MalformedJson(RequestError, code="malformed-json"):
    """The body is not JSON."""


class InvalidParameter(RequestError, code="invalid-parameter", status=HTTPStatus.UNPROCESSABLE_ENTITY):
    """A member of the request is missing, unknown, of the wrong type or out of its range."""


class Unauthenticated(RequestError, code="unauthenticated", status=HTTPStatus.UNAUTHORIZED):
    """The request has no API key, or an invalid one."""


class Forbidden(RequestError, code="forbidden", status=HTTPStatus.FORBIDDEN):
    """The request's API key does not allow this."""


class RateLimited(RequestError, code="rate-limited", status=HTTPStatus.TOO_MANY_REQUESTS):
    """A key (without keys, an address) sent more requests per minute than allowed."""

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class UrlNotAllowed(RequestError, code="url-not-allowed", status=HTTPStatus.FORBIDDEN):
    """The service will not fetch from this URL."""


class BodyTooLarge(RequestError, code="body-too-large", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
    """The body is larger than the limit."""


class UnsupportedMediaType(RequestError, code="unsupported-media-type", status=HTTPStatus(415)):
    """The route does not accept the body's content type, or a file is of no accepted format."""


class IdempotencyKeyReused(RequestError, code="idempotency-key-reused", status=HTTPStatus(422)):
    """The Idempotency-Key was already used for another request."""


class IdempotencyInProgress(RequestError, code="idempotency-in-progress", status=HTTPStatus.CONFLICT):
    """A request with the same Idempotency-Key is still being processed."""


class QueueFull(RequestError, code="queue-full", status=HTTPStatus.TOO_MANY_REQUESTS):
    """The queue has no room for the request's jobs; none was accepted."""


class QuotaFull(RequestError, code="quota-full", status=HTTPStatus.INSUFFICIENT_STORAGE):
    """The owner has used a quota that only deleting frees; nothing was accepted."""


class TooMuchPending(RequestError, code="too-much-pending", status=HTTPStatus.TOO_MANY_REQUESTS):
    """The owner has used a quota that frees itself with time; nothing was accepted."""


class JobNotFound(RequestError, code="job-not-found", status=HTTPStatus.NOT_FOUND):
    """No job of this owner has that id."""


class ActionNotFound(RequestError, code="action-not-found", status=HTTPStatus.NOT_FOUND):
    """No bulk action of this owner has that id."""


class ActionNotReady(RequestError, code="action-not-ready", status=HTTPStatus.CONFLICT):
    """The bulk action is still counting, or counted another number of jobs."""


class JobNotFinished(RequestError, code="job-not-finished", status=HTTPStatus.CONFLICT):
    """The job has no result yet."""


class NoPreview(RequestError, code="no-preview", status=HTTPStatus.CONFLICT):
    """The job has no preview yet."""


class JobFinished(RequestError, code="job-finished", status=HTTPStatus.CONFLICT):
    """The job has ended and can no longer change."""


class UploadMissing(RequestError, code="upload-missing", status=HTTPStatus.CONFLICT):
    """The job names an upload that has not arrived; after the upload, the same job is accepted."""


class SourceNotStored(RequestError, code="source-not-stored", status=HTTPStatus.CONFLICT):
    """The job has fewer pictures, or the service keeps no copy of one that is behind a URL of others."""


class BucketNotAllowed(RequestError, code="bucket-not-allowed", status=HTTPStatus.FORBIDDEN):
    """The service does not write this owner's pictures into that bucket."""


class LaneNotAllowed(RequestError, code="lane-not-allowed", status=HTTPStatus.FORBIDDEN):
    """The request's API key may not submit to that lane."""


class DeadLetterNotFound(RequestError, code="dead-letter-not-found", status=HTTPStatus.NOT_FOUND):
    """No failed job of this owner has that id."""


class WorkerNotFound(RequestError, code="worker-not-found", status=HTTPStatus.NOT_FOUND):
    """No worker with this id is alive."""


class LaneNotFound(RequestError, code="lane-not-found", status=HTTPStatus.NOT_FOUND):
    """There is no lane of this name."""


class BatchNotFound(RequestError, code="batch-not-found", status=HTTPStatus.NOT_FOUND):
    """No batch of this owner has that id."""


class BatchNotFinished(RequestError, code="batch-not-finished", status=HTTPStatus.CONFLICT):
    """Some of the batch's jobs have not ended."""


class DeliveryNotFound(RequestError, code="delivery-not-found", status=HTTPStatus.NOT_FOUND):
    """No delivery of this owner's webhooks has that id."""


class BatchFinished(RequestError, code="batch-finished", status=HTTPStatus.CONFLICT):
    """The batch has ended and can no longer change in this way."""


class BatchRejected(RequestError, code="batch-rejected", status=HTTPStatus.UNPROCESSABLE_ENTITY):
    """No line of the batch can be accepted, or it is atomic and one cannot; `lines`: pointers and reasons."""

    def __init__(self, detail: str, lines: Sequence[tuple[str, str]]) -> None:
        super().__init__(detail)
        self.lines = tuple(lines)


class TooManyStreams(RequestError, code="too-many-streams", status=HTTPStatus.SERVICE_UNAVAILABLE):
    """The process already holds as many open requests as it can."""


class BatchInterrupted(RequestError, code="batch-interrupted", status=HTTPStatus.SERVICE_UNAVAILABLE):
    """Reading the batch took too long and was given up; no job of it was accepted."""


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
