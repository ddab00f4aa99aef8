"""The contract of the job store, on a real Redis."""

from __future__ import annotations

import itertools
import threading
from functools import partial

import pytest
import redis

from shared.request_errors import IdempotencyKeyReused, JobFinished, JobNotFinished, JobNotFound
from shared.store.jobs import Claim, JobStore
from shared.store.lanes import Lanes
from shared.store.redis.scripts import Scripts
from shared.wire.descriptors import Lane
from shared.wire.job_filter import JobFilter
from shared.wire.records import FINAL, TRANSITIONS, JobStatus
from tests.jobs import (
    ERROR,
    LEASE_SECONDS,
    OWNER,
    QUEUES,
    RESULT,
    claimed,
    counts,
    create,
    end_job,
    in_line,
    now_ms,
    request,
)
from tests.stacks.servers import wait_until


def no_job_waits_or_is_held(connection: redis.Redis) -> bool:
    kinds = ("line:*", "scheduled:*", "dispatched:*", "leases", "deadlines")
    return not any(connection.keys("sq:" + kind) for kind in kinds)


def test_a_new_job_is_queued_and_comes_back_as_it_was_given(store: JobStore) -> None:
    job_id = create(
        store, custom_id="mine", tags=("a", "b"), metadata={"k": "v"}, lane="high", params={"max_side": 300}
    )
    job = store.get(job_id, OWNER)
    assert (job.status, job.seq, job.attempt, job.max_attempts) == (JobStatus.QUEUED, 1, 0, 3)
    assert (job.custom_id, job.tags, job.metadata, job.lane) == ("mine", ("a", "b"), {"k": "v"}, Lane.HIGH)
    assert job.request.params.max_side == 300
    assert job.request.content == request().content
    assert job.created_at == job.queued_at
    assert (job.started_at, job.finished_at, job.result, job.error) == (None, None, None, None)


def test_an_unknown_job_and_another_owners_job_are_not_found(store: JobStore) -> None:
    job_id = create(store)
    for unknown, owner in (("job_0", OWNER), (job_id, "bert")):
        for step in (store.get, store.cancel, store.retry, store.delete):
            with pytest.raises(JobNotFound):
                step(unknown, owner)
    assert store.get(job_id, OWNER).status is JobStatus.QUEUED


def test_a_claim_is_given_once(store: JobStore) -> None:
    job_id = create(store)
    claims = [store.claim(job_id, LEASE_SECONDS) for _ in range(5)]
    assert [claim is not None for claim in claims] == [True, False, False, False, False]
    job = store.get(job_id)
    assert (job.status, job.attempt) == (JobStatus.RUNNING, 1)


