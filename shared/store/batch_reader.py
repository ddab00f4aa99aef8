"""Batches in Redis as readers see them: one, many, or pages of an owner, and their rejected lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import redis

from shared.ids import lines_between
from shared.request_errors import BatchNotFound
from shared.store.codecs.batch import decode_batch
from shared.store.notifications import wait_for_change
from shared.store.owner_lists import OwnerLists
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts, pairs
from shared.wire.batch_records import Batch, BatchFailures, RejectedLine
from shared.wire.descriptors import Lane
from shared.wire.records import JobError

SHOWN_REJECTED_LINES = 100
LINES_PER_STEP = 200
FAILURES_PER_PAGE = 2_000
LOOK_SECONDS = 0.2  # between two looks at a batch of which many jobs end per second


@dataclass(frozen=True)
class BatchSnapshot:
    """A batch, the first of its rejected lines, and the position of the last job that waits in each lane."""

    batch: Batch
    rejected_lines: tuple[RejectedLine, ...]
    last_positions: Mapping[Lane, int]

    @property
    def seq(self) -> int:
        return self.batch.seq

    @property
    def finished(self) -> bool:
        return self.batch.finished


@dataclass(frozen=True)
class BatchIds:
    """Ids of batches, newest first; `cursor` continues behind the last one."""

    ids: tuple[str, ...]
    cursor: str | None


class BatchReader:
    """Reads batches and changes none. All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis, scripts: Sequence[str] = ()) -> None:
        self._redis = connection
        self._lists = OwnerLists(connection)
        self._scripts = Scripts(connection, ("batch_snapshot", *scripts))

    def owner_of(self, batch_id: str) -> str:
        """
        Raises:
            BatchNotFound: there is no such batch.
        """
        with translated_errors():
            fields = self._redis.hmget(PREFIX + "batch:" + batch_id, ["owner", "deleted"])
        owner, deleted = cast("list[str | None]", fields)
        if owner is None or deleted:
            raise not_found(batch_id)
        return owner

    def look(self, batch_id: str, owner: str) -> BatchSnapshot:
        """
        Raises:
            BatchNotFound: there is no such batch, or it is another owner's.
        """
        answer = self._scripts.run("batch_snapshot", batch_id, owner, SHOWN_REJECTED_LINES)
        if answer is None:
            raise not_found(batch_id)
        return _snapshot(batch_id, answer)

    def look_many(self, batch_ids: Sequence[str], owner: str) -> list[BatchSnapshot]:
        """Return the batches that exist and are this owner's, without their rejected lines."""
        answers = self._scripts.run_each(
            self._redis, "batch_snapshot", [(batch_id, owner, 0) for batch_id in batch_ids]
        )
        return [
            _snapshot(batch_id, answer) for batch_id, answer in zip(batch_ids, answers, strict=True) if answer
        ]

    def page(self, owner: str, limit: int, cursor: str | None) -> BatchIds:
        """Return up to `limit` ids of batches of an owner, or of ALL_OWNERS, newest first."""
        found = self._lists.behind("batches", owner, cursor, limit + 1)
        ids = found.ids[:limit]
        return BatchIds(ids, ids[-1] if found.more or len(found.ids) > limit else None)

    def wait(self, batch_id: str, owner: str, seen_seq: int | None, timeout_seconds: float) -> BatchSnapshot:
        """Return the batch once it has finished, its seq differs from the one seen, or the time is over."""
        return wait_for_change(
            self._redis, batch_id, lambda: self.look(batch_id, owner), seen_seq, timeout_seconds, LOOK_SECONDS
        )

    def ended_jobs(self, batch_id: str, after: int, number: int) -> list[str]:
        """Return ids of jobs in the order in which they ended, without the first `after`.

        A job that was tried again appears once for each time that it ended.
        """
        with translated_errors():
            ids = self._redis.lrange(PREFIX + "done:" + batch_id, after, after + number - 1)
        return cast("list[str]", ids)

    def rejected_lines(self, batch_id: str, after: int = 0) -> Iterator[RejectedLine]:
        """Yield the rejected lines after the line `after`, read a few at a time."""
        key = PREFIX + "rejected:" + batch_id
        while True:
            with translated_errors():
                texts = self._redis.zrangebyscore(key, f"({after}", "+inf", start=0, num=LINES_PER_STEP)
            lines = [RejectedLine.model_validate_json(text) for text in cast("list[str]", texts)]
            yield from lines
            if len(lines) < LINES_PER_STEP:
                return
            after = lines[-1].line

    def failures(self, batch_id: str, owner: str, cursor: str | None) -> BatchFailures:
        """Count some of the batch's failed jobs by error code, by line, from behind the id `cursor`.

        Raises:
            BatchNotFound: this owner has no such batch.
        """
        if owner != self.owner_of(batch_id):
            raise not_found(batch_id)
        first, last = lines_between(batch_id)
        bottom = f"({cursor}" if cursor and cursor >= first else f"[{first}"
        with translated_errors():
            found = self._redis.zrangebylex(
                PREFIX + "dead:" + owner, bottom, f"[{last}", start=0, num=FAILURES_PER_PAGE
            )
            ids = cast("list[str]", found)
            with self._redis.pipeline(transaction=False) as pipeline:
                for job_id in ids:
                    pipeline.hget(PREFIX + "job:" + job_id, "error")
                texts = cast("list[str | None]", pipeline.execute())
        codes = Counter(JobError.model_validate_json(text).code for text in texts if text)
        return BatchFailures(
            by_code=dict(codes.most_common()), next_cursor=ids[-1] if len(ids) == FAILURES_PER_PAGE else None
        )

    def get(self, batch_id: str) -> Batch | None:
        """Return the batch of any owner, without the number of its rejected lines."""
        with translated_errors():
            fields = cast("dict[str, str]", self._redis.hgetall(PREFIX + "batch:" + batch_id))
        return decode_batch(batch_id, fields, 0) if fields else None


def not_found(batch_id: str) -> BatchNotFound:
    return BatchNotFound(f"There is no batch {batch_id[:64]!r}")


def _snapshot(batch_id: str, answer: Sequence[list[str] | int]) -> BatchSnapshot:
    record, rejected, lines, positions = answer
    fields, flat = pairs(cast("list[str]", record)), cast("list[str]", positions)
    return BatchSnapshot(
        decode_batch(batch_id, fields, cast("int", rejected)),
        tuple(RejectedLine.model_validate_json(line) for line in cast("list[str]", lines)),
        {Lane(lane): int(position) for lane, position in zip(flat[::2], flat[1::2], strict=True)},
    )
