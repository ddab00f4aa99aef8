"""The jobs that this process holds: renews their leases, and learns of cancellations."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from math import inf

import structlog

from shared.errors import LeaseLost
from shared.store.jobs import Claim, JobStore
from shared.wire.loss_records import JobProgress
from shared.wire.records import Job
from worker.jobs.busy_rate import BusyRate
from worker.jobs.job_lines import of_job
from worker.jobs.stages import Stages
from worker.telemetry.metrics import BUSY_SLOTS
from worker.upkeep.periodic import Periodic

RENEWALS_PER_LEASE = 3
LONGEST_RENEWAL_SECONDS = 1.0  # a renewal also brings cancellations


class HeldJob:
    """A claimed job while this process has it: it waits for a slot, and then runs."""

    def __init__(self, claim: Claim, lease_seconds: float) -> None:
        self.claim = claim
        self.log_members = of_job(claim.job)  # for log lines of other threads
        self.began_at = inf  # while it waits
        self.stages = Stages(self.check)
        self._lease_seconds = lease_seconds
        self._let_go = False
        self._claimed_at = self._renewed_at = time.monotonic()
        self._stored: JobProgress | None = None

    def begin(self) -> Job:
        """Note that the job has its slot now; return it with this moment as its start."""
        self.began_at = time.monotonic()
        self.stages = Stages(self.check)
        waited = timedelta(seconds=self.began_at - self._claimed_at)
        job = self.claim.job
        started_at = job.started_at and job.started_at + waited
        self.claim = replace(self.claim, job=job.model_copy(update={"started_at": started_at}))
        return self.claim.job

    def check(self) -> None:
        """Check between stages whether the job is still ours.

        Raises:
            LeaseLost: the job was canceled, or may run elsewhere by now; stop working on it.
        """
        if self._let_go or time.monotonic() - self._renewed_at > self._lease_seconds:
            raise LeaseLost("The job was canceled or given to another worker")

    @property
    def news(self) -> JobProgress | None:
        """Return the progress if Redis does not have it yet."""
        progress = self.stages.progress
        return progress if progress != self._stored else None

    def renewed(self, at: float, stored: JobProgress | None = None) -> None:
        self._renewed_at = at
        self._stored = stored or self._stored

    def let_go(self) -> None:
        self._let_go = True

    @property
    def is_let_go(self) -> bool:
        return self._let_go


class Leases:
    """Renews all leases in one round trip, every second or three times per lease."""

    def __init__(self, store: JobStore, lease_seconds: float) -> None:
        self.rate = BusyRate()
        self._store = store
        self._lease_seconds = lease_seconds
        self._held: dict[str, HeldJob] = {}
        self._lock = threading.Lock()
        period_seconds = min(lease_seconds / RENEWALS_PER_LEASE, LONGEST_RENEWAL_SECONDS)
        self._for_held = list[Periodic]()
        self._renewer = self.while_held("leases", period_seconds, self.renew)

    def start(self) -> None:
        self._renewer.start()

    def stop(self) -> None:
        self._renewer.stop()

    def while_held(self, name: str, seconds: float, step: Callable[[], object]) -> Periodic:
        """Return a thread that repeats the step while jobs are held, and sleeps otherwise."""
        periodic = Periodic(name, seconds, step, needed=lambda: bool(self._held))
        self._for_held.append(periodic)
        return periodic

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, claim: Claim) -> HeldJob:
        """Renew this claim's lease until `drop`."""
        held = HeldJob(claim, self._lease_seconds)
        with self._lock:
            self._held[claim.token] = held
        for periodic in self._for_held:
            periodic.wake()
        return held

    def drop(self, held: HeldJob) -> None:
        with self._lock:
            del self._held[held.claim.token]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the block as the run of a job."""
        with self.rate.holding(), BUSY_SLOTS.track_inprogress():
            yield

    def held_jobs(self) -> list[HeldJob]:
        with self._lock:
            return list(self._held.values())

    def give_back(self, held_jobs: Collection[HeldJob]) -> None:
        """Requeue jobs without counting the attempt; their threads learn of it at the next check.

        If its thread ends the job at the same moment, only the first of the two takes effect, because
        both need the claim's token.

        Raises:
            QueueUnavailable: some jobs are not requeued; their leases end, as nothing renews them any more.
        """
        for held in held_jobs:
            held.let_go()
        for held in held_jobs:
            status = self._store.release(held.claim, counts=False, effort=held.stages.effort)
            structlog.get_logger().info("job given back", outcome=status or "lost", **of_job(held.claim.job))

    def renew(self) -> None:
        """Renew all leases; the threads of canceled or lost jobs learn of it at their next check."""
        held_jobs = [held for held in self.held_jobs() if not held.is_let_go]
        if not held_jobs:
            return
        asked_at = time.monotonic()
        progress = {held.claim.token: held.news for held in held_jobs if held.news}
        to_let_go = self._store.renew([held.claim for held in held_jobs], self._lease_seconds, progress)
        for held in held_jobs:
            if held.claim.job.id not in to_let_go:
                held.renewed(asked_at, progress.get(held.claim.token))
            elif held.claim.token in self._held:  # else it ended meanwhile
                held.let_go()
                structlog.get_logger().info("job to be let go", **held.log_members)