def test_a_command_that_is_sent_twice_because_its_answer_was_lost_does_its_work_once(
    store: JobStore, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Scripts.run
    monkeypatch.setattr(Scripts, "run", lambda *arguments: (run(*arguments), run(*arguments))[1])
    job_id = create(store)
    claim = claimed(store, job_id)
    assert (claim.job.status, claim.job.attempt) == (JobStatus.RUNNING, 1)
    end_job(store, claim, RESULT)
    assert store.get(job_id).status is JobStatus.SUCCEEDED
    assert counts(connection) == {"succeeded": 1}


def test_the_same_key_and_request_make_one_job(store: JobStore, connection: redis.Redis) -> None:
    first = store.create_once(OWNER, request(custom_id="a"), 3, "key")
    assert store.create_once(OWNER, request(custom_id="a"), 3, "key") == first
    with pytest.raises(IdempotencyKeyReused):
        store.create_once(OWNER, request(custom_id="b"), 3, "key")
    others = {
        store.create_once("bert", request(custom_id="a"), 3, "key"),
        store.create_once(OWNER, request(), 3, "2"),
    }
    assert first not in others
    (name,) = [key for key in connection.keys("sq:idempotency:anna:*") if store.get(first)][:1]
    assert 0 < connection.ttl(name) <= 24 * 3600
    assert counts(connection)[JobStatus.QUEUED] == 2


def test_one_of_many_simultaneous_submissions_with_one_key_makes_the_job(store: JobStore) -> None:
    barrier, ids = threading.Barrier(8), []

    def submit() -> None:
        barrier.wait()
        ids.append(store.create_once(OWNER, request(), 3, "key"))

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert len(store.page(OWNER, limit=10).jobs) == 1


def test_jobs_are_read_by_their_ids_without_those_of_others(store: JobStore) -> None:
    mine, other, foreign = create(store), create(store), create(store, "bert")
    found = store.look_many([other, "job_0", foreign, mine], OWNER)
    assert [placed.job.id for placed in found] == [other, mine]


def test_one_of_many_simultaneous_claims_wins(store: JobStore) -> None:
    job_id = create(store)
    barrier = threading.Barrier(8)
    claims: list[Claim | None] = []

    def claim() -> None:
        barrier.wait()
        claims.append(store.claim(job_id, LEASE_SECONDS))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(claim is not None for claim in claims) == 1


def test_success_ends_a_job_once(store: JobStore, connection: redis.Redis) -> None:
    claim = claimed(store, create(store))
    assert end_job(store, claim, RESULT) is JobStatus.SUCCEEDED
    assert end_job(store, claim, RESULT) is None
    assert end_job(store, claim, ERROR) is None
    job = store.get(claim.job.id)
    assert (job.status, job.result, job.error) == (JobStatus.SUCCEEDED, RESULT, None)
    assert job.finished_at is not None
    assert no_job_waits_or_is_held(connection)
    assert counts(connection)[JobStatus.SUCCEEDED] == 1


def test_failure_keeps_its_reason(store: JobStore) -> None:
    claim = claimed(store, create(store))
    assert end_job(store, claim, ERROR) is JobStatus.FAILED
    assert store.get(claim.job.id).error == ERROR


def test_every_visible_change_raises_seq(store: JobStore) -> None:
    job_id = create(store)
    seen = [store.get(job_id).seq]
    claim = claimed(store, job_id)
    seen.append(store.get(job_id).seq)
    store.release(claim, counts=True)
    seen.append(store.get(job_id).seq)
    store.cancel(job_id, OWNER)
    seen.append(store.get(job_id).seq)
    store.retry(job_id, OWNER)
    seen.append(store.get(job_id).seq)
    assert seen == sorted(set(seen))


def test_an_ended_lease_lets_another_worker_take_the_job_and_bars_the_first(store: JobStore) -> None:
    job_id = create(store)
    zombie = claimed(store, job_id, lease_seconds=0.001)
    wait_until(lambda: store.claim(job_id, LEASE_SECONDS), 5, "the end of the lease")
    assert end_job(store, zombie, RESULT) is None
    assert store.release(zombie, counts=True) is None
    assert store.renew([zombie], LEASE_SECONDS) == {job_id}
    job = store.get(job_id)
    assert (job.status, job.attempt) == (JobStatus.RUNNING, 2)


def test_a_renewed_lease_does_not_end(store: JobStore, lanes: Lanes) -> None:
    claim = claimed(store, create(store), lease_seconds=0.001)
    assert store.renew([claim], LEASE_SECONDS) == set()
    lanes.sweep(60, QUEUES)
    assert store.get(claim.job.id).status is JobStatus.RUNNING


def test_the_sweep_takes_jobs_from_silent_workers_until_their_attempts_are_used_up(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    job_id = create(store, max_attempts=2)

    def given_up(status: JobStatus) -> bool:
        lanes.sweep(60, QUEUES)
        return store.get(job_id).status is status

    for after in (JobStatus.QUEUED, JobStatus.FAILED):
        claimed(store, job_id, lease_seconds=0.001)
        wait_until(partial(given_up, after), 5, f"the job as {after}")
    job = store.get(job_id)
    assert job.error is not None
    assert (job.error.code, job.error.attempts) == ("worker-lost", 2)
    assert no_job_waits_or_is_held(connection)


def test_a_released_attempt_counts_only_if_it_is_said_to(store: JobStore) -> None:
    job_id = create(store)
    assert store.release(claimed(store, job_id), counts=False) is JobStatus.QUEUED
    assert store.get(job_id).attempt == 0
    assert store.release(claimed(store, job_id), counts=True) is JobStatus.QUEUED
    assert store.get(job_id).attempt == 1


def test_a_waiting_job_is_canceled_at_once(store: JobStore, lanes: Lanes, connection: redis.Redis) -> None:
    job_id = create(store)
    lanes.dispatch(Lane.NORMAL, 10)
    assert store.cancel(job_id, OWNER).job.status is JobStatus.CANCELED
    assert store.claim(job_id, LEASE_SECONDS) is None
    assert no_job_waits_or_is_held(connection)
    assert store.cancel(job_id, OWNER).job.status is JobStatus.CANCELED


@pytest.mark.parametrize("end", ["succeed", "fail", "release", "lose"])
def test_a_running_job_whose_cancel_was_accepted_ends_as_canceled(
    store: JobStore, lanes: Lanes, end: str
) -> None:
    claim = claimed(store, create(store), lease_seconds=0.001 if end == "lose" else LEASE_SECONDS)
    job_id = claim.job.id
    assert store.cancel(job_id, OWNER).job.status is JobStatus.CANCELING
    if end == "lose":
        wait_until(lambda: lanes.sweep(60, QUEUES) == [] and store.get(job_id).finished, 5, "the sweep")
    else:
        assert store.renew([claim], LEASE_SECONDS) == {job_id}
        steps = {
            "succeed": lambda: end_job(store, claim, RESULT),
            "fail": lambda: end_job(store, claim, ERROR),
            "release": lambda: store.release(claim, counts=True),
        }
        assert steps[end]() is JobStatus.CANCELED
    job = store.get(job_id)
    assert (job.status, job.result, job.error) == (JobStatus.CANCELED, None, None)


def test_a_finished_job_cannot_be_canceled(store: JobStore) -> None:
    claim = claimed(store, create(store))
    end_job(store, claim, RESULT)
    with pytest.raises(JobFinished, match="succeeded"):
        store.cancel(claim.job.id, OWNER)


def test_a_failed_job_can_be_tried_again_with_all_its_attempts(
    store: JobStore, connection: redis.Redis
) -> None:
    claim = claimed(store, create(store))
    with pytest.raises(JobNotFinished):
        store.retry(claim.job.id, OWNER)
    end_job(store, claim, ERROR)
    job = store.retry(claim.job.id, OWNER).job
    assert (job.status, job.attempt, job.error, job.finished_at) == (JobStatus.QUEUED, 0, None, None)
    assert in_line(connection, Lane.NORMAL) == [job.id]
    end_job(store, claimed(store, job.id), RESULT)
    with pytest.raises(JobFinished):
        store.retry(job.id, OWNER)


def test_a_job_that_did_not_start_in_time_expires(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    swept, late = create(store, start_within=1), create(store, start_within=1)
    in_time = create(store, start_within=1)
    claimed(store, in_time)

    def late_is_refused() -> bool:
        return store.claim(late, LEASE_SECONDS) is None and store.get(late).status is JobStatus.EXPIRED

    wait_until(lambda: connection.zcount("sq:deadlines", "-inf", now_ms(connection)) == 2, 5, "the deadline")
    assert late_is_refused()
    lanes.sweep(60, QUEUES)
    assert store.get(swept).status is JobStatus.EXPIRED
    assert store.get(in_time).status is JobStatus.RUNNING


def test_delete_leaves_nothing_of_a_job(store: JobStore, connection: redis.Redis) -> None:
    job_id = create(store, start_within=60)
    running = claimed(store, create(store))
    with pytest.raises(JobNotFinished):
        store.delete(running.job.id, OWNER)
    store.delete(job_id, OWNER)
    with pytest.raises(JobNotFound):
        store.get(job_id, OWNER)
    left = [key for key in connection.keys("*") if "job:" in key]
    assert left == [f"sq:job:{running.job.id}"]
    assert [placed.job.id for placed in store.page(OWNER, limit=10).jobs] == [running.job.id]
    assert counts(connection).total() == 1


def test_pages_give_every_job_once_newest_first(store: JobStore) -> None:
    ids = store.create(OWNER, [request(tags=("odd",) if i % 2 else ()) for i in range(25)], max_attempts=3)
    store.create("bert", [request()] * 3, max_attempts=3)
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = store.page(OWNER, limit=10, cursor=cursor)
        found += [placed.job.id for placed in page.jobs]
        cursor, pages = page.cursor, pages + 1
    assert (found, pages) == (ids[::-1], 3)
    odd = store.page(OWNER, JobFilter(tag="odd"), limit=100)
    assert [placed.job.id for placed in odd.jobs] == ids[1::2][::-1]
    assert store.page(OWNER, JobFilter(status=JobStatus.FAILED), limit=10).jobs == ()


def test_the_counts_add_up_after_every_step(store: JobStore, connection: redis.Redis) -> None:
    ids = store.create(OWNER, [request()] * 6, max_attempts=3)

    def check(**expected: int) -> None:
        assert counts(connection) == expected

    check(queued=6)
    claims = [claimed(store, job_id) for job_id in ids[:4]]
    check(queued=2, running=4)
    end_job(store, claims[0], RESULT)
    end_job(store, claims[1], ERROR)
    store.cancel(ids[2], OWNER)
    store.cancel(ids[5], OWNER)
    check(queued=1, running=1, succeeded=1, failed=1, canceling=1, canceled=1)
    store.release(claims[3], counts=True)
    store.release(claims[2], counts=True)
    check(queued=2, succeeded=1, failed=1, canceled=2)


def test_no_step_leads_out_of_the_table_of_legal_transitions() -> None:
    assert set(TRANSITIONS) == set(JobStatus)
    assert {status for status in JobStatus if not TRANSITIONS[status] - {JobStatus.QUEUED}} == FINAL
    reachable = set(itertools.chain.from_iterable(TRANSITIONS.values()))
    assert reachable == set(JobStatus)
