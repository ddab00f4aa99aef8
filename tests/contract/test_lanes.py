"""What the lanes promise on a real Redis: who is next, and that it is what every waiting job is told."""

from __future__ import annotations

from random import Random

import pytest
import redis

from shared.batch_store import BatchStore
from shared.descriptors import Lane
from shared.job_store import JobStore
from shared.lanes import Lanes
from tests.agreement import keys
from tests.jobs import (
    MAX_ATTEMPTS,
    OWNER,
    QUEUES,
    RESULT,
    accept_batch,
    bulk,
    claimed,
    create,
    fail,
    job_ids,
    let_time_pass,
    next_millisecond,
    now_ms,
    read_batch,
    request,
    succeed,
)
from tests.servers import wait_until

# --- the window -----------------------------------------------------------------------------------


def test_dispatch_fills_the_window_in_order_once_it_is_half_empty(store: JobStore, lanes: Lanes) -> None:
    ids = store.create(OWNER, [request()] * 9, MAX_ATTEMPTS)
    assert lanes.dispatch(Lane.NORMAL, 4) == ids[:4]
    assert lanes.dispatch(Lane.BULK, 4) == []
    claimed(store, ids[0])
    assert lanes.dispatch(Lane.NORMAL, 4) == []
    claimed(store, ids[1])
    assert lanes.dispatch(Lane.NORMAL, 4) == ids[4:6]


def test_a_large_fleet_widens_the_window(store: JobStore, lanes: Lanes) -> None:
    ids = store.create(OWNER, [request()] * 9, MAX_ATTEMPTS)
    lanes.widen_window(8)
    assert lanes.dispatch(Lane.NORMAL, 4) == ids[:8]


def test_an_unpublished_job_waits_again_in_its_old_place(
    store: JobStore, lanes: Lanes, batches: BatchStore
) -> None:
    ids = store.create(OWNER, [request()] * 3, MAX_ATTEMPTS)
    lanes.undispatch(lanes.dispatch(Lane.NORMAL, 2))
    assert lanes.dispatch(Lane.NORMAL, 10) == ids
    lines = job_ids(accept_batch(batches, bulk(3)), 3)
    lanes.undispatch(lanes.dispatch(Lane.BULK, 2))
    assert lanes.dispatch(Lane.BULK, 10) == lines


def test_a_delayed_job_is_dispatched_when_its_time_has_come(store: JobStore, lanes: Lanes) -> None:
    job_id = create(store)
    store.release(claimed(store, job_id), delay_seconds=0.3, counts=True)
    assert lanes.dispatch(Lane.NORMAL, 10) == []
    wait_until(lambda: lanes.dispatch(Lane.NORMAL, 10) == [job_id], 5, "the end of the delay")


