"""Lanes on a real Redis: how many calls are sent, and the order in which jobs start."""

from __future__ import annotations

from itertools import accumulate, takewhile
from typing import Any

import pytest
import redis

from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes, is_call
from shared.store.workers import WorkerRegistry
from shared.wire.descriptors import Lane
from tests.jobs import (
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    OWNER,
    QUEUES,
    accept_batch,
    bulk,
    claimed,
    create,
    job_ids,
    meet_older_worker,
    next_millisecond,
    now_ms,
    read_batch,
    request,
    take,
    worker_info,
)
from tests.stacks.servers import wait_until

# --- the window -----------------------------------------------------------------------------------


def test_the_window_is_filled_with_calls_once_it_is_half_empty(store: JobStore, lanes: Lanes) -> None:
    ids = store.create(OWNER, [request()] * 9, MAX_ATTEMPTS)
    calls = lanes.dispatch(Lane.NORMAL, 4)
    assert len(set(calls)) == 4
    assert lanes.dispatch(Lane.BULK, 4) == []
    assert answered(store, calls[0]) == ids[0]
    assert lanes.dispatch(Lane.NORMAL, 4) == []
    assert answered(store, calls[1]) == ids[1]
    assert len(lanes.dispatch(Lane.NORMAL, 4)) == 2


def test_there_are_no_more_calls_than_jobs_that_could_start(
    store: JobStore, lanes: Lanes, batches: BatchStore
) -> None:
    accept_batch(batches, [request()] * 2)
    read_batch(batches, [request()] * 5)
    store.create("bert", [request()] * 3, MAX_ATTEMPTS)
    assert len(lanes.dispatch(Lane.NORMAL, 64)) == 5
    assert lanes.dispatch(Lane.NORMAL, 64) == []
    create(store, "carl")
    assert len(lanes.dispatch(Lane.NORMAL, 64)) == 1


