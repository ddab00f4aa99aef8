"""Accounts of owners: what their jobs took, by day and by API key, written by the steps that end jobs."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis

from shared.policy.queue_limits import NO_LIMITS
from shared.request_context import Origin
from shared.store.adoption import Adoption
from shared.store.batches import BatchStore
from shared.store.counts.effort import Effort
from shared.store.jobs import Ending, JobStore
from shared.store.owners.accounts import Accounts, today
from shared.wire.operations.account_records import ACCOUNT_DAYS, AccountRow, By, Took
from shared.wire.operations.api_key import ANONYMOUS_OWNER
from tests.checks.agreement import assert_counters_agree, keys
from tests.jobs import ERROR, MAX_ATTEMPTS, OWNER, RESULT, bulk, claimed, create, job_ids, request, succeed

EFFORT = Effort(device_seconds=1.5, bytes_in=1000)
PIXELS = RESULT.width * RESULT.height
DAY_SECONDS = 86_400


@pytest.fixture
def accounts(connection: redis.Redis) -> Accounts:
    return Accounts(connection)


def of_key(store: JobStore, key_id: str | None) -> str:
    (job_id,) = store.create(OWNER, [request()], MAX_ATTEMPTS, origin=Origin(request_id="r", key_id=key_id))
    return job_id


def account(accounts: Accounts, by: By = By.DAY, owner: str = OWNER) -> tuple[Took, tuple[AccountRow, ...]]:
    found = accounts.of(owner, today() - timedelta(days=1), today(), by)
    return found.total, found.rows


def test_every_end_is_counted_once_with_what_its_attempts_took(
    connection: redis.Redis, store: JobStore, accounts: Accounts
) -> None:
    painted, failed, canceled = (claimed(store, create(store)) for _ in range(3))
    store.cancel(canceled.job.id, OWNER)
    endings = [
        Ending(painted, RESULT, 0, EFFORT),
        Ending(failed, ERROR, 0, EFFORT),
        Ending(canceled, RESULT, 0, EFFORT),
    ]
    store.finish(endings)
    store.finish(endings)  # the first reply was lost
    store.cancel(create(store), OWNER)  # never ran
    total, (row,) = account(accounts)
    assert total == Took(
        succeeded=1, failed=1, canceled=2, pixels=PIXELS, device_seconds=4.5, bytes_in=3000, bytes_out=5
    )
    assert (row.day, row.jobs) == (today(), total.jobs)
    assert accounts.owners() == {OWNER}
    assert_counters_agree(connection)


def test_attempts_that_are_tried_again_count_what_they_took(store: JobStore, accounts: Accounts) -> None:
    claim = claimed(store, create(store))
    store.release(claim, counts=True, effort=EFFORT)
    store.finish([Ending(claimed(store, claim.job.id), RESULT, 0, EFFORT)])
    total, _ = account(accounts)
    assert (total.jobs, total.device_seconds, total.bytes_in) == (1, 3.0, 2000)
    job = store.get(claim.job.id, OWNER)
    assert (job.device_seconds, job.bytes_in) == (3.0, 2000)


def test_keys_have_rows_of_their_own_also_for_the_jobs_of_batches(
    store: JobStore, batches: BatchStore, accounts: Accounts
) -> None:
    succeed(store, of_key(store, "one"), of_key(store, None))
    batch_id, _ = batches.begin(OWNER, {}, None, origin=Origin(request_id="r", key_id="two"))
    batches.add(batch_id, OWNER, list(enumerate(bulk(3), 1)), MAX_ATTEMPTS, NO_LIMITS)
    batches.commit(batch_id)
    succeed(store, *job_ids(batch_id, 3))
    _, rows = account(accounts, By.KEY)
    assert [(row.key_id, row.succeeded) for row in rows] == [("two", 3), ("one", 1), (None, 1)]


def test_an_account_is_kept_for_days_and_then_forgotten(
    connection: redis.Redis, store: JobStore, accounts: Accounts
) -> None:
    succeed(store, create(store))
    (key,) = keys(connection, "sq:account:*")
    assert ACCOUNT_DAYS * DAY_SECONDS < connection.ttl(key) <= (ACCOUNT_DAYS + 1) * DAY_SECONDS
    day = int(key.rpartition(":")[2])
    connection.rename(key, f"sq:account:{OWNER}:{day - 2}")
    assert account(accounts) == (Took(), ())
    assert accounts.sums(OWNER, [today(), today() - timedelta(days=2)], today()) == [
        Took(),
        Took(succeeded=1, pixels=PIXELS, bytes_out=5),
    ]
    connection.zadd("sq:accounted", {OWNER: day - ACCOUNT_DAYS - 1})
    assert accounts.owners() == set()


def test_a_job_counts_for_the_owner_who_has_it_when_it_ends(
    connection: redis.Redis, store: JobStore, accounts: Accounts
) -> None:
    job_id = create(store, ANONYMOUS_OWNER)
    Adoption(connection).adopt("bert")
    succeed(store, job_id)
    assert accounts.owners() == {"bert"}
    assert account(accounts, owner="bert")[0].jobs == 1
