"""Deletes orphaned objects from S3, but no upload that a new job could refer to meanwhile.

The danger lies between Redis' statement that no job refers to an upload and its deletion in S3. So Redis
marks the upload first: nobody can announce it while the mark is fresh, and no new job can refer to it while
there is a mark. The mark is removed after S3's response. If this process stops in between, the mark grows old
and a client may announce the upload again. From then on S3 must refuse a late request of this process, so
requests are signed with an expiry and sent once:

    marked at 0 s; signed within SIGNED_WITHIN_SECONDS, else not sent; valid for VALID_SECONDS; the mark stays
    fresh for LEASE_SECONDS, which is more than both and leaves three minutes for clocks that disagree.

Results are never written again, so they need none of this.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from functools import partial

import structlog

from shared.errors import ObjectsKept, StorageUnavailable
from shared.policy.object_keys import is_upload
from shared.storage.objects import Storage
from shared.store.objects.object_gc import LeasedObjects, ObjectGarbage

OBJECTS_PER_STEP = 500  # of each kind
STEPS = 20  # in a row
SIGNED_WITHIN_SECONDS = 60
VALID_SECONDS = 60
COUNT_SECONDS = 60  # between two counts over all jobs, while an older version of the service runs


class Removal:
    """Deletes objects under a lease; several workers may do so, each interrupted at any line."""

    def __init__(self, garbage: ObjectGarbage, storage: Storage, upload_retention_seconds: float) -> None:
        self._garbage = garbage
        self._storage = storage
        self._upload_retention_seconds = upload_retention_seconds
        self._counted_at = -float("inf")

    def work_off(self) -> None:
        """Delete the orphaned objects, up to STEPS times OBJECTS_PER_STEP.

        Raises:
            StorageUnavailable, QueueUnavailable: a later step deletes the rest.
        """
        for _ in range(STEPS):
            leased = self._garbage.take(OBJECTS_PER_STEP, self._upload_retention_seconds)
            if not leased.all_counted:
                self._count()
            if not leased.keys:
                return
            self.remove(leased)

    def remove(self, leased: LeasedObjects) -> None:
        """Delete leased objects.

        Raises:
            StorageUnavailable, QueueUnavailable: the rest is deleted after the lease has ended.
        """
        uploads = [key for key in leased.keys if is_upload(key)]
        others = [key for key in leased.keys if not is_upload(key)]
        refusals = (
            self._settle(leased, others, self._storage.delete_many),
            self._settle(leased, uploads, partial(self._send, leased)),
        )
        for refusal in filter(None, refusals):
            raise refusal
        structlog.get_logger().info("objects removed", objects=len(leased.keys))

    def _settle(
        self, leased: LeasedObjects, keys: Collection[str], delete: Callable[[Collection[str]], None]
    ) -> ObjectsKept | None:
        """Delete objects and forget the deleted ones; return the error if S3 kept some."""
        refusal = None
        try:
            delete(keys)
        except ObjectsKept as error:
            refusal, keys = error, set(keys) - error.keys
        if keys:
            self._garbage.forget(leased, keys)
        return refusal

    def _send(self, leased: LeasedObjects, keys: Collection[str]) -> None:
        """Sign and send the requests.

        Raises:
            StorageUnavailable: signing took too long, or this machine's clock differs from Redis'.
        """
        urls = self._storage.presigned_deletes(keys, VALID_SECONDS)
        if abs(time.time() - leased.at_ms / 1000) > SIGNED_WITHIN_SECONDS:
            raise StorageUnavailable("The clocks of Redis and this worker disagree, or it was suspended")
        self._storage.send_deletes(urls)

    def _count(self) -> None:
        if time.monotonic() - self._counted_at > COUNT_SECONDS:
            self._counted_at = time.monotonic()
            jobs = self._garbage.count_all()
            structlog.get_logger().info("uploads of an older version's jobs counted", jobs=jobs)
