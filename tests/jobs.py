"""Jobs and batches for tests, and the steps that a worker does with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import redis

from shared.errors import QueueUnavailable
from shared.ids import job_id_of_line
from shared.policy.idempotency import Idempotency
from shared.policy.queue_limits import NO_LIMITS, QueueLimits
from shared.store.batches import BatchStore
from shared.store.codecs.job import decode_job
from shared.store.counts.queue_state import QueueState
from shared.store.jobs import Claim, Ending, JobStore
from shared.wire.batch_records import RejectedLine
from shared.wire.descriptors import JobRequest, Lane
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.params import DEFAULT_SIDE
from shared.wire.records import Job, JobError, JobResult, JobStatus, WorkerInfo
from tests.checks.agreement import keys, members
from tests.stacks.servers import wait_until

OWNER = "anna"
LEASE_SECONDS = 30
MAX_ATTEMPTS = 3
QUEUES = {lane: f"stylize.{lane}" for lane in Lane}
RESULT = JobResult(
    key="results/anna/x.jpg",
    width=4,
    height=3,
    bytes=5,
    sha256="0" * 64,
    content_type="image/jpeg",
    model="embedded",
    device="cpu",
    style_cache="hit",
    timings_ms={"stylize": 1.5},
)
ERROR = JobError(code="image-undecodable", detail="No image.", stage="decode", retryable=False, attempts=1)


def request(side: int = DEFAULT_SIDE, **members: object) -> JobRequest:
    """Return a job's request; `side` is the longest of the picture, which decides the job's cost."""
    pictures = {
        "content": {"url": "https://example.org/a.jpg"},
        "style": {"url": "https://example.org/b.jpg"},
    }
    method = {"method": "optimize"} if members.get("lane") == Lane.OPTIMIZE else {}
    return JobRequest.model_validate({**pictures, "params": {**method, "max_side": side}, **members})


def create(store: JobStore, owner: str = OWNER, **members: Any) -> str:
    (job_id,) = store.create(owner, [request(**members)], MAX_ATTEMPTS)
    return job_id


def counts(connection: redis.Redis, owner: str = OWNER) -> Counter[JobStatus]:
    """An owner's jobs by status; those of which there are none count as 0."""
    return Counter(QueueState(connection).own(owner))


def claimed(store: JobStore, job_id: str, lease_seconds: float = LEASE_SECONDS) -> Claim:
    claim = store.claim(job_id, lease_seconds)
    assert claim is not None
    return claim


def running_job(job_id: str) -> Job:
    """Return the record of a job that was claimed."""
    times = dict.fromkeys(("created_ms", "queued_ms", "started_ms"), "1000")
    numbers = {"seq": "2", "attempt": "1", "max_attempts": "3"}
    texts = {"owner": OWNER, "status": "running", "lane": "normal", "request": request().model_dump_json()}
    return decode_job(job_id, times | numbers | texts)


def take(store: JobStore, lane: Lane = Lane.NORMAL, process: str | None = None) -> Claim | None:
    """Take the next job of a lane, as for a worker that has a call for it."""
    claims = store.take(lane, "call", LEASE_SECONDS, process)
    return claims[0] if claims else None


def in_line(connection: redis.Redis, lane: Lane = Lane.NORMAL) -> list[str]:
    """Return the waiting jobs of a lane in the order in which they will start."""
    ids = [key.removeprefix("sq:job:") for key in keys(connection, "sq:job:*")]
    places = {
        placed.position: placed.job_id
        for placed in JobStore(connection).look_many(ids, ALL_OWNERS)
        if placed.lane is lane and placed.position
    }
    assert sorted(places) == list(range(1, len(places) + 1))
    return [places[place] for place in sorted(places)]


def meet_older_worker(connection: redis.Redis) -> None:
    """Let a worker be alive that understands only messages that name a job."""
    connection.zadd("sq:workers", {"older": now_ms(connection) / 1000})


def end_job(
    store: JobStore, claim: Claim, outcome: JobResult | JobError, slot_cost: int = 0
) -> JobStatus | None:
    """Write the outcome of one job; see `JobStore.finish`."""
    (ended,) = store.finish([Ending(claim, outcome, slot_cost)]).statuses
    if isinstance(ended, QueueUnavailable):
        raise ended
    return ended


def succeed(store: JobStore, *job_ids: str) -> None:
    for job_id in job_ids:
        end_job(store, claimed(store, job_id), RESULT)


def fail(store: JobStore, *job_ids: str) -> None:
    for job_id in job_ids:
        end_job(store, claimed(store, job_id), ERROR)


def bulk(number: int, **members: Any) -> list[JobRequest]:
    return [request(**{"lane": Lane.BULK, **members})] * number


def read_batch(
    batches: BatchStore,
    requests: Sequence[JobRequest] = (),
    *,
    owner: str = OWNER,
    once: Idempotency | None = None,
    limits: QueueLimits = NO_LIMITS,
) -> str:
    """Return a batch of which these lines have been read, and which is not committed."""
    batch_id, fresh = batches.begin(owner, {}, once)
    assert fresh
    if requests:
        batches.add(batch_id, owner, list(enumerate(requests, 1)), MAX_ATTEMPTS, limits)
    return batch_id


def accept_batch(batches: BatchStore, requests: Sequence[JobRequest], owner: str = OWNER) -> str:
    batch_id = read_batch(batches, requests, owner=owner)
    batches.commit(batch_id)
    return batch_id


def job_ids(batch_id: str, number: int) -> list[str]:
    """Return the ids of the jobs of the lines 1 to `number`."""
    return [job_id_of_line(batch_id, line) for line in range(1, number + 1)]


def finalize(batches: BatchStore) -> None:
    """End each batch whose jobs have ended, without writing anything."""
    while batch := batches.take_finalizing(LEASE_SECONDS):
        batches.end(batch, "output", "errors")


def rejected(line: int) -> RejectedLine:
    return RejectedLine(line=line, code="malformed-json", detail="No JSON.")


def now_ms(connection: redis.Redis) -> int:
    seconds, microseconds = connection.time()
    return int(seconds * 1000 + microseconds // 1000)


def next_millisecond(connection: redis.Redis) -> None:
    """Wait for the next millisecond, because events within one have no order."""
    moment = now_ms(connection)
    wait_until(lambda: now_ms(connection) > moment, what="the next millisecond")


def let_time_pass(connection: redis.Redis, kind: str) -> None:
    """Let everything in the sorted sets of this kind be due."""
    for key in keys(connection, f"sq:{kind}*"):
        for member in members(connection, key):
            connection.zadd(key, {member: 0})


def worker_info(worker_id: str = "w", **members: object) -> WorkerInfo:
    """Return the record of a worker process."""
    now = datetime.now(UTC)
    said = {
        "id": worker_id,
        "host": "h",
        "pid": 1,
        "device": "cpu",
        "model": "embedded",
        "lanes": tuple(Lane),
    }
    said |= {"slots": 4, "busy": 0, "model_loads": 1, "started_at": now, "last_seen_at": now}
    return WorkerInfo.model_validate({**said, **members})
