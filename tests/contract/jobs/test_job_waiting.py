"""Waiting for a job's change, and a Redis that does not respond."""

from __future__ import annotations

import threading

import pytest

from shared.errors import QueueUnavailable
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.redis.connection import connect
from shared.wire.records import JobStatus
from tests.jobs import OWNER, QUEUES, RESULT, claimed, create, end_job
from tests.stacks.ports import free_port


def test_waiting_ends_with_the_change_and_not_before(store: JobStore) -> None:
    job_id = create(store)
    seen: list[JobStatus] = []
    waiter = threading.Thread(target=lambda: seen.append(store.wait(job_id, OWNER, None, 20).job.status))
    waiter.start()
    claim = claimed(store, job_id)
    assert seen == []
    end_job(store, claim, RESULT)
    waiter.join(10)
    assert seen == [JobStatus.SUCCEEDED]


def test_waiting_for_a_new_version_ends_with_any_change(store: JobStore) -> None:
    job_id = create(store)
    assert store.wait(job_id, OWNER, seen_seq=0, timeout_seconds=20).seq == 1
    waiter = threading.Timer(0.1, lambda: claimed(store, job_id))
    waiter.start()
    assert store.wait(job_id, OWNER, seen_seq=1, timeout_seconds=20).job.status is JobStatus.RUNNING


def test_waiting_in_vain_returns_the_job_as_it_is(store: JobStore) -> None:
    job_id = create(store)
    assert store.wait(job_id, OWNER, None, 0.1).job.status is JobStatus.QUEUED


def test_a_redis_that_does_not_answer_is_one_error_in_bounded_time() -> None:
    nowhere = connect(f"redis://127.0.0.1:{free_port()}/0")
    store, lanes = JobStore(nowhere), Lanes(nowhere)
    for step in (
        lambda: store.get("job_1"),
        lambda: create(store),
        lambda: lanes.sweep(1, QUEUES),
    ):
        with pytest.raises(QueueUnavailable):
            step()
