"""The jobs that this process holds: renews their leases, and learns of cancellations."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from shared.errors import LeaseLost
from shared.store.jobs import Claim, JobStore
from shared.wire.loss_records import JobProgress
from worker.jobs.busy_rate import BusyRate
from worker.jobs.job_lines import of_job
from worker.jobs.stages import Stages
from worker.telemetry.metrics import BUSY_SLOTS
from worker.upkeep.periodic import Periodic

RENEWALS_PER_LEASE = 3
LONGEST_RENEWAL_SECONDS = 1.0  # a renewal also brings cancellations


class HeldJob:
    """A claimed job while this process works on it."""

    def __init__(self, claim: Claim, lease_seconds: float) -> None:
        self.claim = claim
        self.log_members = of_job(claim.job)  # for log lines of other threads
        self.began_at = time.monotonic()
        self.stages = Stages(self.check)
        self._lease_seconds = lease_seconds
        self._let_go = False
        self._renewed_at = self.began_at
        self._stored: JobProgress | None = None

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
        self._renewer = Periodic("leases", period_seconds, self.renew)

    def start(self) -> None:
        self._renewer.start()

    def stop(self) -> None:
        self._renewer.stop()

    def __len__(self) -> int:
        return len(self._held)

    @contextmanager
    def hold(self, claim: Claim) -> Iterator[HeldJob]:
        held = HeldJob(claim, self._lease_seconds)
        with self._lock:
            self._held[claim.token] = held
        try:
            with self.rate.holding(), BUSY_SLOTS.track_inprogress():
                yield held
        finally:
            with self._lock:
                del self._held[claim.token]

    def held_jobs(self) -> list[HeldJob]:
        with self._lock:
            return list(self._held.values())

    def give_back(self) -> None:
        """Requeue every job without counting the attempt; its thread learns of it at the next check.

        If its thread ends the job at the same moment, only the first of the two takes effect, because
        both need the claim's token.

        Raises:
            QueueUnavailable: some jobs are not requeued; their leases end, as nothing renews them any more.
        """
        held_jobs = self.held_jobs()
        for held in held_jobs:
            held.let_go()
        for held in held_jobs:
            status = self._store.release(held.claim, counts=False)
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