def test_a_message_that_left_the_broker_unclaimed_is_sent_once_more(
    store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    job_id = create(store)
    lanes.dispatch(Lane.NORMAL, 10)
    connection.lpush("stylize.normal", "the message")
    wait_until(
        lambda: (connection.zscore("sq:dispatched:normal", job_id) or 0) < now_ms(connection),
        5,
        "a later time",
    )
    assert lanes.sweep(0, QUEUES) == []
    connection.delete("stylize.normal")
    assert lanes.sweep(60, QUEUES) == []
    wait_until(
        lambda: lanes.sweep(0.001, QUEUES) == [(Lane.NORMAL, job_id)], 5, "the message to be sent again"
    )
    claimed(store, job_id)
    assert lanes.sweep(0, QUEUES) == []


# --- fair shares ----------------------------------------------------------------------------------


def served(store: JobStore, lanes: Lanes, lane: Lane) -> list[str]:
    """All jobs of a lane, in the order in which one worker with one slot is given them."""
    order = []
    while found := lanes.dispatch(lane, 1):
        order += found
        store.succeed(claimed(store, found[0]), RESULT)
    return order


def test_owners_take_turns_whoever_came_first(store: JobStore, lanes: Lanes) -> None:
    annas = store.create("anna", [request()] * 4, MAX_ATTEMPTS)
    berts = store.create("bert", [request()] * 2, MAX_ATTEMPTS)
    expected = [annas[0], berts[0], annas[1], berts[1], annas[2], annas[3]]
    assert lanes.dispatch(Lane.NORMAL, 10) == expected


@pytest.mark.parametrize("owners", [("anna", "bert"), ("bert", "anna")])
def test_two_owners_of_large_batches_are_served_alternately_whoever_came_first(
    store: JobStore, lanes: Lanes, batches: BatchStore, owners: tuple[str, str]
) -> None:
    first = job_ids(accept_batch(batches, bulk(20), owners[0]), 20)
    assert lanes.dispatch(Lane.BULK, 4) == first[:4]
    second = job_ids(accept_batch(batches, bulk(8), owners[1]), 8)
    succeed(store, *first[:4])
    order = served(store, lanes, Lane.BULK)
    assert sorted(order) == sorted(first[4:] + second)
    assert [order.index(job_id) // 2 for job_id in second] == list(range(8))


def test_an_owner_with_many_batches_has_no_more_turns_than_one_with_a_single_job(
    store: JobStore, lanes: Lanes, batches: BatchStore
) -> None:
    for _ in range(5):
        accept_batch(batches, bulk(5))
    job_id = create(store, "bert", lane="bulk")
    assert job_id in served(store, lanes, Lane.BULK)[:2]


def test_an_owners_batches_and_single_jobs_are_served_as_they_were_queued(
    store: JobStore, lanes: Lanes, batches: BatchStore, connection: redis.Redis
) -> None:
    expected = []
    for _ in range(2):
        expected += job_ids(accept_batch(batches, bulk(3)), 3)
        next_millisecond(connection)
        expected.append(create(store, lane="bulk"))
        next_millisecond(connection)
    assert served(store, lanes, Lane.BULK) == expected


# --- positions ------------------------------------------------------------------------------------


def positions(connection: redis.Redis, store: JobStore) -> dict[str, int | None]:
    ids = [key.removeprefix("sq:job:") for key in keys(connection, "sq:job:*")]
    looked = [store.look(job_id, store.get(job_id).owner) for job_id in ids]
    return {placed.job_id: placed.position for placed in looked if not placed.finished}


@pytest.mark.parametrize("seed", range(12))
def test_every_waiting_job_is_told_exactly_how_many_are_served_before_it(
    connection: redis.Redis, store: JobStore, lanes: Lanes, batches: BatchStore, seed: int
) -> None:
    dice = Random(seed)
    owners = ["anna", "bert", "carl", "dora"]
    for _ in range(12):
        owner = dice.choice(owners)
        match dice.randrange(5):
            case 0 | 1:
                store.create(owner, bulk(dice.randint(1, 3)), MAX_ATTEMPTS)
            case 2 | 3:
                accept_batch(batches, bulk(dice.randint(1, 6)), owner)
            case _:
                for job_id in lanes.dispatch(Lane.BULK, dice.randint(1, 4)):
                    dice.choice([succeed, fail])(store, job_id)
    for job in store.page(dice.choice(owners), limit=100).jobs[::3]:
        if not job.finished:
            store.cancel(job.job_id, job.job.owner)
    told = positions(connection, store)
    order = served(store, lanes, Lane.BULK)
    assert len(order) > 3
    assert told == {job_id: place for place, job_id in enumerate(order, 1)}


def test_the_position_of_a_batch_is_that_of_its_last_waiting_job(
    connection: redis.Redis, store: JobStore, lanes: Lanes, batches: BatchStore
) -> None:
    create(store, "bert", lane="bulk")
    batch_id = accept_batch(batches, [*bulk(3), request(lane="high")])
    accept_batch(batches, bulk(9))
    told = positions(connection, store)
    last = told[job_ids(batch_id, 4)[2]]
    assert last == 4
    assert batches.look(batch_id, OWNER).last_positions == {Lane.BULK: last, Lane.HIGH: 1}


def test_jobs_on_their_way_are_first_in_the_order_in_which_their_messages_were_sent(
    store: JobStore, lanes: Lanes, batches: BatchStore, connection: redis.Redis
) -> None:
    for owner in ("anna", "bert", "carl"):
        accept_batch(batches, bulk(40), owner)
    sent = lanes.dispatch(Lane.BULK, 100)
    told = positions(connection, store)
    assert [told[job_id] for job_id in sent] == list(range(1, 101))
    assert sorted(place or 0 for place in told.values()) == list(range(1, 121))


def test_a_job_without_a_place_has_no_position(
    store: JobStore, lanes: Lanes, batches: BatchStore, connection: redis.Redis
) -> None:
    delayed, running, waiting = store.create(OWNER, [request()] * 3, MAX_ATTEMPTS)
    store.release(claimed(store, delayed), delay_seconds=60, counts=True)
    claimed(store, running)
    being_read = read_batch(batches, bulk(1))
    told = positions(connection, store)
    assert told == {delayed: None, running: None, waiting: 1, **dict.fromkeys(job_ids(being_read, 1))}
    assert batches.look(being_read, OWNER).last_positions == {}
    let_time_pass(connection, "scheduled")
    assert lanes.dispatch(Lane.NORMAL, 2) == [delayed, waiting]
