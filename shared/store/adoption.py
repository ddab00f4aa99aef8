"""Give an owner what was submitted without a key: jobs, batches, deliveries and bulk actions, some at a time.

Pictures and uploads stay where they are: a job or batch keeps the name of its first owner, below which its
objects lie (`folder`). Each step is atomic. After an interruption the next call continues.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import redis

from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts
from shared.wire.operations.api_key import ANONYMOUS_OWNER
from shared.wire.record_version import ADOPTION_VERSION

RECORDS_PER_STEP = 200
HOLDER = "adoption"  # the token of the lease on an adopted bulk action
HOLD_SECONDS = 600  # of that lease; an adoption that takes longer, or was interrupted, lets the action go on


@dataclass(frozen=True)
class Holdings:
    """Numbers of records."""

    jobs: int
    batches: int

    def __bool__(self) -> bool:
        return bool(self.jobs or self.batches)


class Adoption:
    """All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._scripts = Scripts(
            connection, ("adopt_batch", "adopt_jobs", "adopt_deliveries", "adopt_bulks", "release_bulk")
        )

    def orphans(self) -> Holdings:
        """Return how much was submitted without a key and is still there."""
        with translated_errors(), self._redis.pipeline(transaction=False) as pipeline:
            pipeline.zcard(f"{PREFIX}jobs:{ANONYMOUS_OWNER}")
            pipeline.zcard(f"{PREFIX}batches:{ANONYMOUS_OWNER}")
            return Holdings(*cast("list[int]", pipeline.execute()))

    def adopt(self, owner: str) -> Holdings:
        """Give an owner all that was submitted without a key. Returns how much it was.

        Batches that are being read just now are left alone. Reading takes seconds; call again then.
        """
        self._adopt_secret(owner)
        held = self._adopt_bulk_actions(owner)
        jobs = batches = 0
        for batch_id in [*self._begun(), *self._batches()]:
            given = self._adopt_batch(batch_id, owner)
            if given is not None:
                jobs, batches = jobs + given, batches + 1
        jobs += self._adopt_jobs(owner)
        self._adopt_deliveries(owner)
        for action_id in held:
            self._scripts.run("release_bulk", action_id, HOLDER)
        return Holdings(jobs, batches)

    def _adopt_batch(self, batch_id: str, owner: str) -> int | None:
        """Return how many jobs were given; None if the batch is left alone."""
        given, more = 0, 1
        while more == 1:
            answer = self._scripts.run(
                "adopt_batch", batch_id, ANONYMOUS_OWNER, owner, ADOPTION_VERSION, RECORDS_PER_STEP
            )
            number, more = cast("tuple[int, int]", answer)
            given += number
        return given if more == 0 else None

    def _adopt_jobs(self, owner: str) -> int:
        """Return how many jobs without a batch were given."""
        given, cursor = 0, ""
        while True:
            answer = self._scripts.run(
                "adopt_jobs", ANONYMOUS_OWNER, owner, ADOPTION_VERSION, cursor, RECORDS_PER_STEP
            )
            number, cursor = cast("tuple[int, str]", answer)
            given += number
            if not cursor:
                return given

    def _adopt_deliveries(self, owner: str) -> None:
        """Give the deliveries that belong to no job or batch; the others move with theirs."""
        cursor = ""
        while True:
            cursor = self._scripts.run("adopt_deliveries", ANONYMOUS_OWNER, owner, cursor, RECORDS_PER_STEP)
            if not cursor:
                return

    def _adopt_bulk_actions(self, owner: str) -> list[str]:
        """Give the bulk actions, whose steps wait until their jobs are given too; return their ids."""
        answer = self._scripts.run("adopt_bulks", ANONYMOUS_OWNER, owner, HOLDER, HOLD_SECONDS * 1000)
        return cast("list[str]", answer)

    def _adopt_secret(self, owner: str) -> None:
        """Keep the signing secret, unless the owner already has one."""
        old, new = (f"{PREFIX}webhook_secrets:{name}" for name in (ANONYMOUS_OWNER, owner))
        with translated_errors():
            if self._redis.exists(old):
                self._redis.renamenx(old, new)

    def _begun(self) -> list[str]:
        """Return the batches whose adoption was interrupted."""
        with translated_errors():
            return sorted(cast("set[str]", self._redis.smembers(PREFIX + "adopting")))

    def _batches(self) -> list[str]:
        with translated_errors():
            return cast("list[str]", self._redis.zrange(f"{PREFIX}batches:{ANONYMOUS_OWNER}", 0, -1))
