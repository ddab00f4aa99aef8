"""Caps: as many jobs of an owner run as may, the others wait, and nobody waits for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from shared.policy.queue_limits import QueueLimits
from shared.request_errors import QueueFull
from shared.store.adoption import Adoption
from shared.store.jobs import Claim, Ending, JobStore
from shared.store.lanes import Lanes, is_call
from shared.store.owners.limits import LimitStore
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import ANONYMOUS_OWNER
from shared.wire.operations.owner_records import OwnerLimits
from tests.checks.agreement import assert_counters_agree
from tests.jobs import LEASE_SECONDS, MAX_ATTEMPTS, OWNER, QUEUES, RESULT, create, end_job, request

WINDOW = 8
BERT = "bert"


class Capped:
    """A store in which two jobs of an owner may run."""

    def __init__(self, connection: redis.Redis) -> None:
        self.connection = connection
        self.store, self.lanes = JobStore(connection, 2), Lanes(connection, 2)
        self.limits = LimitStore(connection)

    def create(self, number: int, owner: str = OWNER, **members: object) -> list[str]:
        return self.store.create(owner, [request(**members)] * number, MAX_ATTEMPTS)  # type: ignore[arg-type]

    def take(self, most: int = 4, lane: Lane = Lane.NORMAL) -> list[Claim]:
        return self.store.take(lane, "call", LEASE_SECONDS, "process", most=most)

    def taken(self, most: int = 4, lane: Lane = Lane.NORMAL) -> list[str]:
        return [claim.job.id for claim in self.take(most, lane)]

    def calls(self, lane: Lane = Lane.NORMAL) -> int:
        """Dispatch, and let the messages arrive. Return their number."""
        sent = self.lanes.dispatch(lane, WINDOW)
        assert all(map(is_call, sent))
        self.lanes.undispatch(sent)
        return len(sent)


@pytest.fixture
def capped(connection: redis.Redis) -> Capped:
    return Capped(connection)


def test_the_others_wait_until_one_ends_and_start_in_their_order(capped: Capped) -> None:
    jobs = capped.create(4)
    claims = capped.take()
    assert [claim.job.id for claim in claims] == jobs[:2]
    assert capped.take() == []
    ends = capped.store.finish([Ending(claims[0], RESULT)])
    assert ends.freed == {Lane.NORMAL}
    assert capped.taken() == jobs[2:3]
    end_job(capped.store, claims[1], RESULT)
    assert capped.taken() == jobs[3:]
    assert_counters_agree(capped.connection)


def test_an_owner_without_room_keeps_nobody_waiting(capped: Capped) -> None:
    capped.create(10)
    of_bert = capped.create(2, BERT)
    assert len(capped.take(2)) == 2
    capped.take()
    assert {capped.store.get(job_id).status for job_id in of_bert} == {"running"}


def test_the_cap_is_for_all_lanes_together(capped: Capped) -> None:
    normal, high = capped.create(2), capped.create(2, lane="high")
    assert capped.taken(1) == normal[:1]
    assert capped.taken(4, Lane.HIGH) == high[:1]
    assert capped.taken() == capped.taken(4, Lane.HIGH) == []
    claim = capped.store.get(high[0])
    assert claim.status == "running"
    assert_counters_agree(capped.connection)


def test_an_end_frees_all_lanes_in_which_the_owner_rests(capped: Capped) -> None:
    capped.create(3)
    capped.create(3, lane="bulk")
    first, _ = capped.take()
    assert capped.take() == capped.take(lane=Lane.BULK) == []
    assert capped.store.finish([Ending(first, RESULT)]).freed == {Lane.NORMAL, Lane.BULK}


def test_there_are_as_many_calls_as_jobs_that_may_start(capped: Capped) -> None:
    capped.create(100)
    assert capped.calls() == 2
    first, second = capped.take()
    assert capped.calls() == 0
    capped.create(1)  # brings the owner back into the rotation
    assert capped.calls() == 0
    end_job(capped.store, first, RESULT)
    assert capped.calls() == 1
    end_job(capped.store, second, RESULT)
    assert capped.calls() == 2


def test_an_owner_that_comes_back_has_not_saved_up_turns(capped: Capped) -> None:
    capped.limits.put(OWNER, OwnerLimits(max_running=1))
    capped.limits.put(BERT, OwnerLimits(max_running=0))
    capped.create(20)
    capped.create(20, BERT)
    mine = next(claim for claim in capped.take(2) if claim.job.owner == OWNER)
    assert {claim.job.owner for claim in capped.take(10)} == {BERT}
    end_job(capped.store, mine, RESULT)
    capped.limits.put(OWNER, OwnerLimits(max_running=0))
    owners = [claim.job.owner for claim in capped.take(8)]
    assert owners.count(OWNER) <= 5, owners  # fair queueing lets one owner be a job ahead


def finish(capped: Capped, claim: Claim) -> None:
    end_job(capped.store, claim, RESULT)


def release(capped: Capped, claim: Claim) -> None:
    capped.store.release(claim, counts=False, delay_seconds=60)


def cancel(capped: Capped, claim: Claim) -> None:
    capped.store.cancel(claim.job.id, claim.job.owner)
    assert capped.take() == []  # its worker still holds it
    end_job(capped.store, claim, RESULT)


def lose_the_worker(capped: Capped, claim: Claim) -> None:
    capped.connection.zadd("sq:leases", {claim.job.id: 0})
    capped.store.cancel(claim.job.id, claim.job.owner)
    capped.lanes.sweep(LEASE_SECONDS, QUEUES)


def end_in_an_older_version(capped: Capped, claim: Claim) -> None:
    resting = capped.connection.smembers("sq:resting")
    capped.connection.delete("sq:resting")
    end_job(capped.store, claim, RESULT)
    capped.connection.sadd("sq:resting", *resting)
    assert capped.take() == []
    capped.lanes.sweep(LEASE_SECONDS, QUEUES)


def raise_the_cap(capped: Capped, claim: Claim) -> None:
    capped.limits.put(claim.job.owner, OwnerLimits(max_running=3))


@pytest.mark.parametrize(
    "step", [finish, release, cancel, lose_the_worker, end_in_an_older_version, raise_the_cap]
)
def test_whatever_makes_room_lets_the_next_job_start(
    capped: Capped, step: Callable[[Capped, Claim], None]
) -> None:
    jobs = capped.create(4)
    claim, _ = capped.take()
    assert capped.take() == []
    step(capped, claim)
    assert capped.calls() == 1
    assert capped.taken() == jobs[2:3]


def test_an_adoption_makes_room_for_what_the_first_owner_submits_later(capped: Capped) -> None:
    capped.create(3, ANONYMOUS_OWNER)
    assert len(capped.take()) == 2
    assert capped.take() == []
    Adoption(capped.connection).adopt(BERT)
    assert capped.connection.smembers("sq:resting") == set()
    assert_counters_agree(capped.connection)


@pytest.mark.usefixtures("older_worker")
def test_jobs_that_messages_name_go_back_into_their_line(capped: Capped) -> None:
    jobs = capped.create(4)
    assert capped.lanes.dispatch(Lane.NORMAL, WINDOW) == jobs
    claims = [capped.store.claim(job_id, LEASE_SECONDS) for job_id in jobs]
    assert [claim is not None for claim in claims] == [True, True, False, False]
    assert capped.lanes.dispatch(Lane.NORMAL, WINDOW) == []
    assert_counters_agree(capped.connection)
    assert claims[0]
    end_job(capped.store, claims[0], RESULT)
    assert capped.lanes.dispatch(Lane.NORMAL, WINDOW) == jobs[2:]


def test_a_job_that_must_run_alone_is_not_kept_from_it_by_the_cap(capped: Capped) -> None:
    capped.limits.put(OWNER, OwnerLimits(max_running=1))
    suspect, other = capped.create(2)
    (claim,) = capped.take(1)
    assert claim.job.id == suspect
    capped.connection.hset(f"sq:job:{suspect}", "suspect", 1)
    capped.store.release(claim, counts=False, delay_seconds=60)
    assert capped.taken() == [other]
    assert capped.store.claim(suspect, LEASE_SECONDS, alone=True)


def test_limits_of_an_owner_stand_in_place_of_the_usual_ones(capped: Capped) -> None:
    usual = QueueLimits(3, 100)
    capped.limits.put(OWNER, OwnerLimits(max_running=0, max_waiting=5))
    assert capped.limits.of([BERT, OWNER]) == [OwnerLimits(), OwnerLimits(max_running=0, max_waiting=5)]
    assert capped.limits.owners() == {OWNER}
    with pytest.raises(QueueFull, match="waiting jobs: 3 "):
        capped.store.create(BERT, [request()] * 4, MAX_ATTEMPTS, usual)
    capped.store.create(OWNER, [request()] * 5, MAX_ATTEMPTS, usual)
    with pytest.raises(QueueFull, match="waiting jobs: 5 "):
        capped.store.create(OWNER, [request()], MAX_ATTEMPTS, usual)
    assert len(capped.take(5)) == 5
    capped.limits.put(OWNER, OwnerLimits())
    assert capped.limits.owners() == set()
    assert capped.connection.exists("sq:limits") == 0


def test_without_caps_nothing_rests(connection: redis.Redis, store: JobStore) -> None:
    jobs = [create(store) for _ in range(5)]
    assert len(store.take(Lane.NORMAL, "call", LEASE_SECONDS, "process", most=5)) == len(jobs)
    assert not connection.exists("sq:resting")


def test_a_job_of_an_owner_that_rests_has_its_place_among_the_owners_jobs(capped: Capped) -> None:
    capped.create(5, BERT)
    jobs = capped.create(4)
    assert len(capped.take(10)) == 4
    assert capped.take() == []
    places = {seen.job_id: seen.position for seen in capped.store.look_many(jobs, OWNER)}
    assert [places[job_id] for job_id in jobs] == [None, None, 1, 2]
