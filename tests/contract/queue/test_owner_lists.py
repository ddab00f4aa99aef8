"""The ids of all owners, merged from the lists of each, on a real Redis."""

from __future__ import annotations

import random
from typing import Any, cast

import pytest
import redis

from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.owner_lists import MOST_LISTS, OwnerLists
from shared.wire.operations.api_key import ALL_OWNERS
from tests.checks.agreement import keys
from tests.jobs import accept_batch, bulk, create


@pytest.fixture
def lists(connection: redis.Redis) -> OwnerLists:
    return OwnerLists(connection)


def fill(connection: redis.Redis, sizes: dict[str, int], seed: int) -> list[str]:
    """Write lists of these sizes; return all ids, newest first."""
    dice = random.Random(seed)
    ids = [f"job_{number:032x}" for number in dice.sample(range(10**9), sum(sizes.values()))]
    left = iter(ids)
    for owner, size in sizes.items():
        connection.sadd("sq:owners", owner)
        connection.zadd("sq:jobs:" + owner, {next(left): 0 for _ in range(size)})
    return sorted(ids, reverse=True)


def read(lists: OwnerLists, number: int) -> list[str]:
    """Read all ids of all owners, `number` at a time."""
    found: list[str] = []
    more, cursor = True, None
    while more:
        some = lists.behind("jobs", ALL_OWNERS, cursor, number)
        assert len(some.ids) <= number
        assert some.ids or not some.more
        found += some.ids
        more, cursor = some.more, found[-1] if found else None
    return found


@pytest.mark.parametrize("number", [1, 7, 200])
@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"anna": 3},
        {"anna": 40, "bert": 1, "cleo": 7},
        {f"o-{number}": 1 + number % 5 for number in range(3 * MOST_LISTS)},
        {"rich": 300, **{f"o-{number}": 1 for number in range(2 * MOST_LISTS)}},
    ],
    ids=["none", "one", "few", "many", "many and a rich one"],
)
def test_all_ids_are_read_once_and_newest_first(
    connection: redis.Redis, lists: OwnerLists, sizes: dict[str, int], number: int
) -> None:
    ids = fill(connection, sizes, seed=number)
    assert read(lists, number) == ids


def test_a_page_costs_a_look_at_each_owner_and_no_look_at_all_records(
    connection: redis.Redis, lists: OwnerLists
) -> None:
    owners = 4 * MOST_LISTS
    fill(connection, {f"o-{number}": 100 for number in range(owners)}, seed=1)
    lists.owners()
    connection.config_resetstat()
    assert len(lists.behind("jobs", ALL_OWNERS, None, 20).ids) == 20
    stats = cast("dict[str, Any]", connection.info("commandstats"))
    assert stats["cmdstat_zrevrangebylex"]["calls"] == owners + MOST_LISTS
    assert not {"cmdstat_scan", "cmdstat_keys"} & set(stats)


def test_the_owner_of_a_job_a_batch_or_a_delivery_is_known(
    store: JobStore, batches: BatchStore, lists: OwnerLists
) -> None:
    create(store, "anna")
    accept_batch(batches, bulk(1), owner="bert")
    assert lists.owners() == ["anna", "bert"]


def test_owners_of_an_older_versions_records_are_found_and_those_without_any_forgotten(
    connection: redis.Redis, store: JobStore, batches: BatchStore, lists: OwnerLists
) -> None:
    create(store, "anna")
    accept_batch(batches, bulk(1), owner="bert")
    gone = create(store, "cleo")
    store.delete(gone, "cleo")
    connection.srem("sq:owners", "anna", "bert")  # as before there was this set
    assert lists.owners() == ["anna", "bert"]
    assert connection.ttl("sq:owners:looked") > 80_000
    connection.srem("sq:owners", "anna")
    assert lists.owners() == ["bert"]  # the next look is due in a day
    connection.delete("sq:owners:looked")
    assert lists.owners() == ["anna", "bert"]


def test_one_owners_list_has_nothing_of_others(
    connection: redis.Redis, store: JobStore, lists: OwnerLists
) -> None:
    own = [create(store, "anna") for _ in range(3)]
    create(store, "bert")
    assert lists.behind("jobs", "anna", None, 10).ids == tuple(reversed(own))
    assert lists.behind("jobs", "nobody", None, 10) == lists.behind("dead", "anna", None, 10)
    assert not keys(connection, "sq:jobs:nobody")
