"""A look at a waiting job costs the same however many wait: counted in commands, not in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
import redis

from shared.store import filtering, job_pages
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.lanes import LARGEST_BUNDLE, Lanes
from shared.wire.descriptors import Lane
from shared.wire.job_filter import JobFilter
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.records import JobStatus
from tests.jobs import MAX_ATTEMPTS, OWNER, accept_batch, bulk, create, job_ids, succeed

MOST = 600  # commands of one look
OF_A_LIST = 10  # commands of a list of one job besides


def commands(connection: redis.Redis, step: Callable[[], object]) -> int:
    """Return how many commands Redis ran, those within scripts included."""
    connection.config_resetstat()
    step()
    stats = cast("dict[str, dict[str, Any]]", connection.info("commandstats"))
    return sum(each["calls"] for each in stats.values())


def one_job_batches(batches: BatchStore, number: int, owner: str = OWNER) -> list[str]:
    """Accept batches of one job; return the jobs' ids."""
    return [job_ids(accept_batch(batches, bulk(1), owner), 1)[0] for _ in range(number)]


def test_a_job_behind_many_batches_of_its_owner_is_told_the_same_position_by_bounded_reads(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    ids = one_job_batches(batches, 699)
    last = accept_batch(batches, bulk(1))
    ids += job_ids(last, 1)
    single = create(store, lane="bulk")
    assert [store.look(job_id, OWNER).position for job_id in (ids[0], ids[50], ids[-1], single)] == [
        1,
        51,
        700,
        701,
    ]
    assert commands(connection, lambda: store.look(ids[-1], OWNER)) <= MOST
    assert commands(connection, lambda: store.look(single, OWNER)) <= MOST
    assert commands(connection, lambda: batches.look(last, OWNER)) <= MOST


def test_batches_of_another_owner_cost_a_look_no_more(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    one_job_batches(batches, 700)
    mine = job_ids(accept_batch(batches, bulk(650), "bert"), 650)
    assert store.look(mine[-1], "bert").position == pytest.approx(1300, abs=2)
    assert store.look(mine[9], "bert").position in (20, 21)
    assert commands(connection, lambda: store.look(mine[-1], "bert")) <= MOST


def test_many_owners_with_jobs_of_many_costs_cost_a_look_no_more(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    for number in range(300):
        jobs = [job for side in (64, 256, 512, 1024, 2048, 4096) for job in bulk(2, side=side)]
        store.create(f"owner-{number}", jobs, MAX_ATTEMPTS)
    mine = store.create("bert", bulk(20), MAX_ATTEMPTS)
    assert commands(connection, lambda: store.look(mine[-1], "bert")) <= 2 * MOST
    assert (store.look(mine[-1], "bert").position or 0) > 300


def test_a_list_of_one_job_reads_no_more_than_a_look(
    store: JobStore, batches: BatchStore, connection: redis.Redis
) -> None:
    ids = one_job_batches(batches, 300)
    (listed,) = store.page(OWNER, limit=1).jobs
    assert (listed.job_id, listed.position) == (ids[-1], 300)
    look = commands(connection, lambda: store.look(ids[-1], OWNER))
    assert commands(connection, lambda: store.page(OWNER, limit=1)) <= look + OF_A_LIST


def test_a_dispatch_reads_no_more_of_an_owners_batches_than_its_bundles_hold(
    batches: BatchStore, lanes: Lanes, connection: redis.Redis
) -> None:
    one_job_batches(batches, 300)
    most = 4 * LARGEST_BUNDLE[Lane.BULK]
    assert commands(connection, lambda: lanes.dispatch(Lane.BULK, 4)) <= most + 30
    assert len(lanes.dispatch(Lane.BULK, 8)) == 4


@pytest.mark.parametrize("owner", [OWNER, ALL_OWNERS])
def test_a_search_by_status_passes_over_batches_without_such_jobs(
    store: JobStore, batches: BatchStore, connection: redis.Redis, owner: str
) -> None:
    wanted = create(store)
    succeed(store, wanted)
    with_one = accept_batch(batches, bulk(3))
    succeed(store, job_ids(with_one, 3)[1])
    others = [accept_batch(batches, bulk(700)) for _ in range(3)]
    search = JobFilter(status=JobStatus.SUCCEEDED)
    page = store.page(owner, search, limit=10)
    assert ([found.job_id for found in page.jobs], page.cursor) == ([job_ids(with_one, 3)[1], wanted], None)
    assert commands(connection, lambda: store.page(owner, search, limit=10)) <= 60
    in_batch = JobFilter(status=JobStatus.SUCCEEDED, batch_id=others[0])
    assert store.page(owner, in_batch, limit=10).jobs == ()
    assert commands(connection, lambda: store.page(owner, in_batch, limit=10)) <= OF_A_LIST
    assert len(store.page(owner, JobFilter(status=JobStatus.QUEUED), limit=100).jobs) == 100


def test_a_search_that_passes_over_hundreds_of_batches_goes_on_with_the_next_page(
    store: JobStore, batches: BatchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = create(store)
    succeed(store, wanted)
    for _ in range(3):
        accept_batch(batches, bulk(250))
    monkeypatch.setattr(filtering, "MOST_PASSED_OVER", 1)
    monkeypatch.setattr(job_pages, "SCANS_PER_PAGE", 1)
    found, cursor, pages = list[str](), None, 0
    while pages == 0 or cursor:
        page = store.page(OWNER, JobFilter(status=JobStatus.SUCCEEDED), limit=10, cursor=cursor)
        found += [each.job_id for each in page.jobs]
        cursor, pages = page.cursor, pages + 1
    assert (found, pages) == ([wanted], 4)
