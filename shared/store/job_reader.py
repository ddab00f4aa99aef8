"""Jobs in Redis as readers see them: one, many, or pages of an owner or a batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import cast

import redis

from shared.ids import lines_between
from shared.request_errors import JobNotFound
from shared.store.codecs.job import decode_job, level_of, tags_of
from shared.store.filtering import Behind, meets, passing_over, within_times
from shared.store.job_pages import Page, page_of
from shared.store.notifications import wait_for_change
from shared.store.owner_lists import Ids, OwnerLists
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts, pairs
from shared.wire.descriptors import Lane
from shared.wire.job_filter import EVERY_JOB, JobFilter
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.records import FINAL, Job, JobStatus


@dataclass(frozen=True)
class JobSnapshot:
    """A job and its position among the waiting jobs of its lane, from 1; None if it does not wait there.

    Decoded lazily, so comparing versions costs nothing.
    """

    job_id: str
    fields: Mapping[str, str]
    position: int | None

    @cached_property
    def job(self) -> Job:
        return decode_job(self.job_id, self.fields)

    @property
    def owner(self) -> str:
        return self.fields["owner"]

    @property
    def seq(self) -> int:
        return int(self.fields["seq"])

    @property
    def lane(self) -> Lane:
        return Lane(self.fields["lane"])

    @property
    def needs(self) -> int:
        return level_of(self.fields)

    @property
    def status(self) -> JobStatus:
        return JobStatus(self.fields["status"])

    @property
    def tags(self) -> tuple[str, ...]:
        return tags_of(self.fields)

    @property
    def finished(self) -> bool:
        return self.status in FINAL


class JobReader:
    """Reads jobs and changes none. All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis, scripts: Sequence[str] = ()) -> None:
        self._redis = connection
        self._lists = OwnerLists(connection)
        self._scripts = Scripts(connection, ("job_snapshot", *scripts))

    def owner_of(self, job_id: str) -> str:
        """
        Raises:
            JobNotFound: there is no such job.
        """
        with translated_errors():
            owner = cast("str | None", self._redis.hget(PREFIX + "job:" + job_id, "owner"))
        if owner is None:
            raise not_found(job_id)
        return owner

    def get(self, job_id: str, owner: str = ALL_OWNERS) -> Job:
        """Return this owner's job, or, by default, a job of any owner.

        Raises:
            JobNotFound: there is no such job, or it is another owner's.
        """
        with translated_errors():
            fields = cast("dict[str, str]", self._redis.hgetall(PREFIX + "job:" + job_id))
        if not fields or owner not in (ALL_OWNERS, fields["owner"]):
            raise not_found(job_id)
        return decode_job(job_id, fields)

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Return the jobs that exist, of any owner."""
        return [found.job for found in self._records(job_ids, ALL_OWNERS)]

    def look(self, job_id: str, owner: str) -> JobSnapshot:
        """Return this owner's job, or with ALL_OWNERS any, and its position in its lane.

        Raises:
            JobNotFound: there is no such job, or it is another owner's.
        """
        answer = self._scripts.read("job_snapshot", job_id, owner)
        if answer is None:
            raise not_found(job_id)
        return _snapshot(job_id, answer)

    def look_many(self, job_ids: Sequence[str], owner: str) -> list[JobSnapshot]:
        """Return the jobs that exist and are this owner's, in the order asked for."""
        answers = self._scripts.run_each(self._redis, "job_snapshot", [(job_id, owner) for job_id in job_ids])
        return [_snapshot(job_id, answer) for job_id, answer in zip(job_ids, answers, strict=True) if answer]

    def page(
        self,
        owner: str,
        wanted: JobFilter = EVERY_JOB,
        *,
        limit: int,
        cursor: str | None = None,
    ) -> Page:
        """Return up to `limit` jobs of an owner, or of ALL_OWNERS, that meet a filter, newest first.

        A batch's jobs come by line. A page with rare matches may be short.
        """
        page = self.scan(owner, wanted, limit, cursor)
        jobs = self.look_many([found.job_id for found in page.jobs], owner)
        return Page(tuple(filter(partial(meets, wanted), jobs)), page.cursor)

    def scan(self, owner: str, wanted: JobFilter, limit: int, cursor: str | None) -> Page:
        """Like `page`, without positions."""
        return page_of(
            self._candidates(owner, wanted),
            partial(self._records, owner=owner),
            partial(meets, wanted),
            limit,
            cursor,
            filtered=wanted.is_search,
        )

    def wait(self, job_id: str, owner: str, seen_seq: int | None, timeout_seconds: float) -> JobSnapshot:
        """Return the job once it has finished, or its seq differs from the one seen, or the time is over."""
        return wait_for_change(
            self._redis, job_id, lambda: self.look(job_id, owner), seen_seq, timeout_seconds
        )

    def _candidates(self, owner: str, wanted: JobFilter) -> Behind:
        """Return the shortest list that has all jobs that may meet the filter."""
        if wanted.batch_id is not None:
            if wanted.status and self._batches_without(wanted.status, {wanted.batch_id}):
                return lambda _cursor, _number: Ids((), more=False)
            return partial(self._lines_behind, owner, wanted.batch_id)
        behind: Behind = partial(self._lists.behind, "jobs", owner)
        if wanted.tag is not None and owner != ALL_OWNERS:
            behind = partial(self._tagged_behind, owner, wanted.tag)
        elif wanted.status is JobStatus.FAILED:
            behind = partial(self._lists.behind, "dead", owner)
        elif wanted.status is not None:
            behind = passing_over(behind, partial(self._batches_without, wanted.status))
        return within_times(behind, wanted)

    def _batches_without(self, status: JobStatus, batch_ids: Collection[str]) -> set[str]:
        """Return those of the batches that have no job with this status."""
        order = sorted(batch_ids)
        with translated_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for batch_id in order:
                pipeline.hmget(PREFIX + "batch:" + batch_id, ["owner", status])
            found = cast("list[tuple[str | None, str | None]]", pipeline.execute())
        return {
            batch_id
            for batch_id, (owner, number) in zip(order, found, strict=True)
            if owner and not int(number or 0)
        }

    def _records(self, job_ids: Sequence[str], owner: str) -> list[JobSnapshot]:
        """Like `look_many`, without positions."""
        with translated_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for job_id in job_ids:
                pipeline.hgetall(PREFIX + "job:" + job_id)
            records = cast("list[dict[str, str]]", pipeline.execute())
        return [
            JobSnapshot(job_id, fields, None)
            for job_id, fields in zip(job_ids, records, strict=True)
            if fields and owner in (ALL_OWNERS, fields["owner"])
        ]

    def _tagged_behind(self, owner: str, tag: str, cursor: str | None, number: int) -> Ids:
        """Return ids of an owner's jobs with a tag, newest first; of all jobs while some are not indexed."""
        with translated_errors(), self._redis.pipeline() as pipeline:
            pipeline.hget(PREFIX + "indexed", owner)
            pipeline.zcard(PREFIX + "jobs:" + owner)
            top = f"({cursor}" if cursor else "+"
            pipeline.zrevrangebylex(f"{PREFIX}tagged:{owner}:{tag}", top, "-", start=0, num=number)
            indexed, there, ids = cast("tuple[str | None, int, list[str]]", pipeline.execute())
        if int(indexed or 0) != there:
            return self._lists.behind("jobs", owner, cursor, number)
        return Ids(tuple(ids), len(ids) == number)

    def _lines_behind(self, owner: str, batch_id: str, cursor: str | None, number: int) -> Ids:
        """Return ids of a batch's jobs, by line."""
        first, last = lines_between(batch_id)
        bottom = f"({cursor}" if cursor and cursor >= first else f"[{first}"
        with translated_errors():
            if owner == ALL_OWNERS:
                owner = cast("str | None", self._redis.hget(PREFIX + "batch:" + batch_id, "owner")) or ""
            found = self._redis.zrangebylex(PREFIX + "jobs:" + owner, bottom, f"[{last}", start=0, num=number)
        ids = cast("list[str]", found)
        return Ids(tuple(ids), len(ids) == number)


def not_found(job_id: str) -> JobNotFound:
    return JobNotFound(f"There is no job {job_id[:64]!r}")


def _snapshot(job_id: str, answer: tuple[Sequence[str], int]) -> JobSnapshot:
    fields, position = answer
    return JobSnapshot(job_id, pairs(fields), position if position > 0 else None)
