"""Random steps of clients and workers on batches; after each run all counters agree."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import pytest
import redis

from shared.policy.queue_limits import QueueLimits
from shared.request_errors import RequestError
from shared.store.batches import BatchStore, Steering
from shared.store.jobs import Claim, JobStore
from shared.store.lanes import Lanes
from shared.store.redis.scripts import Scripts
from shared.wire.batch_records import BATCH_FINAL, Batch, BatchStatus
from shared.wire.descriptors import Lane
from shared.wire.records import FINAL, JobStatus
from tests.checks.agreement import assert_counters_agree, keys
from tests.contract.batches.batch_steps import OBJECTS, WHY, status_of
from tests.jobs import (
    ERROR,
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    QUEUES,
    RESULT,
    create,
    end_job,
    finalize,
    let_time_pass,
    meet_older_worker,
    rejected,
    request,
    succeed,
    take,
)

WINDOW = 100


pytestmark = pytest.mark.usefixtures("counters_agree")


@dataclass
class Throng:
    """Clients and workers that take random steps."""

    connection: redis.Redis
    store: JobStore
    lanes: Lanes
    batches: BatchStore
    dice: Random
    reading: dict[str, str] = field(default_factory=dict)  # owners by batch
    lines: int = 0
    claims: list[Claim] = field(default_factory=list)
    finalizing: list[Batch] = field(default_factory=list)

    def act(self) -> None:
        """Take one step, which may be refused."""
        steps = {
            **{self.begin: 2, self.add: 5, self.reject: 1, self.commit: 2, self.submit: 2},
            **{self.dispatch: 2, self.undispatch: 1, self.claim: 3, self.take_next: 2, self.end_claim: 3},
            **{self.an_older_worker_comes_or_goes: 1},
            **{self.let_time_pass: 1, self.sweep: 1, self.take: 1, self.end: 1},
            **{
                self.wish_about_job: 2,
                self.wish_about_batch: 1,
                self.steer_batch: 1,
                self.cancel_half: 1,
                self.move: 1,
                self.move_half: 1,
                self.delete: 1,
                self.delete_half: 1,
                self.discard: 1,
            },
        }
        (step,) = self.dice.choices(list(steps), list(steps.values()))
        with suppress(RequestError):
            step()

    def owner(self) -> str:
        return self.dice.choice(["anna", "bert", "carl"])

    def lane(self) -> Lane:
        return self.dice.choice(list(Lane))

    def side(self) -> int:
        return self.dice.choice([64, 1024, 1024, 2048])

    def job(self) -> tuple[str, str] | None:
        """Return a random job and its owner."""
        found = keys(self.connection, "sq:job:*")
        if not found:
            return None
        job = self.store.get(self.dice.choice(found).removeprefix("sq:job:"))
        return job.id, job.owner

    def batch(self) -> tuple[str, str] | None:
        owner = self.owner()
        ids = self.batches.page(owner, 100, None).ids
        return (self.dice.choice(ids), owner) if ids else None

    def begin(self) -> None:
        owner = self.owner()
        batch_id, _ = self.batches.begin(owner, {}, None)
        self.reading[batch_id] = owner

    def add(self) -> None:
        if self.reading:
            batch_id = self.dice.choice(list(self.reading))
            number = self.dice.randint(1, 4)
            jobs = [
                (
                    self.lines + line,
                    request(lane=self.lane(), start_within=self.dice.choice([None, 60]), side=self.side()),
                )
                for line in range(1, number + 1)
            ]
            self.lines += number
            limits = QueueLimits(of_owner=30, in_all=60)
            self.batches.add(batch_id, self.reading[batch_id], jobs, MAX_ATTEMPTS, limits)

    def reject(self) -> None:
        if self.reading:
            self.lines += 1
            self.batches.reject(self.dice.choice(list(self.reading)), [rejected(self.lines)])

    def commit(self) -> None:
        if self.reading:
            batch_id = self.dice.choice(list(self.reading))
            del self.reading[batch_id]
            self.batches.commit(batch_id)

    def submit(self) -> None:
        attempts = self.dice.randint(1, 2)
        create(self.store, self.owner(), lane=self.lane(), side=self.side(), max_attempts=attempts)

    def dispatch(self) -> None:
        self.lanes.dispatch(self.lane(), self.dice.randint(1, 8))

    def undispatch(self) -> None:
        ids = self.lanes.dispatch(self.lane(), 8)
        if ids:
            self.lanes.undispatch(ids)

    def claim(self) -> None:
        sent = [job_id for lane in Lane for job_id in self.connection.zrange(f"sq:dispatched:{lane}", 0, -1)]
        if sent:
            claim = self.store.claim(str(self.dice.choice(sent)), LEASE_SECONDS)
            self.claims += [claim] if claim else []

    def take_next(self) -> None:
        claim = take(self.store, self.lane())
        self.claims += [claim] if claim else []

    def an_older_worker_comes_or_goes(self) -> None:
        if not self.connection.zrem("sq:workers", "older"):
            meet_older_worker(self.connection)

    def end_claim(self) -> None:
        if self.claims:
            claim = self.claims.pop(self.dice.randrange(len(self.claims)))
            match self.dice.randrange(5):
                case 0:
                    end_job(self.store, claim, RESULT)
                case 1:
                    end_job(self.store, claim, ERROR)
                case 2:
                    self.store.release(claim, counts=False)
                case 3:
                    self.store.release(claim, delay_seconds=60, counts=True)
                case _:
                    pass  # the worker was killed

    def let_time_pass(self) -> None:
        kinds = ["leases", "leases", "scheduled", "deadlines", "validating", "finalizing"]
        let_time_pass(self.connection, self.dice.choice(kinds))

    def sweep(self) -> None:
        self.lanes.sweep(0, QUEUES)
        self.batches.sweep()

    def wish_about_job(self) -> None:
        found = self.job()
        if found:
            self.dice.choice(
                [self.store.cancel, self.store.retry, self.store.retry, self.store.retry, self.store.delete]
            )(*found)

    def wish_about_batch(self) -> None:
        found = self.batch()
        if found:
            statuses = self.dice.sample([JobStatus.FAILED, JobStatus.CANCELED, JobStatus.EXPIRED], 2)
            if self.dice.random() < 0.5:
                self.batches.cancel(*found)
            else:
                self.batches.retry(*found, statuses)

    def steer_batch(self) -> None:
        found = self.batch()
        if found:
            steps: list[Steering] = ["pause", "resume", "first"]
            self.batches.steer(*found, self.dice.choice(steps))

    def move(self) -> None:
        found = self.batch()
        if found:
            self.batches.move(*found, self.dice.choice([Lane.HIGH, Lane.NORMAL, Lane.BULK]))

    def move_half(self) -> None:
        found = self.batch()
        if found:
            scripts = Scripts(self.connection, ["move_batch", "move_jobs"])
            scripts.run("move_batch", *found, self.dice.choice([Lane.HIGH, Lane.NORMAL]))
            scripts.run("move_jobs", found[0], 2)

    def delete(self) -> None:
        found = self.batch()
        if found:
            self.batches.delete(*found)

    def delete_half(self) -> None:
        found = self.batch()
        if found:
            scripts = Scripts(self.connection, ["delete_batch", "discard_jobs"])
            if scripts.run("delete_batch", *found) in {*BATCH_FINAL, BatchStatus.FINALIZING}:
                scripts.run("discard_jobs", found[0], 2, "all", 1)

    def cancel_half(self) -> None:
        found = self.batch()
        if found:
            scripts = Scripts(self.connection, ["cancel_batch", "cancel_jobs"])
            scripts.run("cancel_batch", *found)
            scripts.run("cancel_jobs", found[0], 2)

    def take(self) -> None:
        batch = self.batches.take_finalizing(LEASE_SECONDS)
        self.finalizing += [batch] if batch else []

    def end(self) -> None:
        if self.finalizing:
            batch = self.finalizing.pop(0)
            if self.dice.random() < 0.5:
                self.batches.end(batch, *OBJECTS)
            else:
                self.batches.put_off(batch, 0, WHY, OBJECTS)

    def discard(self) -> None:
        found = self.batch()
        if found and self.batches.look(*found).batch.status in {*BATCH_FINAL, BatchStatus.FINALIZING}:
            self.batches.discard(found[0])

    def work_on_all(self) -> None:
        """Let workers finish all that is left, after the readers of batches have gone."""
        for kind in ("validating", "leases", "scheduled", "finalizing"):
            let_time_pass(self.connection, kind)
        self.sweep()
        for key in keys(self.connection, "sq:batch:*"):
            batch_id = key.removeprefix("sq:batch:")
            with suppress(RequestError):
                self.batches.steer(batch_id, self.batches.owner_of(batch_id), "resume")
        for lane in Lane:
            for job_id in self.connection.zrange(f"sq:dispatched:{lane}", 0, -1):
                succeed(self.store, str(job_id))
            self.lanes.dispatch(lane, 1000)
            while claim := take(self.store, lane):
                end_job(self.store, claim, RESULT)
        finalize(self.batches)


@pytest.mark.parametrize("seed", range(4))
def test_any_steps_in_any_order_keep_counters_right_and_everything_comes_to_its_end(
    connection: redis.Redis, store: JobStore, lanes: Lanes, batches: BatchStore, seed: int
) -> None:
    throng = Throng(connection, store, lanes, batches, Random(seed))
    for _ in range(200):
        throng.act()
        assert_counters_agree(connection)
    for _ in range(4):  # a job that was lost needs another round
        throng.work_on_all()
        assert_counters_agree(connection)
    jobs = [store.get(key.removeprefix("sq:job:")) for key in keys(connection, "sq:job:*")]
    assert len(jobs) > 10
    assert {job.status for job in jobs} <= FINAL
    for owner in ("anna", "bert", "carl"):
        for batch_id in batches.page(owner, 100, None).ids:
            assert status_of(batches, batch_id, owner) in BATCH_FINAL
    left = (
        "line:*",
        "costs:*",
        "dear:*",
        "batchline:*",
        "scheduled:*",
        "dispatched:*",
        "leases",
        "deadlines",
        "turns:*",
    )
    for lane in Lane:
        lanes.dispatch(lane, WINDOW)
    assert [key for kind in left for key in keys(connection, "sq:" + kind)] == []
