"""Shares of slots on a real Redis, when an owner's jobs hold them for much longer than expected."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable

import pytest
import redis

from shared.scheduling.cost import SECONDS_OF_ONE, USUAL_COST
from shared.store.jobs import Claim, JobStore
from shared.store.lanes import Lanes
from tests.jobs import (
    ERROR,
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    QUEUES,
    RESULT,
    claimed,
    create,
    end_job,
    now_ms,
    request,
    take,
)

SLOTS = 4
SECONDS = {"anna": 2.0, "bert": USUAL_COST * SECONDS_OF_ONE}  # for which a job of each holds its slot
SIDES = {"anna": 64, "bert": 1024}
AHEAD = SLOTS * sum(SECONDS.values())  # seconds of slots that one may be ahead: a job of each in every slot
SHARE = 1.3
End = Callable[[JobStore, Claim, int], object]


def submit(store: JobStore, owner: str, number: int) -> None:
    store.create(owner, [request(SIDES[owner])] * number, MAX_ATTEMPTS)


def used_seconds(store: JobStore, until: float, end: End, *, anna_waits: bool) -> Counter[str]:
    """Return the slot seconds of each owner, by a clock of its own, while bert always has jobs in the queue.

    anna has too, or, if not `anna_waits`, submits a job whenever one of hers has ended.
    """
    clock, number, used = 0.0, 0, Counter[str]()
    running: list[tuple[float, int, Claim]] = []
    submit(store, "anna", 2 * SLOTS if anna_waits else SLOTS - 1)
    submit(store, "bert", 2 * SLOTS)
    while clock < until:
        while len(running) < SLOTS:
            claim = take(store)
            assert claim
            owner, number = claim.job.owner, number + 1
            if owner == "bert" or anna_waits:
                submit(store, owner, 1)
            heapq.heappush(running, (clock + SECONDS[owner], number, claim))
        moment, _, claim = heapq.heappop(running)
        used.update(dict.fromkeys(SECONDS, 0))
        for _, _, held in [(0, 0, claim), *running]:
            used[held.job.owner] += moment - clock  # type: ignore[assignment]
        clock, owner = moment, claim.job.owner
        end(store, claim, int(SECONDS[owner] / SECONDS_OF_ONE))
        if owner == "anna" and not anna_waits:
            submit(store, "anna", 1)
        assert used["anna"] - used["bert"] <= AHEAD, clock
        assert used["bert"] - used["anna"] <= AHEAD or not anna_waits, clock
    return used


def succeed(store: JobStore, claim: Claim, cost: int) -> None:
    end_job(store, claim, RESULT, cost)


def fail(store: JobStore, claim: Claim, cost: int) -> None:
    end_job(store, claim, ERROR, cost)


def cancel(store: JobStore, claim: Claim, cost: int) -> None:
    store.cancel(claim.job.id, claim.job.owner)
    store.release(claim, counts=False, slot_cost=cost)


def put_off(store: JobStore, claim: Claim, cost: int) -> None:
    store.release(claim, counts=False, slot_cost=cost)
    store.cancel(claim.job.id, claim.job.owner)


@pytest.mark.parametrize("anna_waits", [True, False])
@pytest.mark.parametrize("end", [succeed, fail, cancel, put_off])
def test_owners_share_slot_time_though_the_tiny_jobs_of_one_hold_their_slots_for_long(
    store: JobStore, end: End, *, anna_waits: bool
) -> None:
    used = used_seconds(store, 40, end, anna_waits=anna_waits)
    assert 1 / SHARE <= used["bert"] / used["anna"] <= SHARE, used


def turn(connection: redis.Redis, owner: str) -> float:
    return connection.zscore("sq:turns:normal", owner) or 0


def test_a_job_that_fails_fast_costs_what_was_expected_of_it(
    store: JobStore, connection: redis.Redis
) -> None:
    submit(store, "anna", 2)
    before = turn(connection, "anna")
    claim = take(store)
    assert claim
    end_job(store, claim, ERROR, 0)
    assert turn(connection, "anna") - before == 1


@pytest.mark.parametrize("alone", [True, False])
def test_a_job_alone_with_the_worker_that_was_lost_pays_until_its_lease_ended(
    store: JobStore, lanes: Lanes, connection: redis.Redis, *, alone: bool
) -> None:
    ids = [create(store, "anna") for _ in range(1 if alone else 2)]
    for job_id in ids:
        assert store.claim(job_id, LEASE_SECONDS, "lost")
        started = now_ms(connection) - 10_000
        connection.hset(f"sq:job:{job_id}", "started_ms", started)
        connection.zadd("sq:leases", {job_id: started + 9_000})
    lanes.sweep(LEASE_SECONDS, QUEUES)
    expected = int(9 / SECONDS_OF_ONE) - USUAL_COST if alone else 0
    assert turn(connection, "anna") == pytest.approx(expected, abs=1)


def test_a_claim_that_is_void_charges_nobody(store: JobStore, connection: redis.Redis) -> None:
    claim = claimed(store, create(store, "anna"))
    store.release(claim, counts=False)
    end_job(store, claim, RESULT, 10_000)
    assert turn(connection, "anna") == 0
