"""Random steps in any order, with claims that are long void, on a real Redis and on a model in plain Python.

After each step every record is what the model says, and all counters and indexes agree with the records.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from shared.request_errors import DeliveryNotFound
from shared.store.redis.scripts import Scripts
from shared.store.webhooks.deliveries import Outcome
from shared.wire.batch_records import BatchError
from shared.wire.descriptors import Lane
from shared.wire.operations.owner_records import OwnerLimits
from shared.wire.records import FINAL, JobStatus
from shared.wire.webhook_records import DeliveryStatus
from tests.checks.agreement import HELD, assert_counters_agree, keys
from tests.contract.jobs.store_model import ModelJob
from tests.contract.jobs.working_machine import ANY, ATTEMPT, ENDED_BATCH, PROCESSES, SOME, WorkingMachine
from tests.jobs import LEASE_SECONDS, OWNER, QUEUES, finalize


class StoreMachine(WorkingMachine):
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
    @rule(number=ANY, jobs=st.integers(1, 3))
    def move_a_batch_to_another_lane_and_back(self, number: int, jobs: int) -> None:
        """Turn back in the middle, as the model knows a single lane."""
        batch_id, batch = self.batch(number)
        scripts = Scripts(self.connection, ["move_batch", "move_jobs"])
        scripts.run("move_batch", batch_id, OWNER, Lane.HIGH)
        scripts.run("move_jobs", batch_id, jobs)
        assert_counters_agree(self.connection)
        refused = self._refused(lambda: self.batches.move(batch_id, OWNER, Lane.NORMAL))
        assert refused == (batch.status != "running" or batch.canceled)

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

    @rule(room=st.integers(0, 2), held=SOME)
    def work_at_the_cap(self, room: int, held: list[int]) -> None:
        """Let few more jobs run than now, and take jobs before and after some end."""
        self.cap(max(1, len(self.model.with_status(*HELD)) + room))
        self.take(0, 4, "one", alone=False)
        self.take(0, 4, "one", alone=False)  # the owner rests
        self.finish(held, well=True)
        self.take(0, 4, "two", alone=False)

    @rule(cap=st.sampled_from([0, 1, 6]))
    def cap(self, cap: int) -> None:
        self.limits.put(OWNER, OwnerLimits(max_running=cap))
        self.model.cap = cap

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

    # --- always ---------------------------------------------------------------------------------

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


def test_no_order_of_steps_brings_the_store_out_of_agreement_with_its_model(connection: redis.Redis) -> None:
    run_state_machine_as_test(
        lambda: StoreMachine(connection),
        settings=settings(
            max_examples=50,
            derandomize=True,  # the same orders each time; the soak tries others
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