def test_while_an_older_worker_is_alive_messages_name_jobs(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    WorkerRegistry(connection).announce(worker_info("new"))
    meet_older_worker(connection)
    ids = store.create(OWNER, [request()] * 9, MAX_ATTEMPTS)
    assert lanes.dispatch(Lane.NORMAL, 4) == ids[:4]
    claimed(store, ids[0])
    assert lanes.dispatch(Lane.NORMAL, 4) == []
    claimed(store, ids[1])
    assert lanes.dispatch(Lane.NORMAL, 4) == ids[4:6]
    connection.zadd("sq:workers", {"older": 0})
    assert all(map(is_call, lanes.dispatch(Lane.NORMAL, 8)))


def test_a_large_fleet_widens_the_window(store: JobStore, lanes: Lanes) -> None:
    store.create(OWNER, [request()] * 9, MAX_ATTEMPTS)
    lanes.widen_window(8)
    assert len(lanes.dispatch(Lane.NORMAL, 4)) == 8


def test_a_call_that_could_not_be_published_leaves_room_for_another(store: JobStore, lanes: Lanes) -> None:
    create(store)
    lanes.undispatch(lanes.dispatch(Lane.NORMAL, 4))
    assert len(lanes.dispatch(Lane.NORMAL, 4)) == 1


@pytest.mark.usefixtures("older_worker")
def test_an_unpublished_job_waits_again_in_its_old_place(
    store: JobStore, lanes: Lanes, batches: BatchStore
) -> None:
    ids = store.create(OWNER, [request()] * 3, MAX_ATTEMPTS)
    lanes.undispatch(lanes.dispatch(Lane.NORMAL, 2))
    assert lanes.dispatch(Lane.NORMAL, 10) == ids
    lines = job_ids(accept_batch(batches, bulk(3)), 3)
    lanes.undispatch(lanes.dispatch(Lane.BULK, 2))
    assert lanes.dispatch(Lane.BULK, 10) == lines


def test_a_delayed_job_is_called_for_when_its_time_has_come(store: JobStore, lanes: Lanes) -> None:
    job_id = create(store)
    store.release(claimed(store, job_id), delay_seconds=0.3, counts=True)
    assert lanes.dispatch(Lane.NORMAL, 10) == []
    wait_until(lambda: lanes.dispatch(Lane.NORMAL, 10), 5, "the end of the delay")
    assert started(store) == [job_id]


@pytest.mark.parametrize("named", [False, True])
def test_a_message_that_left_the_broker_unanswered_is_sent_once_more(
    store: JobStore, lanes: Lanes, connection: redis.Redis, *, named: bool
) -> None:
    if named:
        meet_older_worker(connection)
    job_id = create(store)
    (message,) = lanes.dispatch(Lane.NORMAL, 10)
    key = "sq:dispatched:normal" if named else "sq:calls:normal"
    connection.lpush("stylize.normal", "the message")
    wait_until(lambda: (connection.zscore(key, message) or 0) < now_ms(connection), 5, "a later time")
    assert lanes.sweep(0, QUEUES) == []
    connection.delete("stylize.normal")
    assert lanes.sweep(60, QUEUES) == []
    wait_until(
        lambda: lanes.sweep(0.001, QUEUES) == [(Lane.NORMAL, message)], 5, "the message to be sent again"
    )
    assert claimed(store, job_id) if named else answered(store, message) == job_id
    assert lanes.sweep(0, QUEUES) == []


# --- fair shares ----------------------------------------------------------------------------------


def answered(store: JobStore, call: str, lane: Lane = Lane.NORMAL) -> str:
    """Return the job that a call starts."""
    (claim,) = store.take(lane, call, LEASE_SECONDS)
    return claim.job.id


def started(store: JobStore, lane: Lane = Lane.NORMAL, number: int = 1000) -> list[str]:
    """Return the jobs of a lane that so many calls start."""
    claims = (take(store, lane) for _ in range(number))
    return [claim.job.id for claim in takewhile(bool, claims) if claim]


def test_owners_take_turns_whoever_came_first(store: JobStore) -> None:
    annas = store.create("anna", [request()] * 4, MAX_ATTEMPTS)
    berts = store.create("bert", [request()] * 2, MAX_ATTEMPTS)
    assert started(store) == [annas[0], berts[0], annas[1], berts[1], annas[2], annas[3]]


@pytest.mark.parametrize("side", [64, 1024, 4096])
def test_a_newcomer_is_next_though_calls_for_all_jobs_of_another_are_on_their_way(
    store: JobStore, lanes: Lanes, side: int
) -> None:
    annas = store.create("anna", [request(4096)] * 60, MAX_ATTEMPTS)
    calls = lanes.dispatch(Lane.NORMAL, 64)
    assert len(calls) == 60
    assert [answered(store, call) for call in calls[:4]] == annas[:4]
    job_id = create(store, "bert", side=side)
    assert answered(store, calls[4]) == job_id
    assert answered(store, calls[5]) == annas[4]


@pytest.mark.parametrize("owners", [("anna", "bert"), ("bert", "anna")])
def test_two_owners_of_large_batches_are_served_alternately_whoever_came_first(
    store: JobStore, batches: BatchStore, owners: tuple[str, str]
) -> None:
    first = job_ids(accept_batch(batches, bulk(20), owners[0]), 20)
    assert started(store, Lane.BULK, 4) == first[:4]
    second = job_ids(accept_batch(batches, bulk(8), owners[1]), 8)
    order = started(store, Lane.BULK)
    assert sorted(order) == sorted(first[4:] + second)
    shares = accumulate(1 if job_id in second else -1 for job_id in order[:16])
    assert {abs(share) for share in shares} <= {0, 1, 2}


@pytest.mark.parametrize(
    ("cheap", "dear", "ratio"),
    [
        ({"max_side": 1024}, {"max_side": 4096}, 16),
        ({"max_side": 256}, {"max_side": 1024}, 16),
        ({"max_side": 1024}, {"max_side": 1024, "losses": True}, 64),
    ],
)
def test_owners_with_jobs_of_different_costs_share_what_they_cost_and_not_their_number(
    store: JobStore, batches: BatchStore, cheap: dict[str, Any], dear: dict[str, Any], ratio: int
) -> None:
    store.create("anna", bulk(300, params=dear), MAX_ATTEMPTS)
    accept_batch(batches, bulk(300, params=cheap), "bert")
    of_anna = [store.get(job_id).owner == "anna" for job_id in started(store, Lane.BULK, 4 * (ratio + 1))]
    spent = [0, 0]
    for mine in of_anna:
        spent[mine] += ratio if mine else 1
        assert abs(spent[0] - spent[1]) <= ratio + 1  # one job of each: the bound of theorem 1
    assert sum(of_anna) == 4


def test_who_was_served_alone_owes_nothing_and_who_comes_again_has_no_advantage(store: JobStore) -> None:
    for _ in range(5):
        create(store, "anna")
        started(store)
    annas = store.create("anna", [request()] * 3, MAX_ATTEMPTS)
    berts = store.create("bert", [request()] * 3, MAX_ATTEMPTS)
    order = started(store, number=2)
    for _ in range(2):  # leaving and coming back between two jobs brings nobody a further turn
        order += started(store, number=2)
    assert [job_id in annas for job_id in order] in ([False, True] * 3, [True, False] * 3)
    assert sorted(order) == sorted(annas + berts)


def test_an_owner_with_many_batches_has_no_more_turns_than_one_with_a_single_job(
    store: JobStore, batches: BatchStore
) -> None:
    for _ in range(5):
        accept_batch(batches, bulk(5))
    job_id = create(store, "bert", lane="bulk")
    assert job_id in started(store, Lane.BULK, 2)


def test_an_owners_batches_and_single_jobs_are_served_as_they_were_queued(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    expected = []
    for side in (64, 4096):
        expected += job_ids(accept_batch(batches, [*bulk(2), *bulk(1, side=side)]), 3)
        next_millisecond(connection)
        expected.append(create(store, lane="bulk", side=side))
        next_millisecond(connection)
    assert started(store, Lane.BULK) == expected
