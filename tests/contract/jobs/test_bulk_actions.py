"""Bulk actions: counted, confirmed by the count, and done in steps."""

from __future__ import annotations

import pytest
import redis

from shared.request_errors import ActionNotFound, ActionNotReady, TooMuchPending
from shared.store.batches import BatchStore
from shared.store.bulk_actions import JOBS_PER_STEP, LEASE_SECONDS, MOST_KEPT, MOST_OPEN, BulkActions
from shared.store.jobs import JobStore
from shared.wire.bulk_records import Action, BulkAction, BulkStatus
from shared.wire.descriptors import Lane
from shared.wire.job_filter import EVERY_JOB, JobFilter
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.records import JobStatus
from tests.jobs import OWNER, accept_batch, bulk, claimed, create, fail, job_ids, succeed

pytestmark = pytest.mark.usefixtures("counters_agree")


@pytest.fixture
def actions(connection: redis.Redis, store: JobStore) -> BulkActions:
    return BulkActions(connection, store)


def advance(actions: BulkActions, action_id: str) -> BulkAction:
    """Advance an action until it is counted or done."""
    while actions.advance(action_id):
        pass
    return actions.look(action_id, ALL_OWNERS)


def done(actions: BulkActions, action: Action, wanted: JobFilter = EVERY_JOB, of: str = OWNER) -> BulkAction:
    action_id = actions.create(OWNER, of, action, wanted)
    actions.confirm(action_id, OWNER, advance(actions, action_id).matched)
    return advance(actions, action_id)


def statuses(store: JobStore, *ids: str) -> list[JobStatus]:
    return [store.get(each).status for each in ids]


def test_nothing_changes_before_the_count_is_confirmed(store: JobStore, actions: BulkActions) -> None:
    jobs = [create(store) for _ in range(3)]
    action_id = actions.create(OWNER, OWNER, Action.CANCEL, EVERY_JOB)
    with pytest.raises(ActionNotReady, match="still counting"):
        actions.confirm(action_id, OWNER, 3)
    counted = advance(actions, action_id)
    assert (counted.status, counted.matched, counted.changed) == (BulkStatus.COUNTED, 3, 0)
    with pytest.raises(ActionNotReady, match="about 3 jobs, not 2"):
        actions.confirm(action_id, OWNER, 2)
    assert set(statuses(store, *jobs)) == {JobStatus.QUEUED}
    later = create(store)
    actions.confirm(action_id, OWNER, 3)
    ended = advance(actions, action_id)
    assert (ended.status, ended.looked, ended.changed) == (BulkStatus.DONE, 3, 3)
    assert statuses(store, *jobs, later) == [JobStatus.CANCELED] * 3 + [JobStatus.QUEUED]


def test_each_action_changes_what_it_can_change_and_meets_the_filter(
    store: JobStore, actions: BulkActions
) -> None:
    good, bad, high, running, foreign = (
        create(store), create(store), create(store, lane=Lane.HIGH), create(store), create(store, "bert")
    )  # fmt: skip
    succeed(store, good)
    fail(store, bad, foreign)
    claim = claimed(store, running)
    assert done(actions, Action.CANCEL, JobFilter(lane=Lane.HIGH)).changed == 1
    assert done(actions, Action.RETRY, JobFilter(status=JobStatus.FAILED)).changed == 1
    assert statuses(store, high, bad, running) == [JobStatus.CANCELED, JobStatus.QUEUED, JobStatus.RUNNING]
    assert done(actions, Action.RETRY, of=ALL_OWNERS).changed == 2
    assert statuses(store, high, foreign) == [JobStatus.QUEUED] * 2
    assert done(actions, Action.CANCEL).changed == 3
    store.release(claim, counts=False)
    assert done(actions, Action.DELETE).changed == 4
    assert store.page(OWNER, limit=9).jobs == ()
    assert statuses(store, foreign) == [JobStatus.QUEUED]


