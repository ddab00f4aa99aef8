"""The first half of the state machine: jobs are accepted, taken and ended, in the store and in its model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from shared.errors import MustRunAlone
from shared.request_errors import BatchFinished, BatchNotFinished, JobFinished, JobNotFinished
from shared.store.batches import BatchStore
from shared.store.dead_letters import DeadLetters
from shared.store.jobs import Claim, JobStore
from shared.store.lanes import Lanes, is_call
from shared.store.objects.retention import ExpiredRecords
from shared.store.owners.limits import LimitStore
from shared.store.webhooks.deliveries import Deliveries
from shared.store.webhooks.delivery_codec import DueDelivery
from shared.wire.descriptors import Lane
from shared.wire.params import DEFAULT_SIDE
from shared.wire.records import JobStatus
from shared.wire.webhook_records import Attempt
from tests.contract.jobs.store_model import ModelBatch, ModelJob, StoreModel
from tests.jobs import (
    ERROR,
    LEASE_SECONDS,
    OWNER,
    RESULT,
    accept_batch,
    end_job,
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


class WorkingMachine(RuleBasedStateMachine):
    def __init__(self, connection: redis.Redis) -> None:
        super().__init__()
        connection.flushdb()
        self.connection = connection
        self.store, self.lanes, self.batches = JobStore(connection), Lanes(connection), BatchStore(connection)
        self.dead_letters = DeadLetters(connection, self.store)
        self.ended = ExpiredRecords(connection)
        self.limits = LimitStore(connection)
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

    @rule(number=ANY, most=st.integers(1, 4), process=PROCESSES, alone=st.booleans())
    def take(self, number: int, most: int, process: str, *, alone: bool) -> None:
        """Take the jobs for a call; it may be a repeated or a very old one."""
        call = self.calls[-1 - number % len(self.calls)] if self.calls else "call_that_never_was"
        next_in_line, room = in_line(self.connection), max(0, self.model.room)
        claims, met = self.taken_or_met(call, process, most=most, alone=alone)
        found = [claim.job.id for claim in claims] or ([met] if met else [])
        self.passed_by(next_in_line, found, most=min(1 if alone else most, room), met=met)
        for job_id in found:
            job = self.model.jobs[job_id]
            assert (job.status, self.model.paused) == (JobStatus.QUEUED, False)
            assert (job.suspect and not alone) == (met is not None)
        assert len({claim.token for claim in claims}) == len(claims)
        for claim in claims:
            self.claims.append(claim)
            self.model.claim(self.model.jobs[claim.job.id], claim.token, process)

    def taken_or_met(
        self, call: str, process: str, *, most: int, alone: bool
    ) -> tuple[list[Claim], str | None]:
        """Return the next jobs, or one that must run alone."""
        try:
            return self.store.take(Lane.NORMAL, call, LEASE_SECONDS, process, most=most, alone=alone), None
        except MustRunAlone as suspect:
            return [], suspect.job_id

    def passed_by(self, next_in_line: list[str], found: list[str], *, most: float, met: str | None) -> None:
        """Follow the line up to the last job that started, and end the overdue jobs on the way.

        A bundle ends early only at the end of the line, or before a job that must run alone.
        """
        named = self.connection.zrange("sq:dispatched:normal", 0, -1)
        left = list(found)
        for job_id in next_in_line if not self.model.paused else []:
            if len(found) - len(left) == most:
                break
            job = self.model.jobs[job_id]
            if left and job_id == left[0]:
                left.pop(0)
                if met:
                    break
            elif job_id not in named:
                if job.suspect and not job.overdue and found and not left:
                    break
                assert job.overdue
                self.model.expire(job)
        assert not left

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
        may_start = may_start and (job.suspect or self.model.room > 0)
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
        ended = end_job(self.store, claim, RESULT) if well else end_job(self.store, claim, ERROR)
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

    @precondition(lambda self: self.claims)
    @rule(number=ANY, alone=st.booleans())
    def lose_engine(self, number: int, *, alone: bool) -> None:
        claim = self.any_claim(number)
        if self.model.holds(claim.job.id, claim.token):
            self.model.lose_engine(self.model.jobs[claim.job.id], alone=alone)
        self.store.lose_engine(claim, alone=alone)

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

    def _refused(self, step: Any) -> bool:
        try:
            step()
        except (JobFinished, JobNotFinished, BatchFinished, BatchNotFinished):
            return True
        return False
