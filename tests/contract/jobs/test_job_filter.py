"""Lists of the jobs that meet conditions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from shared.store.dead_letters import DeadLetters
from shared.store.jobs import JobStore
from shared.wire.descriptors import Lane
from shared.wire.job_filter import JobFilter, moment_of
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.records import JobStatus
from tests.jobs import ERROR, OWNER, claimed, create, end_job, fail, succeed

OTHER = ERROR.model_copy(update={"code": "source-not-found", "detail": "Nothing at Example.ORG."})


def found(store: JobStore, owner: str = OWNER, **conditions: Any) -> list[str]:
    """Return the ids of a whole list, read in pages of two."""
    ids: list[str] = []
    cursor = None
    while True:
        page = store.page(owner, JobFilter(**conditions), limit=2, cursor=cursor)
        ids += [each.job_id for each in page.jobs]
        cursor = page.cursor
        if cursor is None:
            return ids


def test_a_list_has_the_jobs_that_meet_all_conditions(store: JobStore) -> None:
    plain = create(store)
    named = create(store, custom_id="Harbor 1", tags=("sea",))
    noted = create(store, lane=Lane.HIGH, metadata={"client": "Harbor Ltd"})
    failed, other = create(store), create(store, tags=("sea",))
    fail(store, failed)
    end_job(store, claimed(store, other), OTHER)
    succeed(store, plain)
    assert found(store) == [other, failed, noted, named, plain]
    assert found(store, lane=Lane.HIGH) == [noted]
    assert found(store, code=OTHER.code) == [other]
    assert found(store, custom_id="Harbor 1") == [named]
    assert found(store, custom_id="harbor 1") == []
    assert found(store, text="harbor") == [noted, named]
    assert found(store, text="example.org") == [other]
    assert found(store, text="SEA") == [other, named]
    assert found(store, tag="sea", status=JobStatus.QUEUED) == [named]
    assert found(store, status=JobStatus.FAILED) == [other, failed]
    assert found(store, status=JobStatus.FAILED, text="example") == [other]


@pytest.mark.parametrize("owner", [OWNER, ALL_OWNERS])
def test_a_range_of_times_is_read_without_the_rest(
    store: JobStore, connection: redis.Redis, owner: str
) -> None:
    """Records outside of the range are damaged, so a list that read one would fail."""
    now = datetime.now(UTC).replace(microsecond=0)
    inside = create(store)
    outside = [_job_of(connection, now + timedelta(hours=hours)) for hours in (-30, -2, 2)]
    span = {
        "created_after": _text(now - timedelta(hours=1)),
        "created_before": _text(now + timedelta(hours=1)),
    }
    assert found(store, owner, **span) == [inside]
    assert found(store, owner, status=JobStatus.QUEUED, **span) == [inside]
    connection.zrem(f"sq:jobs:{OWNER}", *outside)


def _job_of(connection: redis.Redis, moment: datetime) -> str:
    job_id = f"job_{int(moment.timestamp() * 1000):012x}{'0' * 20}"
    connection.zadd(f"sq:jobs:{OWNER}", {job_id: 0})
    connection.hset(f"sq:job:{job_id}", mapping={"owner": OWNER, "status": "no-such-status"})
    return job_id


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def test_dead_letters_are_filtered_alike(store: JobStore, connection: redis.Redis) -> None:
    first, second = create(store, lane=Lane.HIGH), create(store, tags=("sea",))
    fail(store, first, second)
    dead = DeadLetters(connection, store)
    pages = [dead.page(OWNER, JobFilter(**each), limit=9).jobs for each in ({"lane": "high"}, {"tag": "sea"})]
    assert [[job.job_id for job in jobs] for jobs in pages] == [[first], [second]]


def test_a_day_beyond_the_months_end_counts_on() -> None:
    assert moment_of("2026-02-30T01:02:03Z") == datetime(2026, 3, 2, 1, 2, 3, tzinfo=UTC)
