"""Random steps in any order, with claims that are long void, on a real Redis and on a model in plain Python.

After each step every record is what the model says, and all counters and indexes agree with the records.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.errors import (
    BatchFinished,
    BatchNotFinished,
    DeliveryNotFound,
    JobFinished,
    JobNotFinished,
    MustRunAlone,
)
from shared.store.batches import BatchStore
from shared.store.dead_letters import DeadLetters
from shared.store.jobs import Claim, JobStore
from shared.store.lanes import Lanes, is_call
from shared.store.objects.retention import ExpiredRecords
from shared.store.webhooks.deliveries import Deliveries, Outcome
from shared.store.webhooks.delivery_codec import DueDelivery
from shared.wire.batch_records import BatchError
from shared.wire.descriptors import DEFAULT_SIDE, Lane
from shared.wire.records import FINAL, JobStatus
from shared.wire.webhook_records import Attempt, DeliveryStatus
from tests.agreement import HELD, assert_counters_agree, keys
from tests.contract.store_model import ModelBatch, ModelJob, StoreModel
from tests.jobs import (
    ERROR,
    LEASE_SECONDS,
    OWNER,
    QUEUES,
    RESULT,
    accept_batch,
    finalize,
    in_line,
    job_ids,
    meet_older_worker,
    request,
)

MAX_ATTEMPTS = 2
ATTEMPT = Attempt(at=datetime(2026, 1, 1, tzinfo=UTC), duration_ms=1.0, status_code=200)
PROCESSES = st.sampled_from(["one", "two"])
SIDES = st.sampled_from([64, DEFAULT_SIDE, 4096])
ANY = st.integers(0, 999)  # which of the jobs, claims or batches that there are
SOME = st.lists(ANY, min_size=1, max_size=5)
WEBHOOK = {"url": "https://hooks.example.org/in"}
ENDED_BATCH = {True: "canceled", False: "completed"}


class StoreMachine(RuleBasedStateMachine):
    def __init__(self, connection: redis.Redis) -> None:
        super().__init__()
        connection.flushdb()
        self.connection = connection
        self.store, self.lanes, self.batches = JobStore(connection), Lanes(connection), BatchStore(connection)
        self.dead_letters = DeadLetters(connection, self.store)
        self.ended = ExpiredRecords(connection)
        self.deliveries = Deliveries(connection, 1000)
        self.taken: list[DueDelivery] = []
        self.model = StoreModel()
        self.claims: list[Claim] = []
        self.calls: list[str] = []

    def job(self, number: int) -> ModelJob:
        return list(self.model.jobs.values())[number % len(self.model.jobs)]

    def any_claim(self, number: int) -> Claim:
        return self.claims[-1 - number % len(self.claims)]

    def batch(self, number: int) -> tuple[str, ModelBatch]:
        return list(self.model.batches.items())[number % len(self.model.batches)]

    # --- accepting ------------------------------------------------------------------------------

    @initialize()
    def some_jobs_are_held(self) -> None:
        self.create(4, 60)
        self.create_batch([DEFAULT_SIDE] * 3)
        self.claim(list(range(5)), "one", alone=False)

    @rule(number=st.integers(1, 3), start_within=st.sampled_from([None, 60]), side=SIDES)
    def create(self, number: int, start_within: int | None, side: int = DEFAULT_SIDE) -> None:
        wanted = [request(side, start_within=start_within, webhook=WEBHOOK, tags=("a", "b"))] * number
        for job_id in self.store.create(OWNER, wanted, MAX_ATTEMPTS):
            self.model.jobs[job_id] = ModelJob(job_id, MAX_ATTEMPTS)

    @rule(sides=st.lists(SIDES, min_size=1, max_size=3))
    def create_batch(self, sides: list[int]) -> None:
        wanted = [request(side, max_attempts=1, webhook=WEBHOOK) for side in sides]
        batch_id = accept_batch(self.batches, wanted)
        self.model.batches[batch_id] = ModelBatch()
        for job_id in job_ids(batch_id, len(sides)):
            self.model.jobs[job_id] = ModelJob(job_id, 1, batch_id)

    # --- working --------------------------------------------------------------------------------

    @rule(window=st.integers(1, 6))
    def dispatch(self, window: int) -> None:
        sent = self.lanes.dispatch(Lane.NORMAL, window)
        self.calls += filter(is_call, sent)
        named = {message for message in sent if not is_call(message)}
        assert {self.model.jobs[job_id].status for job_id in named} <= {JobStatus.QUEUED}
        assert not (sent and self.model.paused)

    @rule()
    def an_older_worker_comes_or_goes(self) -> None:
        if not self.connection.zrem("sq:workers", "older"):
            meet_older_worker(self.connection)

    @rule(number=ANY, process=PROCESSES, alone=st.booleans())
    def take(self, number: int, process: str, *, alone: bool) -> None:
        """Answer a call; it may be a repeated or a very old one."""
        call = self.calls[-1 - number % len(self.calls)] if self.calls else "call_that_never_was"
        next_in_line = in_line(self.connection)
        claim, met = self.taken_or_met(call, process, alone=alone)
        found = claim.job.id if claim else met
        self.passed_by(next_in_line, found)
        if found:
            job = self.model.jobs[found]
            assert (job.status, self.model.paused) == (JobStatus.QUEUED, False)
            assert (job.suspect and not alone) == (met is not None)
            if claim:
                self.claims.append(claim)
                self.model.claim(job, claim.token, process)

    def taken_or_met(self, call: str, process: str, *, alone: bool) -> tuple[Claim | None, str | None]:
        """Return the next job, or one that must run alone."""
        try:
            return self.store.take(Lane.NORMAL, call, LEASE_SECONDS, process, alone=alone), None
        except MustRunAlone as suspect:
            return None, suspect.job_id

    def passed_by(self, next_in_line: list[str], started: str | None) -> None:
        """Return the overdue jobs, now ended, before the job that started; those of all lines if none did."""
        named = self.connection.zrange("sq:dispatched:normal", 0, -1)
        for job_id in next_in_line if not self.model.paused else []:
            if job_id == started:
                return
            if job_id not in named:
                assert self.model.jobs[job_id].overdue
                self.model.expire(self.model.jobs[job_id])
        assert started is None

    @precondition(lambda self: self.model.jobs)
    @rule(numbers=SOME, process=PROCESSES, alone=st.booleans())
    def claim(self, numbers: list[int], process: str, *, alone: bool) -> None:
        for number in numbers:
            self.claim_one(self.job(number), process, alone=alone)

    def claim_one(self, job: ModelJob, process: str, *, alone: bool) -> None:
        if job.silent:
            self.model.abandon(job)
        if job.overdue and job.status is JobStatus.QUEUED:
            self.model.expire(job)
        may_start = job.status is JobStatus.QUEUED and not self.model.paused
        must_be_alone = may_start and job.suspect and not alone
        try:
            claim = self.store.claim(job.id, LEASE_SECONDS, process, alone=alone)
        except MustRunAlone:
            assert must_be_alone
            return
        assert (claim is not None) == (may_start and not must_be_alone)
        if claim:
            self.claims.append(claim)
            self.model.claim(job, claim.token, process)
            assert claim.job.attempt == job.attempt

    @precondition(lambda self: self.claims)
    @rule(numbers=SOME, well=st.booleans())
    def finish(self, numbers: list[int], *, well: bool) -> None:
        for number in numbers:
            self.finish_one(self.any_claim(number), well=well)

    def finish_one(self, claim: Claim, *, well: bool) -> None:
        expected = None
        if self.model.holds(claim.job.id, claim.token):
            wanted = JobStatus.SUCCEEDED if well else JobStatus.FAILED
            expected = self.model.finish(self.model.jobs[claim.job.id], wanted)
        ended = self.store.succeed(claim, RESULT) if well else self.store.fail(claim, ERROR)
        assert ended is expected

    @precondition(lambda self: self.claims)
    @rule(number=ANY, counts=st.booleans(), delay_seconds=st.sampled_from([0, 60]))
    def release(self, number: int, delay_seconds: int, *, counts: bool) -> None:
        claim = self.any_claim(number)
        expected = None
        counts = (
            counts and claim.job.attempt < claim.job.max_attempts
        )  # after the last, a worker fails the job
        if self.model.holds(claim.job.id, claim.token):
            expected = self.model.release(self.model.jobs[claim.job.id], counts=counts)
        assert self.store.release(claim, delay_seconds=delay_seconds, counts=counts) is expected

    @rule()
    def renew(self) -> None:
        """Renew all claims that ever were, at once."""
        let_go = set()
        for claim in self.claims:
            if self.model.holds(claim.job.id, claim.token):
                self.model.jobs[claim.job.id].silent = False
            if (
                not self.model.holds(claim.job.id, claim.token)
                or self.model.jobs[claim.job.id].status is not JobStatus.RUNNING
            ):
                let_go.add(claim.job.id)
        assert self.store.renew(self.claims, LEASE_SECONDS) == let_go

    # --- the client's wishes --------------------------------------------------------------------

    @precondition(lambda self: self.model.jobs)
    @rule(number=ANY)
    def cancel(self, number: int) -> None:
        job = self.job(number)
        self.model.cancel(job)
        refused = self._refused(lambda: self.store.cancel(job.id, OWNER))
        assert refused == (job.status not in (JobStatus.CANCELED, JobStatus.CANCELING))

    @precondition(lambda self: self.model.jobs)
    @rule(number=ANY)
    def retry(self, number: int) -> None:
        job = self.job(number)
        may = self.model.may_retry(job)
        if may:
            self.model.retry(job)
        assert self._refused(lambda: self.store.retry(job.id, OWNER)) != may

    @precondition(lambda self: self.model.jobs)
    @rule(number=ANY)
    def delete(self, number: int) -> None:
        job = self.job(number)
        held = job.status in HELD
        if not held:
            self.model.remove(job)
        assert self._refused(lambda: self.store.delete(job.id, OWNER)) == held

    @rule()
    def replay(self) -> None:
        replayed = self.model.retry_all(self.model.with_status(JobStatus.FAILED))
        assert self.dead_letters.replay_all(OWNER, None) == replayed

    @precondition(lambda self: self.model.batches)
    @rule(number=ANY)
    def cancel_batch(self, number: int) -> None:
        batch_id, batch = self.batch(number)
        unfinished = batch.status in {"running", "finalizing"}
        if unfinished:
            batch.canceled = True
        if batch.status == "running":
            for job in self.model.of_batch(batch_id):
                self.model.cancel(job)
        elif batch.failing:
            batch.status, batch.failing = "canceled", False
        assert self._refused(lambda: self.batches.cancel(batch_id, OWNER)) != unfinished

    @precondition(lambda self: self.model.batches)
    @rule(number=ANY, status=st.sampled_from([JobStatus.FAILED, JobStatus.CANCELED]))
    def retry_batch(self, number: int, status: JobStatus) -> None:
        batch_id, batch = self.batch(number)
        if batch.status == "running" and batch.canceled:
            assert self._refused(lambda: self.batches.retry(batch_id, OWNER, [status]))
            return
        jobs = [job for job in self.model.of_batch(batch_id) if job.status is status]
        assert self.batches.retry(batch_id, OWNER, [status]) == self.model.retry_all(jobs)

    # --- the operator's wishes ------------------------------------------------------------------

    @rule(number=ANY)
    def pause_while_messages_are_on_their_way(self, number: int) -> None:
        self.lanes.dispatch(Lane.NORMAL, 6)
        self.lanes.pause(Lane.NORMAL)
        self.model.paused = True
        for job in self.model.with_status(JobStatus.QUEUED)[: number % 4]:
            self.claim_one(job, "one", alone=True)

    @precondition(lambda self: self.model.paused)
    @rule()
    def resume(self) -> None:
        self.lanes.resume(Lane.NORMAL)
        self.model.paused = False

    # --- upkeep ---------------------------------------------------------------------------------

    @precondition(lambda self: self.model.with_status(*HELD))
    @rule(numbers=SOME, swept=st.booleans())
    def leases_end(self, numbers: list[int], *, swept: bool) -> None:
        held = self.model.with_status(*HELD)
        for number in numbers:
            self.end_lease(held[number % len(held)])
        if swept:
            self.sweep()

    @precondition(lambda self: self.model.with_status(*HELD))
    @rule(process=PROCESSES)
    def a_worker_is_lost(self, process: str) -> None:
        for job in self.model.with_status(*HELD):
            if job.process == process:
                self.end_lease(job)
        self.sweep()

    def end_lease(self, job: ModelJob) -> None:
        job.silent = True
        self.connection.zadd("sq:leases", {job.id: 0})

    @rule()
    def deadlines_pass(self) -> None:
        for job_id in self.connection.zrange("sq:deadlines", 0, -1):
            self.connection.zadd("sq:deadlines", {job_id: 0})
            self.connection.hset(f"sq:job:{job_id}", "expires_ms", 1)
            self.model.jobs[str(job_id)].overdue = True

    @rule()
    def sweep(self) -> None:
        for job in self.model.with_status(JobStatus.QUEUED):
            if job.overdue:
                self.model.expire(job)
        for job in sorted(self.model.with_status(*HELD), key=lambda job: job.id):
            if job.silent:
                self.model.abandon(job)
        sent_again = self.lanes.sweep(LEASE_SECONDS, QUEUES)
        assert not (sent_again and self.model.paused)
        self.batches.sweep()

    @rule()
    def finalize(self) -> None:
        finalize(self.batches)
        for batch in self.model.batches.values():
            if batch.status == "finalizing":
                batch.status, batch.failing = ENDED_BATCH[batch.canceled], False

    @rule()
    def results_cannot_be_written(self) -> None:
        taken = self.batches.take_finalizing(LEASE_SECONDS)
        if taken:
            self.batches.put_off(taken, 0, BatchError(code="storage-unavailable", detail=""), ("o", "e"))
            self.model.batches[taken.id].failing = True

    @rule()
    def remove_what_ended(self) -> None:
        jobs, batch_ids = self.ended.retire(0, 1000)
        single = {job.id for job in self.model.with_status(*FINAL) if job.batch_id is None}
        over = {key for key, batch in self.model.batches.items() if batch.status in ENDED_BATCH.values()}
        assert (set(jobs), set(batch_ids)) == (single, over)
        self.ended.remove(jobs)
        for batch_id in batch_ids:
            self.batches.discard(batch_id)
        for job in list(self.model.jobs.values()):
            if job.id in single or job.batch_id in over:
                del self.model.jobs[job.id]
        for batch_id in over:
            del self.model.batches[batch_id]

    # --- always ---------------------------------------------------------------------------------

    # --- webhooks -------------------------------------------------------------------------------

    @rule(number=st.integers(1, 3), lease_seconds=st.sampled_from([0, LEASE_SECONDS]))
    def take_deliveries(self, number: int, lease_seconds: int) -> None:
        self.taken += self.deliveries.take(number, lease_seconds)

    @precondition(lambda self: self.taken)
    @rule(number=ANY, status=st.sampled_from(DeliveryStatus), delay_seconds=st.sampled_from([0, 60]))
    def settle_delivery(self, number: int, status: DeliveryStatus, delay_seconds: int) -> None:
        due = self.taken[-1 - number % len(self.taken)]  # it may be another sender's by now, or gone
        self.deliveries.settle(due, Outcome(status, ATTEMPT, delay_seconds))

    @precondition(lambda self: self.taken)
    @rule(number=ANY)
    def redeliver(self, number: int) -> None:
        with suppress(DeliveryNotFound):
            self.deliveries.redeliver(self.taken[-1 - number % len(self.taken)].id, OWNER)

    @invariant()
    def each_end_has_its_delivery_and_nothing_else_has_one(self) -> None:
        told = {job_id: set[str]() for job_id in self.model.jobs}
        for delivery in self.deliveries.page(OWNER, limit=1000).deliveries:
            told[str(delivery.job_id)].add(delivery.type)
        for job_id, job in self.model.jobs.items():
            assert told[job_id] <= {f"job.{status}" for status in FINAL}
            assert job.status not in FINAL or f"job.{job.status}" in told[job_id]

    @invariant()
    def the_records_are_what_the_model_says(self) -> None:
        found = {}
        for key in keys(self.connection, "sq:job:*"):
            record: Any = self.connection.hgetall(key)
            found[key.removeprefix("sq:job:")] = (
                record["status"], int(record["attempt"]), record.get("token"), "suspect" in record
            )  # fmt: skip
        assert found == {
            job.id: (job.status, job.attempt, job.token, job.suspect) for job in self.model.jobs.values()
        }
        for job_id, (_, attempt, *_) in found.items():
            assert 0 <= attempt <= self.model.jobs[job_id].max_attempts

    @invariant()
    def the_batches_are_what_the_model_says(self) -> None:
        status = {
            batch_id: self.connection.hget(f"sq:batch:{batch_id}", "status")
            for batch_id in self.model.batches
        }
        assert status == {batch_id: batch.status for batch_id, batch in self.model.batches.items()}

    @invariant()
    def counters_and_indexes_agree(self) -> None:
        assert_counters_agree(self.connection)

    def _refused(self, step: Any) -> bool:
        try:
            step()
        except (JobFinished, JobNotFinished, BatchFinished, BatchNotFinished):
            return True
        return False


def test_no_order_of_steps_brings_the_store_out_of_agreement_with_its_model(connection: redis.Redis) -> None:
    run_state_machine_as_test(
        lambda: StoreMachine(connection),
        settings=settings(
            max_examples=50,
            derandomize=True,  # the same orders each time; the soak is for others
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
