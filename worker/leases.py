"""The jobs that this process holds: their leases are renewed here, and cancellation arrives here."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import LeaseLost
from shared.job_store import Claim, JobStore
from worker.busy_rate import BusyRate
from worker.periodic import Periodic

RENEWALS_PER_LEASE = 3


class HeldJob:
    """A claimed job while this process works on it."""

    def __init__(self, claim: Claim, lease_seconds: float) -> None:
        self.claim = claim
        self._lease_seconds = lease_seconds
        self._let_go = False
        self._renewed_at = time.monotonic()

    def check(self) -> None:
        """Called between stages.

        Raises:
            LeaseLost: the job was canceled, or may run elsewhere by now; stop working on it.
        """
        if self._let_go or time.monotonic() - self._renewed_at > self._lease_seconds:
            raise LeaseLost("The job was canceled or given to another worker")

    def renewed(self, at: float) -> None:
        self._renewed_at = at

    def let_go(self) -> None:
        self._let_go = True


class Leases:
    """Renews every held job's lease with one round trip, three times in a lease."""

    def __init__(self, store: JobStore, lease_seconds: float) -> None:
        self.rate = BusyRate()
        self._store = store
        self._lease_seconds = lease_seconds
        self._held: dict[str, HeldJob] = {}
        self._lock = threading.Lock()
        self._renewer = Periodic("leases", lease_seconds / RENEWALS_PER_LEASE, self.renew)

    def start(self) -> None:
        self._renewer.start()

    def stop(self) -> None:
        self._renewer.stop()

    def __len__(self) -> int:
        return len(self._held)

    @contextmanager
    def hold(self, claim: Claim) -> Iterator[HeldJob]:
        """Keeps the lease for as long as the block runs."""
        held = HeldJob(claim, self._lease_seconds)
        with self._lock:
            self._held[claim.token] = held
        try:
            with self.rate.holding():
                yield held
        finally:
            with self._lock:
                del self._held[claim.token]

    def renew(self) -> None:
        """Renews all; jobs that are canceled or lost hear of it at their next check."""
        with self._lock:
            held_jobs = list(self._held.values())
        if not held_jobs:
            return
        asked_at = time.monotonic()
        to_let_go = self._store.renew([held.claim for held in held_jobs], self._lease_seconds)
        for held in held_jobs:
            if held.claim.job.id in to_let_go:
                held.let_go()
            else:
                held.renewed(asked_at)
