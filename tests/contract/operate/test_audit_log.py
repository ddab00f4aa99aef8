"""The audit log in Redis: order, pages, filters, bounds."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
import redis

from shared.store.audit_log import AuditLog, new_entry
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.operations.audit_records import (
    MAX_TEXT,
    Actor,
    AuditAction,
    AuditEntry,
    AuditFilter,
    AuditList,
)
from tests.stacks.servers import wait_until

EVERY = AuditFilter()
ROOT = Actor(owner="root", key_id="a" * 12, key_name="Ada's laptop")
ANNA = Actor(owner="anna", key_id="b" * 12)
SHELL = Actor(command_line="box-7/ops")


@pytest.fixture
def log(connection: redis.Redis) -> AuditLog:
    return AuditLog(connection)


def note(log: AuditLog, actor: Actor = ROOT, owner: str | None = None, **options: object) -> AuditEntry:
    entry = new_entry(actor, AuditAction.LANE_PAUSED, owner=owner).model_copy(update=options)
    log.add(entry, AuditList.OWNERS if actor is ANNA else AuditList.OPERATORS)
    return entry


def found(log: AuditLog, owner: str = ALL_OWNERS, wanted: AuditFilter = EVERY) -> list[AuditEntry]:
    return list(log.page(owner, wanted, limit=100).entries)


def test_entries_of_both_lists_come_newest_first_page_by_page(log: AuditLog) -> None:
    noted = [note(log, (ROOT, ANNA, SHELL)[number % 3]) for number in range(9)]
    seen: list[AuditEntry] = []
    cursor = None
    while not seen or cursor:
        page = log.page(ALL_OWNERS, EVERY, limit=2, cursor=cursor)
        seen += page.entries
        cursor = page.next_cursor
    assert seen == noted[::-1]


def test_an_owner_sees_what_is_by_it_and_about_it(log: AuditLog) -> None:
    mine, theirs = note(log, ANNA, "anna"), note(log, ROOT, "anna")
    note(log, ROOT, "bert"), note(log, SHELL), note(log, ROOT, ALL_OWNERS)
    assert found(log, "anna") == [theirs, mine]
    assert len(found(log, "root")) == 3


@pytest.mark.parametrize(
    ("text", "actors"),
    [("ADA", [ROOT]), ("anna", [ANNA]), ("b" * 12, [ANNA]), ("box-7", [SHELL]), ("zoe", [])],
)
def test_entries_are_found_by_their_actor(log: AuditLog, text: str, actors: list[Actor]) -> None:
    note(log, ROOT), note(log, ANNA), note(log, SHELL)
    assert [each.actor for each in found(log, wanted=AuditFilter(actor=text))] == actors


def test_entries_are_found_by_action_and_time(log: AuditLog) -> None:
    first = note(log, action=AuditAction.KEY_REVOKED)
    ahead = (
        int(first.id.removeprefix("audit_")[:12], 16) / 1000
    )  # ids run ahead of the clock where many are made
    wait_until(lambda: int(time.time()) > ahead, what="the next second, because times have no fraction")
    moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    second = note(log)
    later = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    assert found(log, wanted=AuditFilter(action=AuditAction.KEY_REVOKED)) == [first]
    assert found(log, wanted=AuditFilter(since=moment)) == [second]
    assert found(log, wanted=AuditFilter(until=moment)) == [first]
    assert found(log, wanted=AuditFilter(since=later)) == []
    assert found(log, wanted=AuditFilter(until=later)) == [second, first]


def test_each_list_keeps_its_newest_entries_and_no_owner_pushes_out_operators(
    connection: redis.Redis,
) -> None:
    log = AuditLog(connection, most=3)
    kept = note(log, ROOT)
    noted = [note(log, ANNA) for _ in range(5)]
    assert found(log) == [*noted[:1:-1], kept]
    assert connection.zcard("sq:audit:owners") == 3


def test_rare_entries_are_found_behind_many_others(log: AuditLog) -> None:
    rare = note(log, SHELL)
    for _ in range(450):
        note(log, ANNA)
    assert found(log, wanted=AuditFilter(actor="box-7")) == [rare]


def test_entries_that_this_version_cannot_read_are_passed_over(
    connection: redis.Redis, log: AuditLog
) -> None:
    first = note(log)
    connection.zadd("sq:audit:operators", {"audit_f {": 0, 'audit_e {"id": "audit_e", "action": "sung"}': 0})
    assert found(log) == [first]
    page = log.page(ALL_OWNERS, EVERY, limit=1)
    assert page.entries == (first,)


def test_a_full_redis_takes_entries(connection: redis.Redis, log: AuditLog) -> None:
    used = connection.info("memory")["used_memory"]
    connection.config_set("maxmemory", used // 2)
    try:
        entry = note(log)
    finally:
        connection.config_set("maxmemory", 0)
    assert found(log) == [entry]


def test_long_texts_are_cut_and_missing_details_left_out() -> None:
    details = {"name": "n" * 999, "code": None, "count": 7}
    entry = new_entry(SHELL, AuditAction.KEY_CREATED, subject="s" * 999, details=details)
    assert entry.details == {"name": "n" * MAX_TEXT, "count": 7}
    assert entry.subject == "s" * MAX_TEXT
