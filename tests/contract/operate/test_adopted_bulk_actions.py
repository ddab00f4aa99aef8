"""Bulk actions move with the jobs that were submitted without a key."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from shared.store.adoption import Adoption
from shared.store.bulk_actions import BulkActions
from shared.store.jobs import JobStore
from shared.store.redis.scripts import Scripts
from shared.wire.bulk_records import Action, BulkStatus
from shared.wire.job_filter import JobFilter
from shared.wire.operations.api_key import ALL_OWNERS, ANONYMOUS_OWNER
from shared.wire.records import JobStatus
from tests.jobs import create

pytestmark = pytest.mark.usefixtures("counters_agree")

ME = "me"


@pytest.fixture
def orphan(store: JobStore) -> Callable[..., str]:
    return lambda **members: create(store, ANONYMOUS_OWNER, **members)


def test_bulk_actions_are_given_and_change_only_what_was_adopted(
    connection: redis.Redis, store: JobStore, orphan: Callable[..., str]
) -> None:
    actions = BulkActions(connection, store)
    theirs, mine = [orphan() for _ in range(3)], create(store, ME)
    running, counting = (
        actions.create(ANONYMOUS_OWNER, ANONYMOUS_OWNER, Action.CANCEL, JobFilter(text=text))
        for text in (None, "sea")
    )
    everybodys = actions.create(ANONYMOUS_OWNER, ALL_OWNERS, Action.DELETE, JobFilter())
    assert actions.advance(running)
    actions.confirm(running, ANONYMOUS_OWNER, 3)
    Adoption(connection).adopt(ME)
    assert [each.id for each in actions.of_owner(ME)] == [counting, running]
    assert [each.id for each in actions.of_owner(ANONYMOUS_OWNER)] == [everybodys]
    actions.sweep()
    found = actions.look(running, ME)
    assert (found.status, found.of, found.changed) == (BulkStatus.DONE, ME, 3)
    assert {store.get(job_id).status for job_id in theirs} == {JobStatus.CANCELED}
    assert store.get(mine).status is JobStatus.QUEUED
    assert actions.look(counting, ME).status is BulkStatus.COUNTED


def test_an_adopted_bulk_action_waits_until_its_jobs_are_given(
    connection: redis.Redis, store: JobStore, orphan: Callable[..., str]
) -> None:
    actions = BulkActions(connection, store)
    orphan()
    action_id = actions.create(ANONYMOUS_OWNER, ANONYMOUS_OWNER, Action.CANCEL, JobFilter())
    Scripts(connection, ("adopt_bulks",)).run("adopt_bulks", ANONYMOUS_OWNER, ME, "adoption", 60_000)
    assert not actions.advance(action_id)
    assert actions.look(action_id, ME).status is BulkStatus.COUNTING
