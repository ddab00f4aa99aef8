"""Removes objects that nothing wants any more, and no object that a job could come to name meanwhile.

The danger is the time between Redis' word that nothing names an upload and S3's end of it. So what is being
removed is marked in Redis: while the mark is fresh it cannot be announced, and while there is one it cannot
be named by a new job. The mark goes when S3 has answered. If this process stops in between, the mark grows
old and the object may be announced again; by then S3 must not take a request from here any more, however
late it comes. So the requests are signed, sent once, and S3 refuses them when their time is over:

    marked at 0 s; signed within SIGNED_WITHIN_SECONDS, else not sent; good for VALID_SECONDS; the mark stays
    fresh for LEASE_SECONDS, which is more than both and leaves three minutes for clocks that disagree.

Keys with the id of a job or batch in them are never used again and need none of this.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from functools import partial

import structlog

from shared.errors import ObjectsKept, StorageUnavailable
from shared.policy.object_keys import is_used_once
from shared.storage.objects import Storage
from shared.store.object_gc import LeasedObjects, ObjectGarbage

OBJECTS_PER_STEP = 500  # of each kind
STEPS = 20  # in a row
SIGNED_WITHIN_SECONDS = 60
VALID_SECONDS = 60
COUNT_SECONDS = 60  # between two looks through all jobs, while an older version of the service is at work


class Removal:
    """Safe in several workers at a time, and interrupted at any line: what was taken is taken again later."""

    def __init__(self, unwanted: ObjectGarbage, storage: Storage, upload_retention_seconds: float) -> None:
        self._unwanted = unwanted
        self._storage = storage
        self._upload_retention_seconds = upload_retention_seconds
        self._counted_at = -float("inf")

    def work_off(self) -> None:
        """
        Raises:
            StorageUnavailable, QueueUnavailable: what is left is removed by a later step.
        """
        for _ in range(STEPS):
            taken = self._unwanted.take(OBJECTS_PER_STEP, self._upload_retention_seconds)
            if not taken.all_counted:
                self._count()
            if not taken.keys:
                return
            self.remove(taken)

    def remove(self, taken: LeasedObjects) -> None:
        """
        Raises:
            StorageUnavailable, QueueUnavailable: what is left of it is taken again when the lease has ended.
        """
        once = [key for key in taken.keys if is_used_once(key)]
        others = [key for key in taken.keys if not is_used_once(key)]
        refusals = (
            self._settle(taken, once, self._storage.delete_many),
            self._settle(taken, others, partial(self._send, taken)),
        )
        for refusal in filter(None, refusals):
            raise refusal
        structlog.get_logger().info("objects removed", objects=len(taken.keys))

    def _settle(
        self, taken: LeasedObjects, keys: Collection[str], delete: Callable[[Collection[str]], None]
    ) -> ObjectsKept | None:
        """Delete, and forget what is gone. Returns the error if S3 kept some: the rest goes on."""
        refusal = None
        try:
            delete(keys)
        except ObjectsKept as error:
            refusal, keys = error, set(keys) - error.keys
        if keys:
            self._unwanted.forget(taken, keys)
        return refusal

    def _send(self, taken: LeasedObjects, keys: Collection[str]) -> None:
        """
        Raises:
            StorageUnavailable: the signatures came too late, or this machine's clock is not Redis'.
        """
        urls = self._storage.presigned_deletes(keys, VALID_SECONDS)
        if abs(time.time() - taken.at_ms / 1000) > SIGNED_WITHIN_SECONDS:
            raise StorageUnavailable("The clocks of Redis and this worker disagree, or it stood still")
        self._storage.send_deletes(urls)

    def _count(self) -> None:
        if time.monotonic() - self._counted_at > COUNT_SECONDS:
            self._counted_at = time.monotonic()
            jobs = self._unwanted.count_all()
            structlog.get_logger().info("uploads of an older version's jobs counted", jobs=jobs)
