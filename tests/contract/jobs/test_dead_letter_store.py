"""Dead letters: their records, and how they are queued again."""

from __future__ import annotations

import pytest
import redis

from shared.request_errors import DeadLetterNotFound, JobFinished
from shared.store.batches import BatchStore
from shared.store.dead_letters import REPLAYS_PER_STEP, DeadLetters
from shared.store.jobs import JobStore
from shared.wire.descriptors import Lane
from shared.wire.job_filter import JobFilter
from shared.wire.records import JobStatus
from tests.jobs import (
    ERROR,
    OWNER,
    accept_batch,
    bulk,
    claimed,
    create,
    end_job,
    fail,
    finalize,
    in_line,
    job_ids,
    succeed,
)

OTHER = ERROR.model_copy(update={"code": "source-not-found"})


pytestmark = pytest.mark.usefixtures("counters_agree")


@pytest.fixture
def dead_letters(connection: redis.Redis, store: JobStore) -> DeadLetters:
    return DeadLetters(connection, store)


def fail_otherwise(store: JobStore, *job_ids: str) -> None:
    for job_id in job_ids:
        end_job(store, claimed(store, job_id), OTHER)


def listed(dead_letters: DeadLetters, code: str | None = None) -> list[str]:
    """Return all of them, read in pages of two."""
    found, cursor = [], None
    while True:
        page = dead_letters.page(OWNER, JobFilter(code=code), limit=2, cursor=cursor)
        found += [placed.job_id for placed in page.jobs]
        cursor = page.cursor
        if cursor is None:
            return found


def test_only_what_failed_is_listed_the_newest_first_and_by_code(
    store: JobStore, dead_letters: DeadLetters, batches: BatchStore
) -> None:
    good, bad, canceled, worse, fifth = (create(store) for _ in range(5))
    foreign = create(store, "bert")
    line = job_ids(accept_batch(batches, bulk(1)), 1)[0]
    succeed(store, good)
    fail(store, bad, fifth, foreign, line)
    store.cancel(canceled, OWNER)
    fail_otherwise(store, worse)
    assert listed(dead_letters) == [line, fifth, worse, bad]
    assert listed(dead_letters, ERROR.code) == [line, fifth, bad]
    assert listed(dead_letters, "no-such-code") == []
    store.delete(fifth, OWNER)
    store.retry(bad, OWNER)
    assert listed(dead_letters) == [line, worse]


def test_one_is_replayed_with_all_its_attempts_and_only_by_its_owner(
    store: JobStore, dead_letters: DeadLetters, connection: redis.Redis
) -> None:
    job_id = create(store)
    for refused, owner in ((job_id, OWNER), ("job_0", OWNER)):
        with pytest.raises(DeadLetterNotFound):
            dead_letters.replay(refused, owner)
    fail(store, job_id)
    with pytest.raises(DeadLetterNotFound):
        dead_letters.replay(job_id, "bert")
    job = dead_letters.replay(job_id, OWNER).job
    assert (job.status, job.attempt, job.error) == (JobStatus.QUEUED, 0, None)
    assert in_line(connection, Lane.NORMAL) == [job_id]
    assert listed(dead_letters) == []


@pytest.mark.parametrize("number", [REPLAYS_PER_STEP, REPLAYS_PER_STEP + 1])
def test_all_are_replayed_or_those_with_one_code(
    store: JobStore, dead_letters: DeadLetters, batches: BatchStore, number: int
) -> None:
    lines = job_ids(accept_batch(batches, bulk(number)), number)
    fail_otherwise(store, *lines)
    finalize(batches)
    single = create(store)
    fail(store, single)
    assert dead_letters.replay_all("bert", None) == 0
    assert dead_letters.replay_all(OWNER, OTHER.code) == number
    assert listed(dead_letters) == [single]
    fail(store, *lines[:3])
    assert dead_letters.replay_all(OWNER, None) == 4
    assert dead_letters.replay_all(OWNER, None) == 0


def test_jobs_of_a_batch_that_is_being_canceled_are_not_replayed(
    store: JobStore, dead_letters: DeadLetters, batches: BatchStore
) -> None:
    batch_id = accept_batch(batches, bulk(3))
    failed, running, _ = job_ids(batch_id, 3)
    fail(store, failed)
    claim = claimed(store, running)
    batches.cancel(batch_id, OWNER)
    assert dead_letters.replay_all(OWNER, None) == 0
    with pytest.raises(JobFinished):
        dead_letters.replay(failed, OWNER)
    store.release(claim, counts=False)
    assert dead_letters.replay_all(OWNER, None) == 1
