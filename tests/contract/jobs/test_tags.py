"""Jobs are found by tag in an index; while an owner has jobs outside it, among all of its jobs."""

from __future__ import annotations

import pytest
import redis

from shared.store.jobs import JobStore
from shared.wire.job_filter import JobFilter
from tests.jobs import MAX_ATTEMPTS, OWNER, request

pytestmark = pytest.mark.usefixtures("counters_agree")

OTHERS = 1000


def found(store: JobStore, tag: str, owner: str = OWNER) -> list[str]:
    """Return all jobs with a tag, however many pages that takes."""
    ids, cursor = list[str](), None
    while True:
        page = store.page(owner, JobFilter(tag=tag), limit=2, cursor=cursor)
        ids += [placed.job_id for placed in page.jobs]
        cursor = page.cursor
        if cursor is None:
            return ids


def looks(connection: redis.Redis) -> int:
    return int(connection.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"])


def made_by_an_older_version(connection: redis.Redis, *job_ids: str) -> None:
    """Leave them as a version did that knew no index."""
    for job_id in job_ids:
        connection.hdel("sq:job:" + job_id, "indexed")
        for key in connection.scan_iter("sq:tagged:*"):
            connection.zrem(key, job_id)
        if connection.hincrby("sq:indexed", OWNER, -1) == 0:
            connection.hdel("sq:indexed", OWNER)


def test_a_search_costs_what_it_finds_and_not_what_there_is(store: JobStore, connection: redis.Redis) -> None:
    wanted = store.create(OWNER, [request(tags=("rare", "x"))] * 3, MAX_ATTEMPTS)
    store.create(OWNER, [request(tags=("x",))] * OTHERS, MAX_ATTEMPTS)
    before = looks(connection)
    page = store.page(OWNER, JobFilter(tag="rare"), limit=100)
    assert [placed.job_id for placed in page.jobs] == wanted[::-1]
    assert (page.cursor, looks(connection) - before) == (None, 3)


def test_jobs_are_found_by_each_of_their_tags_page_by_page_until_they_are_deleted(store: JobStore) -> None:
    ids = store.create(
        OWNER, [request(tags=("a", f"n{number % 2}"), side=64) for number in range(7)], MAX_ATTEMPTS
    )
    store.create("bert", [request(tags=("a",))], MAX_ATTEMPTS)
    assert found(store, "a") == ids[::-1]
    assert found(store, "n1") == ids[1::2][::-1]
    store.cancel(ids[1], OWNER)
    store.delete(ids[1], OWNER)
    assert found(store, "n1") == ids[3::2][::-1]
    assert found(store, "none") == []


def test_jobs_of_an_older_version_are_found_too_and_the_index_serves_when_they_are_gone(
    store: JobStore, connection: redis.Redis
) -> None:
    old, other_old = store.create(OWNER, [request(tags=("a",)), request()], MAX_ATTEMPTS)
    made_by_an_older_version(connection, old, other_old)
    (new,) = store.create(OWNER, [request(tags=("a",))], MAX_ATTEMPTS)
    assert found(store, "a") == [new, old]
    for job_id in (old, other_old):
        store.cancel(job_id, OWNER)
        store.delete(job_id, OWNER)
    before = looks(connection)
    assert found(store, "a") == [new]
    assert looks(connection) - before == 1
