"""A check of the service's rights in its bucket, with an object that it makes for this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from uuid import uuid4

from shared.errors import BucketForbidden, ObjectsKept, StorageForbidden, StorageUnavailable, StyleQueueError
from shared.settings import PREFIX, Settings
from shared.storage.client import translated_errors
from shared.storage.objects import CHECKSUM_HEADER, Storage
from shared.storage.once import OnceSession

PROBE = b"stylequeue storage setup"
PROBE_TYPE = "text/plain"


class BucketRights:
    """Tries each operation that the API, the workers and their clients use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bucket = settings.s3_bucket
        # The clients' address of S3 may be unreachable from here.
        self._storage = Storage(settings.model_copy(update={"s3_public_endpoint_url": None}))
        self._once = OnceSession(self._storage.endpoint_url)

    def check(self) -> Iterator[str]:
        """Yield sentences for the operator.

        Raises:
            StorageForbidden: the credentials do not allow one of the operations.
            StorageUnavailable: an operation failed for another reason, or the bucket is in another region.
        """
        key = f"results/setup/{uuid4().hex}"
        steps: dict[str, Callable[[], object]] = {
            "upload": lambda: self._upload(key),
            "find": lambda: self._storage.exists(key),
            "read": lambda: self._storage.get(key, max_bytes=len(PROBE)),
            "list": lambda: list(self._storage.keys(key)),
            "delete": lambda: self._storage.delete_many([key]),
            "miss": lambda: self._check_gone(key),  # a 403 without the right to list
        }
        with named_step("write an object"):
            self._storage.put(key, PROBE, PROBE_TYPE)
        with self._nothing_left(key):
            self._storage.check_region()
            for name, step in steps.items():
                with named_step(f"{name} an object"):
                    step()
        yield f"rights: {', '.join(['write', *steps])} an object: tried, all granted"
        if self._settings.s3_sse != "none":
            yield f"encryption: {self._settings.s3_sse} is asked for with every object"

    def _upload(self, key: str) -> None:
        """Upload like clients. Some servers refuse the checksum that a presigned URL asks them to check."""
        url, headers = self._storage.presigned_put(key, PROBE_TYPE, len(PROBE), sha256(PROBE).hexdigest())
        with translated_errors(self._bucket, key):
            refusal = self._once.send("PutObject", "PUT", url, headers, PROBE)
        if refusal:
            advice = f"; set {PREFIX}S3_UPLOAD_CHECKSUM=none" if CHECKSUM_HEADER in refusal.message else ""
            raise StorageUnavailable(f"The storage refuses a presigned upload ({refusal}){advice}")

    def _check_gone(self, key: str) -> None:
        if self._storage.exists(key):
            raise StorageUnavailable("The storage says that it has deleted an object, and keeps it")

    @contextmanager
    def _nothing_left(self, key: str) -> Iterator[None]:
        """Delete the object if a step fails; name it in the error if it cannot be deleted."""
        try:
            yield
        except StyleQueueError as error:
            if not self._is_deleted(key):
                error.detail += f"; the object of this check is left: s3://{self._bucket}/{key}"
            raise

    def _is_deleted(self, key: str) -> bool:
        try:
            self._storage.delete(key)
            return not self._storage.exists(key)
        except StyleQueueError:
            return False


@contextmanager
def named_step(step: str) -> Iterator[None]:
    """Name the step in the error if the credentials do not allow it."""
    try:
        yield
    except (BucketForbidden, StorageForbidden) as error:
        raise StorageForbidden(f"The S3 credentials may not {step}") from error
    except ObjectsKept as error:
        if error.forbidden:
            raise StorageForbidden(f"The S3 credentials may not {step}") from error
        raise
