"""The progress of a running job: which claims may report it, who sees it, and what remains of it."""

from __future__ import annotations

import pytest
import redis

from shared.policy.object_keys import preview_key
from shared.store.jobs import Claim, JobStore
from shared.store.lanes import Lanes
from shared.wire.descriptors import Lane
from shared.wire.loss_records import CurvePoint, JobProgress
from shared.wire.records import JobStatus
from tests.checks.agreement import members
from tests.jobs import ERROR, LEASE_SECONDS, OWNER, QUEUES, RESULT, claimed, create, end_job, let_time_pass

STEP = JobProgress(
    stage="optimize",
    fraction=0.5,
    iteration=75,
    iterations=150,
    losses=CurvePoint(iteration=75, content=1.5, style=2.5, total=4.0),
    preview=True,
)


pytestmark = pytest.mark.usefixtures("counters_agree")


@pytest.fixture
def claim(store: JobStore) -> Claim:
    return claimed(store, create(store, lane=Lane.OPTIMIZE))


def tell(store: JobStore, claim: Claim, progress: JobProgress | None = STEP) -> set[str]:
    return store.renew([claim], LEASE_SECONDS, {claim.token: progress} if progress else {})


def progress_of(store: JobStore, claim: Claim) -> JobProgress | None:
    return store.get(claim.job.id).progress


def seq_of(store: JobStore, claim: Claim) -> int:
    return store.get(claim.job.id).seq


def test_progress_that_a_worker_reports_is_a_change_that_all_see(store: JobStore, claim: Claim) -> None:
    assert progress_of(store, claim) is None
    before = seq_of(store, claim)
    assert tell(store, claim) == set()
    assert progress_of(store, claim) == STEP
    assert seq_of(store, claim) == before + 1


def test_one_that_says_nothing_new_changes_nothing(store: JobStore, claim: Claim) -> None:
    tell(store, claim)
    before = seq_of(store, claim)
    tell(store, claim, None)
    assert progress_of(store, claim) == STEP
    assert seq_of(store, claim) == before


def test_a_chosen_side_outlives_the_attempt_so_that_the_next_one_keeps_it(
    store: JobStore, claim: Claim
) -> None:
    assert claim.job.chosen_side is None
    tell(store, claim, STEP.model_copy(update={"chosen_side": 384}))
    tell(store, claim, STEP.model_copy(update={"chosen_side": 384, "iteration": 76}))
    store.release(claim, counts=True)
    waiting = store.get(claim.job.id)
    assert (waiting.progress, waiting.chosen_side) == (None, 384)
    assert claimed(store, claim.job.id).job.chosen_side == 384


def test_it_is_each_jobs_own(store: JobStore, claim: Claim) -> None:
    other = claimed(store, create(store))
    store.renew([other, claim], LEASE_SECONDS, {claim.token: STEP})
    assert progress_of(store, claim) == STEP
    assert progress_of(store, other) is None


def test_only_the_worker_that_holds_the_job_may_say_it(
    store: JobStore, lanes: Lanes, connection: redis.Redis, claim: Claim
) -> None:
    let_time_pass(connection, "leases")
    lanes.sweep(LEASE_SECONDS, QUEUES)
    assert tell(store, claim) == {claim.job.id}
    assert progress_of(store, claim) is None
    second = claimed(store, claim.job.id)
    assert tell(store, claim) == {claim.job.id}
    assert progress_of(store, second) is None


def test_a_job_that_is_being_canceled_reports_no_more_progress(store: JobStore, claim: Claim) -> None:
    store.cancel(claim.job.id, OWNER)
    assert tell(store, claim) == {claim.job.id}
    assert progress_of(store, claim) is None


def test_nothing_of_it_is_left_when_the_worker_lets_go(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    succeeded, failed, released, abandoned = claims = [
        claimed(store, create(store, lane=Lane.OPTIMIZE)) for _ in range(4)
    ]
    store.renew(claims, LEASE_SECONDS, {claim.token: STEP for claim in claims})
    assert [progress_of(store, claim) for claim in claims] == [STEP] * 4
    end_job(store, succeeded, RESULT)
    end_job(store, failed, ERROR)
    store.release(released, counts=True)
    let_time_pass(connection, "leases")
    lanes.sweep(LEASE_SECONDS, QUEUES)
    assert store.get(abandoned.job.id).status is JobStatus.QUEUED
    assert [progress_of(store, claim) for claim in claims] == [None] * 4


# --- the picture so far ------------------------------------------------------------------------------


def doomed(connection: redis.Redis) -> set[str]:
    return set(members(connection, "sq:doomed"))


@pytest.mark.parametrize("end", ["succeed", "fail", "cancel"])
def test_however_a_minimization_ends_its_preview_is_noted_for_removal(
    store: JobStore, lanes: Lanes, connection: redis.Redis, claim: Claim, end: str
) -> None:
    assert doomed(connection) == set()
    if end == "succeed":
        end_job(store, claim, RESULT)
    elif end == "fail":
        end_job(store, claim, ERROR)
    else:
        store.cancel(claim.job.id, OWNER)
        assert doomed(connection) == set()  # its worker may still write it
        let_time_pass(connection, "leases")
        lanes.sweep(LEASE_SECONDS, QUEUES)
    assert doomed(connection) == {preview_key(OWNER, claim.job.id)}


def test_one_that_waits_for_another_attempt_keeps_its_preview_until_it_ends(
    store: JobStore, connection: redis.Redis, claim: Claim
) -> None:
    store.release(claim, counts=True)
    assert doomed(connection) == set()
    store.cancel(claim.job.id, OWNER)
    assert doomed(connection) == {preview_key(OWNER, claim.job.id)}


def test_a_job_that_never_ran_or_is_fast_has_no_preview(store: JobStore, connection: redis.Redis) -> None:
    store.cancel(create(store, lane=Lane.OPTIMIZE), OWNER)
    end_job(store, claimed(store, create(store)), RESULT)
    assert doomed(connection) == set()


def test_a_record_that_is_removed_takes_a_late_preview_along(
    store: JobStore, connection: redis.Redis, claim: Claim
) -> None:
    end_job(store, claim, ERROR)
    connection.delete("sq:doomed")  # it was removed; then a worker whose lease had ended wrote it once more
    store.delete(claim.job.id, OWNER)
    assert preview_key(OWNER, claim.job.id) in doomed(connection)