def test_a_batch_of_several_steps_is_done_by_workers_after_an_interruption(
    store: JobStore, batches: BatchStore, actions: BulkActions, connection: redis.Redis
) -> None:
    number = 2 * JOBS_PER_STEP + 1
    batch_id = accept_batch(batches, bulk(number))
    action_id = actions.create(OWNER, OWNER, Action.CANCEL, JobFilter(batch_id=batch_id))
    assert advance(actions, action_id).matched == number
    actions.confirm(action_id, OWNER, number)
    assert actions.advance(action_id)
    assert actions.look(action_id, OWNER).changed == JOBS_PER_STEP
    actions.sweep()
    ended = actions.look(action_id, OWNER)
    assert (ended.status, ended.looked, ended.changed) == (BulkStatus.DONE, number, number)
    assert set(statuses(store, *job_ids(batch_id, number))) == {JobStatus.CANCELED}
    assert connection.scard("sq:bulk_working") == 0


def test_one_process_does_a_step_until_its_lease_ends(
    store: JobStore, actions: BulkActions, connection: redis.Redis
) -> None:
    create(store)
    action_id = actions.create(OWNER, OWNER, Action.CANCEL, EVERY_JOB)
    key = f"sq:bulk:{action_id}"
    seconds, _ = connection.time()
    connection.hset(key, mapping={"token": "another", "lease_until": 1000 * (seconds + LEASE_SECONDS)})
    assert not actions.advance(action_id)
    connection.hset(key, "lease_until", 1)
    assert advance(actions, action_id).matched == 1


def test_no_more_jobs_are_changed_than_were_confirmed(store: JobStore, actions: BulkActions) -> None:
    first, second = create(store), create(store)
    fail(store, first)
    action_id = actions.create(OWNER, OWNER, Action.RETRY, EVERY_JOB)
    assert advance(actions, action_id).matched == 1
    fail(store, second)
    actions.confirm(action_id, OWNER, 1)
    assert advance(actions, action_id).changed == 1
    assert sorted(statuses(store, first, second)) == [JobStatus.FAILED, JobStatus.QUEUED]


def test_an_action_is_its_owners_and_their_number_is_bounded(
    actions: BulkActions, connection: redis.Redis
) -> None:
    ids = [actions.create(OWNER, OWNER, Action.RETRY, EVERY_JOB) for _ in range(MOST_OPEN)]
    with pytest.raises(TooMuchPending):
        actions.create(OWNER, OWNER, Action.RETRY, EVERY_JOB)
    actions.create("bert", "bert", Action.RETRY, EVERY_JOB)
    for refused in (actions.look, actions.forget):
        with pytest.raises(ActionNotFound):
            refused(ids[0], "bert")
    with pytest.raises(ActionNotFound):
        actions.confirm(ids[0], "bert", 0)
    actions.forget(ids[0], OWNER)
    assert [each.id for each in actions.of_owner(OWNER)] == ids[:0:-1]
    for _ in range(MOST_KEPT + 2):
        done(actions, Action.RETRY)
    assert len(actions.of_owner(OWNER)) == MOST_OPEN - 1 + MOST_KEPT + 1
    assert 0 < connection.ttl(f"sq:bulk:{ids[1]}") <= 7 * 86_400


@pytest.mark.parametrize(
    "damage", [{"filter": "{"}, {"matched": "many"}, {"status": "wild"}, {"cursor": ""}, {"lease_until": "x"}]
)
def test_a_damaged_record_costs_only_itself(
    store: JobStore, actions: BulkActions, connection: redis.Redis, damage: dict[str, str]
) -> None:
    create(store)
    damaged, whole = (actions.create(OWNER, OWNER, Action.CANCEL, EVERY_JOB) for _ in range(2))
    connection.hset(f"sq:bulk:{damaged}", mapping=damage)
    if "cursor" in damage:
        connection.hdel(f"sq:bulk:{damaged}", "cursor")
    actions.sweep()
    assert actions.look(whole, OWNER).status is BulkStatus.COUNTED
    assert whole in [each.id for each in actions.of_owner(OWNER)]
    if damage.keys() & {"filter", "matched", "status"}:
        with pytest.raises(ActionNotFound):
            actions.look(damaged, OWNER)
        assert connection.smembers("sq:bulk_working") == set()
    actions.forget(damaged, OWNER)
