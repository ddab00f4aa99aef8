from __future__ import annotations

import pytest

from shared.errors import LeaseLost
from shared.store.jobs import Claim, JobStore
from shared.wire.descriptors import JobRequest
from shared.wire.records import JobStatus
from tests.stacks.servers import wait_until
from worker.jobs.leases import HeldJob, Leases

URLS = {"content": {"url": "https://example.org/a.jpg"}, "style": {"url": "https://example.org/b.jpg"}}
OWNER = "anna"


def claim(store: JobStore, lease_seconds: float) -> Claim:
    (job_id,) = store.create(OWNER, [JobRequest.model_validate(URLS)], max_attempts=3)
    claimed = store.claim(job_id, lease_seconds)
    assert claimed is not None
    return claimed


def test_a_held_job_keeps_its_lease_for_longer_than_one_lease(store: JobStore) -> None:
    leases = Leases(store, lease_seconds=0.6)
    held_claim, witness = claim(store, 0.6), claim(store, 0.6)
    leases.start()
    held = leases.hold(held_claim)
    wait_until(lambda: store.claim(witness.job.id, 30), 10, "the end of the lease that nobody renews")
    assert store.claim(held_claim.job.id, 30) is None
    held.check()
    leases.stop()


def test_a_canceled_job_is_let_go_at_the_next_renewal(store: JobStore) -> None:
    leases = Leases(store, lease_seconds=30)
    held = leases.hold(claim(store, 30))
    held.check()
    assert store.cancel(held.claim.job.id, OWNER).job.status is JobStatus.CANCELING
    leases.renew()
    with pytest.raises(LeaseLost):
        held.check()


def test_a_canceled_job_is_let_go_within_seconds_however_long_its_lease(store: JobStore) -> None:
    leases = Leases(store, lease_seconds=3600)
    leases.start()
    held = leases.hold(claim(store, 3600))
    store.cancel(held.claim.job.id, OWNER)
    wait_until(lambda: is_let_go(held), what="the cancellation")
    leases.stop()


def is_let_go(held: HeldJob) -> bool:
    try:
        held.check()
    except LeaseLost:
        return True
    return False


def test_a_job_that_could_not_be_renewed_for_a_lease_is_let_go(store: JobStore) -> None:
    leases = Leases(store, lease_seconds=0.2)  # and no thread renews

    held = leases.hold(claim(store, 0.2))
    assert not is_let_go(held)
    wait_until(lambda: is_let_go(held), 5, "the end of the lease")


def test_the_leases_count_the_jobs_in_hand(store: JobStore) -> None:
    leases = Leases(store, lease_seconds=30)
    held_jobs = [leases.hold(claim(store, 30)) for _ in range(2)]
    assert len(leases) == 2
    for held in held_jobs:
        leases.drop(held)
    assert len(leases) == 0
