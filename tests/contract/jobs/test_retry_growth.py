from __future__ import annotations

import pytest
import redis

from shared.ids import job_id_of_line
from shared.request_errors import JobFinished
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.wire.records import JobStatus
from tests.checks.agreement import assert_counters_agree
from tests.jobs import OWNER, create, read_batch, request

MOST = 20
JOBS = 3


def test_a_batch_that_is_canceled_and_retried_again_and_again_stops_growing(
    batches: BatchStore, store: JobStore, connection: redis.Redis
) -> None:
    batch_id = read_batch(batches, [request()] * JOBS)
    batches.commit(batch_id)
    queued = []
    for _ in range(MOST + 2):
        batches.cancel(batch_id, OWNER)
        queued.append(batches.retry(batch_id, OWNER, [JobStatus.CANCELED]))
        if not queued[-1]:
            break
    assert queued == [JOBS] * MOST + [0]
    assert len(batches.ended_jobs(batch_id, 0, 1000)) == JOBS * (MOST + 1)
    with pytest.raises(JobFinished, match="after 20 retries"):
        store.retry(job_id_of_line(batch_id, 1), OWNER)
    assert_counters_agree(connection)


def test_a_single_job_leaves_no_list_behind_and_is_tried_again_as_often_as_its_client_likes(
    store: JobStore,
) -> None:
    job_id = create(store)
    for _ in range(MOST + 2):
        store.cancel(job_id, OWNER)
        assert store.retry(job_id, OWNER).status is JobStatus.QUEUED
