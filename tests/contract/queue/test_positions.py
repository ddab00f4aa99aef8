"""Positions in the queue on a real Redis: every waiting job is told its true position."""

from __future__ import annotations

from collections import deque
from random import Random

import pytest
import redis

from shared.store.batches import BatchStore
from shared.store.jobs import Claim, JobStore
from shared.store.lanes import Lanes, is_call
from shared.wire.descriptors import JobRequest, Lane
from tests.checks.agreement import assert_counters_agree, keys
from tests.jobs import (
    ERROR,
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    OWNER,
    RESULT,
    accept_batch,
    bulk,
    claimed,
    create,
    end_job,
    in_line,
    job_ids,
    let_time_pass,
    meet_older_worker,
    read_batch,
    request,
)


def positions(connection: redis.Redis, store: JobStore) -> dict[str, int | None]:
    ids = [key.removeprefix("sq:job:") for key in keys(connection, "sq:job:*")]
    looked = [store.look(job_id, store.get(job_id).owner) for job_id in ids]
    return {placed.job_id: placed.position for placed in looked if not placed.finished}


class Broker:
    """The messages of a lane on their way, and one worker with one slot."""

    def __init__(self, connection: redis.Redis, lane: Lane) -> None:
        self.connection, self.lane = connection, lane
        self.store, self.lanes = JobStore(connection), Lanes(connection)
        self.messages = deque[str]()

    def dispatch(self, window: int) -> None:
        self.messages += self.lanes.dispatch(self.lane, window)

    def serve(self) -> Claim | None:
        message = self.messages.popleft()
        if is_call(message):
            return next(iter(self.store.take(self.lane, message, LEASE_SECONDS)), None)
        return self.store.claim(message, LEASE_SECONDS)

    def serve_all(self) -> list[str]:
        """Return the jobs in the order in which they start."""
        order = []
        self.dispatch(4)
        while self.messages:
            claim = self.serve()
            order += [claim.job.id] if claim else []
            if claim:
                end_job(self.store, claim, RESULT)
            self.dispatch(4)
        return order


SIDES = (64, 256, 1024, 1024, 1024, 2048, 4096)


def mixture(dice: Random, most: int) -> list[JobRequest]:
    """Return jobs of one size, or of any."""
    number = dice.randint(1, most)
    sides = [dice.choice(SIDES)] * number if dice.random() < 0.5 else dice.choices(SIDES, k=number)
    return [request(side, lane=Lane.BULK) for side in sides]


def stir(dice: Random, broker: Broker, owners: list[str]) -> None:
    """Take a random step of a client, a worker or an operator."""
    owner, connection = dice.choice(owners), broker.connection
    match dice.randrange(7):
        case 0 | 1:
            broker.store.create(owner, mixture(dice, 3), MAX_ATTEMPTS)
        case 2 | 3:
            accept_batch(BatchStore(connection), mixture(dice, 6), owner)
        case 4:
            broker.dispatch(dice.randint(1, 6))
        case 5:
            for _ in range(dice.randint(0, len(broker.messages))):
                claim = broker.serve()
                if claim:
                    dice.choice([ended_well, ended_badly, given_back])(broker.store, claim)
        case _:
            connection.zrem("sq:workers", "older")


def ended_well(store: JobStore, claim: Claim) -> None:
    end_job(store, claim, RESULT)


def ended_badly(store: JobStore, claim: Claim) -> None:
    end_job(store, claim, ERROR)


def given_back(store: JobStore, claim: Claim) -> None:
    store.release(claim, counts=False)


@pytest.mark.parametrize("seed", range(24))
def test_every_waiting_job_is_told_exactly_how_many_are_served_before_it(
    connection: redis.Redis, store: JobStore, seed: int
) -> None:
    dice, broker = Random(seed), Broker(connection, Lane.BULK)
    owners = ["anna", "bert", "carl", "dora"]
    if seed % 3 == 0:
        meet_older_worker(connection)
    for _ in range(16):
        stir(dice, broker, owners)
    for job in store.page(dice.choice(owners), limit=100).jobs[::3]:
        if not job.finished:
            store.cancel(job.job_id, job.job.owner)
    assert_counters_agree(connection)
    told = positions(connection, store)
    order = broker.serve_all()
    assert len(order) > 3
    assert told == {job_id: place for place, job_id in enumerate(order, 1)}
    assert not any(keys(connection, f"sq:{kind}:*") for kind in ("line", "costs", "dear", "dispatched"))


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


@pytest.mark.usefixtures("older_worker")
def test_jobs_that_messages_name_are_first_in_the_order_in_which_these_were_sent(
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
    lanes.dispatch(Lane.NORMAL, 2)
    assert in_line(connection) == [delayed, waiting]
