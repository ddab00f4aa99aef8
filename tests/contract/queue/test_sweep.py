"""The sweep finds messages that the broker lost, more than one step's worth, and only one sweeper works."""

from __future__ import annotations

import pytest
import redis

from shared.errors import QueueUnavailable
from shared.store.jobs import JobStore
from shared.store.lanes import MOST_PER_SWEEP, Lanes
from shared.store.leader_lock import LeaderLock
from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus
from tests.jobs import (
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    OWNER,
    QUEUES,
    claimed,
    counts,
    let_time_pass,
    now_ms,
    request,
)
from tests.stacks.servers import wait_until

pytestmark = pytest.mark.usefixtures("older_worker")

RESEND_SECONDS = 0.05


def later(connection: redis.Redis, milliseconds: int) -> None:
    begin = now_ms(connection)
    wait_until(lambda: now_ms(connection) >= begin + milliseconds, 5, "a later time")


def test_a_message_that_was_lost_among_others_is_sent_again_while_the_list_is_not_empty(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    ids = store.create(OWNER, [request()] * 5, MAX_ATTEMPTS)
    first, lost, third, *_ = lanes.dispatch(Lane.NORMAL, 10)
    connection.lpush("stylize.normal", "the messages of the others")

    def sent_again() -> list[str]:
        later(connection, int(RESEND_SECONDS * 1000))
        return [job_id for _, job_id in lanes.sweep(RESEND_SECONDS, QUEUES)]

    assert [sent_again() for _ in range(3)] == [[], [], []]  # no job was claimed, so none was overtaken
    claimed(store, first)
    assert [sent_again() for _ in range(3)] == [[], [], []]  # the next one may still be in the list
    claimed(store, third)
    found = [sent_again() for _ in range(4)]
    assert [lost] in found
    assert sum(map(len, found)) == 1  # it went behind the others, and was not overtaken since
    assert {store.get(job_id).status for job_id in ids[3:]} == {JobStatus.QUEUED}


def test_a_message_is_not_lost_before_the_later_one_was_claimed_that_long_ago(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    store.create(OWNER, [request()] * 2, MAX_ATTEMPTS)
    _, second = lanes.dispatch(Lane.NORMAL, 10)
    connection.lpush("stylize.normal", "a message")
    claimed(store, second)
    assert [lanes.sweep(60, QUEUES) for _ in range(3)] == [[], [], []]


def test_a_clock_that_is_put_back_does_not_make_messages_lost(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    store.create(OWNER, [request()] * 2, MAX_ATTEMPTS)
    lanes.dispatch(Lane.NORMAL, 10)
    connection.lpush("stylize.normal", "the messages")
    connection.zadd("sq:taken", {"normal": now_ms(connection) + 3_600_000})
    for _ in range(3):
        later(connection, int(RESEND_SECONDS * 1000))
        assert lanes.sweep(RESEND_SECONDS, QUEUES) == []


@pytest.mark.parametrize("kind", ["deadlines", "leases"])
def test_one_sweep_ends_all_that_is_due_however_many(
    store: JobStore, lanes: Lanes, connection: redis.Redis, kind: str
) -> None:
    number = 2 * MOST_PER_SWEEP + 1
    ids = store.create(OWNER, [request(start_within=60)] * number, max_attempts=1)
    if kind == "leases":
        for job_id in ids:
            claimed(store, job_id)
    let_time_pass(connection, kind)
    lanes.sweep(LEASE_SECONDS, QUEUES)
    ended = JobStatus.FAILED if kind == "leases" else JobStatus.EXPIRED
    assert counts(connection)[ended] == number


def test_one_sweeps_for_all_and_another_takes_over_when_it_falls_silent(connection: redis.Redis) -> None:
    first, second = LeaderLock(connection, "sweep", 0.1), LeaderLock(connection, "sweep", 0.1)

    def mine(leader_lock: LeaderLock) -> bool:
        with leader_lock.held() as taken:
            return taken

    for _ in range(3):
        assert (mine(first), mine(second)) == (True, False)
    assert 0 < connection.pttl("sq:step:sweep") < 2 * 100
    wait_until(lambda: mine(second), 5, "the end of the first one's turn")
    assert (mine(first), mine(second)) == (False, True)


def test_a_sweep_that_fails_leaves_its_turn_to_others(connection: redis.Redis) -> None:
    first, second = LeaderLock(connection, "sweep", 60), LeaderLock(connection, "sweep", 60)

    def sweep_in_vain() -> None:
        with first.held() as mine:
            assert mine
            raise QueueUnavailable("The broker does not answer")

    with pytest.raises(QueueUnavailable):
        sweep_in_vain()
    with second.held() as mine:
        assert mine
