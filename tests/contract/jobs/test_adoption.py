"""Jobs submitted without a key are given to an owner, in every state and while other steps go on."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
import redis

from shared.errors import RecordTooNew
from shared.policy.object_keys import result_key, thumbnail_key
from shared.policy.queue_limits import NO_LIMITS
from shared.request_errors import RequestError
from shared.store.adoption import RECORDS_PER_STEP, Adoption, Holdings
from shared.store.batches import BatchStore
from shared.store.dead_letters import DeadLetters
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.redis.scripts import Scripts
from shared.store.webhooks.deliveries import Deliveries, Outcome
from shared.store.webhooks.secrets import WebhookSecrets
from shared.wire.batch_descriptors import BatchWebhook
from shared.wire.batch_records import BatchStatus
from shared.wire.descriptors import Lane
from shared.wire.job_filter import JobFilter
from shared.wire.operations.api_key import ANONYMOUS_OWNER
from shared.wire.record_version import ADOPTION_VERSION
from shared.wire.records import JobStatus
from shared.wire.webhook_records import Attempt, DeliveryStatus
from tests.checks.agreement import assert_counters_agree, keys, members
from tests.jobs import (
    ERROR,
    LEASE_SECONDS,
    RESULT,
    accept_batch,
    bulk,
    claimed,
    counts,
    create,
    end_job,
    fail,
    finalize,
    in_line,
    job_ids,
    let_time_pass,
    read_batch,
    succeed,
)

pytestmark = pytest.mark.usefixtures("counters_agree", "older_worker")

ME = "me"
UPLOAD = {"upload_id": "a" * 64}
HOOK = "https://hooks.example.org/in"


@pytest.fixture
def adoption(connection: redis.Redis) -> Adoption:
    return Adoption(connection)


@pytest.fixture
def orphan(store: JobStore) -> Callable[..., str]:
    return lambda **members: create(store, ANONYMOUS_OWNER, content=UPLOAD, **members)


def in_every_state(store: JobStore, lanes: Lanes, orphan: Callable[..., str]) -> dict[str, JobStatus]:
    """Submit jobs without a key and bring one into each state; return the state of each."""
    found = {orphan(): JobStatus.QUEUED}  # its message is in the broker
    lanes.dispatch(Lane.NORMAL, 1)
    running, canceling, later, succeeded, failed, canceled = (orphan() for _ in range(6))
    store.release(claimed(store, later), delay_seconds=60, counts=True)
    claimed(store, running), claimed(store, canceling)
    store.cancel(canceling, ANONYMOUS_OWNER)
    succeed(store, succeeded)
    fail(store, failed)
    store.cancel(canceled, ANONYMOUS_OWNER)
    found |= {later: JobStatus.QUEUED, running: JobStatus.RUNNING, canceling: JobStatus.CANCELING}
    found |= {succeeded: JobStatus.SUCCEEDED, failed: JobStatus.FAILED, canceled: JobStatus.CANCELED}
    return {**found, orphan(start_within=60): JobStatus.QUEUED, orphan(lane=Lane.HIGH): JobStatus.QUEUED}


def drain(store: JobStore, lanes: Lanes, batches: BatchStore) -> None:
    """Let every job come to its end."""
    while ids := [job_id for lane in Lane for job_id in lanes.dispatch(lane, 1000)]:
        succeed(store, *ids)
    finalize(batches)


def test_jobs_in_every_state_are_given_with_counters_lists_and_dead_letters(
    connection: redis.Redis, store: JobStore, lanes: Lanes, adoption: Adoption, orphan: Callable[..., str]
) -> None:
    states = in_every_state(store, lanes, orphan)
    other, own = create(store, "bert"), create(store, ME)
    assert adoption.orphans() == Holdings(len(states), 0)
    assert adoption.adopt(ME) == Holdings(len(states), 0)
    assert not adoption.orphans()
    page = store.page(ME, limit=100).jobs
    assert {placed.job_id: placed.status for placed in page} == states | {own: JobStatus.QUEUED}
    assert store.page(ANONYMOUS_OWNER, limit=100).jobs == ()
    dead = DeadLetters(connection, store).page(ME, limit=100).jobs
    assert [placed.job_id for placed in dead] == [job for job, state in states.items() if state == "failed"]
    assert store.look(other, "bert").owner == "bert"
    assert_counters_agree(connection)


def test_adopted_jobs_go_on_as_they_would_have(
    connection: redis.Redis,
    store: JobStore,
    lanes: Lanes,
    batches: BatchStore,
    adoption: Adoption,
    orphan: Callable[..., str],
) -> None:
    in_every_state(store, lanes, orphan)
    held = [store.get(job_id) for job_id in members(connection, "sq:leases")]
    adoption.adopt(ME)
    let_time_pass(connection, "scheduled:")
    let_time_pass(connection, "leases")
    succeed(store, *(job.id for job in held if job.status is JobStatus.RUNNING))
    succeed(store, *members(connection, "sq:dispatched:normal"))
    drain(store, lanes, batches)
    assert DeadLetters(connection, store).replay_all(ME, None) == 1
    drain(store, lanes, batches)
    assert set(counts(connection, ME)) <= {"succeeded", "canceled", "canceling"}
    assert not counts(connection, ANONYMOUS_OWNER)


def test_waiting_jobs_keep_their_order_among_the_new_owners_own(
    connection: redis.Redis, store: JobStore, adoption: Adoption, orphan: Callable[..., str]
) -> None:
    waiting = [orphan(side=64, tags=("a",)), orphan(), create(store, ME), orphan(side=4096)]
    adoption.adopt(ME)
    assert in_line(connection)[-1] == waiting[-1]
    assert sorted(in_line(connection)) == sorted(waiting)


def test_objects_stay_where_they_are_and_go_with_their_job(
    connection: redis.Redis, store: JobStore, adoption: Adoption, orphan: Callable[..., str]
) -> None:
    painted, running, failed = orphan(), orphan(), orphan()
    end_job(store, claimed(store, painted), RESULT.model_copy(update={"key": "results/anonymous/x.jpg"}))
    end_job(store, claimed(store, failed), ERROR.model_copy(update={"retryable": True}))
    adoption.adopt(ME)
    for job_id in (painted, running, failed):
        assert (store.get(job_id).owner, store.get(job_id).folder) == (ME, ANONYMOUS_OWNER)
    assert connection.hgetall("sq:named") == {f"anonymous/{'a' * 64}": "3"}
    store.retry(failed, ME)
    claimed(store, running)
    assert store.delete(painted, ME) == ["results/anonymous/x.jpg"]
    end_job(store, claimed(store, failed), ERROR)
    assert store.delete(failed, ME) == [
        result_key(ANONYMOUS_OWNER, failed, "jpg"),
        thumbnail_key(ANONYMOUS_OWNER, failed),
    ]
    assert store.get(create(store, ME, content=UPLOAD)).folder == ME


def test_a_worker_that_does_not_know_of_adoption_leaves_adopted_jobs_alone(
    store: JobStore, adoption: Adoption, orphan: Callable[..., str]
) -> None:
    job_id = orphan()
    adoption.adopt(ME)
    with pytest.raises(RecordTooNew):
        store.claim(job_id, LEASE_SECONDS, record_version=ADOPTION_VERSION - 1)
    assert store.claim(job_id, LEASE_SECONDS)


@pytest.mark.parametrize("number", [1, RECORDS_PER_STEP, RECORDS_PER_STEP + 1])
def test_batches_are_given_with_all_their_jobs_and_go_on(
    store: JobStore, lanes: Lanes, batches: BatchStore, adoption: Adoption, number: int
) -> None:
    waiting, ended, canceled = (accept_batch(batches, bulk(number), ANONYMOUS_OWNER) for _ in range(3))
    succeed(store, *job_ids(ended, number))
    finalize(batches)
    running = claimed(store, job_ids(canceled, 1)[0])
    batches.cancel(canceled, ANONYMOUS_OWNER)
    assert adoption.adopt(ME) == Holdings(3 * number, 3)
    assert batches.page(ANONYMOUS_OWNER, 10, None).ids == ()
    assert set(batches.page(ME, 10, None).ids) == {waiting, ended, canceled}
    store.release(running, counts=False)
    drain(store, lanes, batches)
    states = {batch_id: batches.look(batch_id, ME).batch.status for batch_id in (waiting, ended, canceled)}
    assert states == {waiting: "completed", ended: "completed", canceled: "canceled"}
    assert batches.discard(waiting, asked=True)[-1] == f"results/anonymous/{waiting}/errors.ndjson"


def test_a_batch_that_is_being_read_is_left_alone_and_given_later(
    connection: redis.Redis, batches: BatchStore, adoption: Adoption
) -> None:
    batch_id = read_batch(batches, bulk(3), owner=ANONYMOUS_OWNER)
    assert not adoption.adopt(ME)
    assert adoption.orphans() == Holdings(3, 1)
    assert_counters_agree(connection)
    batches.add(batch_id, ANONYMOUS_OWNER, [(4, bulk(1)[0])], 3, NO_LIMITS)
    batches.commit(batch_id)
    assert adoption.adopt(ME) == Holdings(4, 1)


def test_webhooks_are_given_and_signed_as_before(
    connection: redis.Redis,
    store: JobStore,
    batches: BatchStore,
    adoption: Adoption,
    orphan: Callable[..., str],
) -> None:
    secrets, deliveries = WebhookSecrets(connection), Deliveries(connection, 100)
    before = secrets.get(ANONYMOUS_OWNER).secret
    fail(store, orphan(webhook={"url": HOOK}))
    batch_id, _ = batches.begin(ANONYMOUS_OWNER, {}, None, webhook=BatchWebhook(url=HOOK))
    batches.add(batch_id, ANONYMOUS_OWNER, [(1, bulk(1)[0])], 3, NO_LIMITS)
    batches.commit(batch_id)
    succeed(store, *job_ids(batch_id, 1))
    finalize(batches)
    deliveries.test(ANONYMOUS_OWNER, HOOK, "http://127.0.0.1/")
    due = deliveries.take(1, LEASE_SECONDS)[0]
    attempt = Attempt(at=datetime.now(UTC), duration_ms=1, status_code=200)
    deliveries.settle(due, Outcome(DeliveryStatus.DELIVERED, attempt))
    adoption.adopt(ME)
    assert members(connection, "sq:settled:me") == [due.id]
    assert deliveries.page(ANONYMOUS_OWNER, limit=9).deliveries == ()
    assert len(deliveries.page(ME, limit=9).deliveries) == 3
    assert secrets.get(ME).secret == before
    assert keys(connection, "sq:webhook_secrets:*") == ["sq:webhook_secrets:me"]


def test_an_owner_with_a_secret_keeps_it(connection: redis.Redis, adoption: Adoption) -> None:
    secrets = WebhookSecrets(connection)
    own, _ = secrets.get(ME).secret, secrets.get(ANONYMOUS_OWNER)
    adoption.adopt(ME)
    assert secrets.get(ME).secret == own


def test_with_nothing_to_give_nothing_is_given(adoption: Adoption, store: JobStore) -> None:
    create(store, ME)
    assert not adoption.adopt(ME)


@pytest.mark.parametrize("seed", range(6))
def test_an_interrupted_adoption_goes_on_whatever_happened_meanwhile(
    connection: redis.Redis, store: JobStore, lanes: Lanes, batches: BatchStore, adoption: Adoption, seed: int
) -> None:
    """Two jobs of a batch are given at a time, and other steps happen in between."""
    dice = random.Random(seed)
    scripts = Scripts(connection, ("adopt_batch",))
    ids = [accept_batch(batches, bulk(7), ANONYMOUS_OWNER) for _ in range(3)]
    for number in range(60):
        batch_id = dice.choice(ids)
        _do_something(dice, store, lanes, batches, batch_id)
        if number > 5 and dice.random() < 0.4:
            scripts.run("adopt_batch", batch_id, ANONYMOUS_OWNER, ME, ADOPTION_VERSION, 2)
    adoption.adopt(ME)
    assert not adoption.orphans()
    assert not keys(connection, "sq:adopting")
    assert_counters_agree(connection)
    let_time_pass(connection, "leases")
    batches.sweep()
    lanes.sweep(0, {lane: f"stylize.{lane}" for lane in Lane})
    succeed(store, *members(connection, "sq:dispatched:bulk"))
    drain(store, lanes, batches)
    for batch_id in batches.page(ME, 10, None).ids:
        assert batches.look(batch_id, ME).batch.status in (BatchStatus.COMPLETED, BatchStatus.CANCELED)


def _do_something(
    dice: random.Random, store: JobStore, lanes: Lanes, batches: BatchStore, batch_id: str
) -> None:
    """Do one of the things that workers and clients do."""
    batch = batches.get(batch_id)
    if batch is None:
        return
    job_id = dice.choice(job_ids(batch_id, 7))
    owner = store.get(job_id).owner
    steps: list[Callable[[], object]] = [
        lambda: succeed(store, *lanes.dispatch(Lane.BULK, 2)),
        lambda: fail(store, *lanes.dispatch(Lane.BULK, 2)),
        lambda: store.release(claimed(store, job_id), counts=False),
        lambda: store.cancel(job_id, owner),
        lambda: store.retry(job_id, owner),
        lambda: batches.retry(batch_id, batch.owner, [JobStatus.FAILED, JobStatus.CANCELED]),
        lambda: finalize(batches),
    ]
    if dice.random() < 0.05:
        steps = [lambda: batches.cancel(batch_id, batch.owner)]
    with suppress(RequestError, AssertionError):  # the step may be refused at this moment
        dice.choice(steps)()


def test_a_job_that_is_given_back_during_an_adoption_is_dispatched_afterwards(
    connection: redis.Redis, store: JobStore, lanes: Lanes, batches: BatchStore, adoption: Adoption
) -> None:
    batch_id = accept_batch(batches, bulk(3), ANONYMOUS_OWNER)
    last = [claimed(store, job_id) for job_id in lanes.dispatch(Lane.BULK, 10)][-1]
    adopt_two = (batch_id, ANONYMOUS_OWNER, ME, ADOPTION_VERSION, 2)
    Scripts(connection, ("adopt_batch",)).run("adopt_batch", *adopt_two)
    store.release(last, counts=False)
    adoption.adopt(ME)
    assert_counters_agree(connection)
    assert lanes.dispatch(Lane.BULK, 10) == [last.job.id]


def test_results_are_not_written_from_half_of_a_batch(
    connection: redis.Redis, store: JobStore, batches: BatchStore, adoption: Adoption
) -> None:
    batch_id = accept_batch(batches, bulk(5), ANONYMOUS_OWNER)
    succeed(store, *job_ids(batch_id, 5))
    taken = batches.take_finalizing(LEASE_SECONDS)
    assert taken is not None
    adopt_two = (batch_id, ANONYMOUS_OWNER, ME, ADOPTION_VERSION, 2)
    Scripts(connection, ("adopt_batch",)).run("adopt_batch", *adopt_two)
    assert not batches.end(taken, "output", "errors")
    half = batches.get(batch_id)
    assert half is not None
    assert not batches.end(half, "output", "errors")
    adoption.adopt(ME)
    finalize(batches)
    assert batches.look(batch_id, ME).batch.status == "completed"


def test_an_adoption_begun_for_one_owner_is_not_continued_for_another(
    connection: redis.Redis, store: JobStore, batches: BatchStore, adoption: Adoption
) -> None:
    batch_id = accept_batch(batches, bulk(5), ANONYMOUS_OWNER)
    adopt_two = (batch_id, ANONYMOUS_OWNER, ME, ADOPTION_VERSION, 2)
    Scripts(connection, ("adopt_batch",)).run("adopt_batch", *adopt_two)
    assert adoption.adopt("bert") == Holdings(3, 1)
    assert len(store.page(ME, JobFilter(batch_id=batch_id), limit=10).jobs) == 5
    assert batches.page("bert", 10, None).ids == ()


def test_a_batch_is_removed_whole_during_its_adoption(
    connection: redis.Redis, store: JobStore, batches: BatchStore, adoption: Adoption
) -> None:
    batch_id = accept_batch(batches, bulk(5), ANONYMOUS_OWNER)
    succeed(store, *job_ids(batch_id, 5))
    finalize(batches)
    adopt_two = (batch_id, ANONYMOUS_OWNER, ME, ADOPTION_VERSION, 2)
    Scripts(connection, ("adopt_batch",)).run("adopt_batch", *adopt_two)
    batches.discard(batch_id, asked=True)
    assert store.get_many(job_ids(batch_id, 5)) == []
    assert not adoption.adopt(ME)
    assert not keys(connection, "sq:adopting")
