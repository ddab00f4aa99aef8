"""The errors of requests (4xx, and a few 5xx): the API turns each into a problem with its status and code."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import ClassVar

from shared.errors import StyleQueueError


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


class OwnerNotFound(RequestError, code="owner-not-found", status=HTTPStatus.NOT_FOUND):
    """No owner of this name has a key, records, limits or usage."""


class BatchNotFound(RequestError, code="batch-not-found", status=HTTPStatus.NOT_FOUND):
    """No batch of this owner has that id."""


class BatchNotFinished(RequestError, code="batch-not-finished", status=HTTPStatus.CONFLICT):
    """Some of the batch's jobs have not ended."""


class KeyNotFound(RequestError, code="key-not-found", status=HTTPStatus.NOT_FOUND):
    """No API key has that id."""


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
