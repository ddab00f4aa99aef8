"""A Redis that would lose jobs or fail later is refused before anything starts, with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from shared.errors import QueueRefused, QueueUnavailable
from shared.policy.hosts import MAX_PORT
from shared.settings import Settings
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.redis.commands import COMMANDS
from shared.store.redis.connection import connect
from shared.store.redis.fitness import RedisFitness, refuse_unfit_redis
from tests.checks.acl import as_user, make_user
from tests.jobs import QUEUES, create
from tests.stacks.ports import free_port
from tests.stacks.servers import configured, running_redis, wait_until

LUA = Path(__file__).resolve().parents[3] / "shared" / "store" / "lua"
BUS_OFFSET = 10_000  # from a node's port to that of its bus
COMMAND_OF_LUA = re.compile(r"redis\.p?call\(\s*(?:silent == '1' and )?'([A-Z]+)'")


def refusal(url: str) -> str:
    with pytest.raises(QueueRefused) as refused:
        refuse_unfit_redis(Settings(redis_url=url))
    assert refused.value.detail.startswith("STYLEQUEUE_REDIS_URL: Redis")
    return refused.value.detail


@pytest.fixture
def user_url(redis_url: str, connection: redis.Redis) -> Iterator[str]:
    make_user(connection)
    yield as_user(redis_url)
    connection.execute_command("ACL", "DELUSER", "stylequeue")


def test_a_redis_as_it_is_made_here_is_fit(redis_url: str) -> None:
    refuse_unfit_redis(Settings(redis_url=redis_url))


def test_the_documented_user_may_run_every_command_and_the_trial_changes_nothing(
    user_url: str, connection: redis.Redis
) -> None:
    refuse_unfit_redis(Settings(redis_url=user_url))
    assert connection.dbsize() == 0


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        (["-info"], "INFO memory;"),
        (["-multi"], "MULTI;"),
        (["-psubscribe", "-zrangebylex"], "ZRANGEBYLEX sq:none - \\+, PSUBSCRIBE /0.celery.pidbox;"),
        (["resetkeys", "~sq:*"], "BRPOP stylize.none 1, RPOP stylize.none, LPUSH stylize.none none and "),
        (["resetchannels"], "PUBLISH sq:none none, SUBSCRIBE sq:none, PSUBSCRIBE .* and 1 more;"),
    ],
)
def test_a_user_who_lacks_a_permission_is_refused_with_what_it_may_not_do(
    user_url: str, connection: redis.Redis, changes: list[str], refused: str
) -> None:
    make_user(connection, *changes)
    assert re.search(f"user may not run {refused}", refusal(user_url))


def test_the_trial_knows_every_command_of_the_scripts() -> None:
    """If this fails, add the new command to COMMANDS."""
    found = {name for file in LUA.rglob("*.lua") for name in COMMAND_OF_LUA.findall(file.read_text("utf-8"))}
    assert len(found) > 30
    tried = {command.split()[0] for command in COMMANDS["sq:none"].split(", ")}
    assert found - {"TIME"} <= tried


def test_a_step_that_the_user_may_not_do_says_so(user_url: str, connection: redis.Redis) -> None:
    job_id = create(JobStore(connection))
    make_user(connection, "-hgetall", "-zrangebyscore")
    with connect(user_url) as restricted:
        for step in (lambda: JobStore(restricted).get(job_id), lambda: Lanes(restricted).sweep(60, QUEUES)):
            with pytest.raises(QueueRefused, match="user lacks a permission"):
                step()


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random"])
def test_a_redis_that_may_evict_is_refused_unless_that_is_accepted(
    redis_url: str, connection: redis.Redis, policy: str
) -> None:
    with configured(connection, "maxmemory-policy", policy, "noeviction"):
        assert f"its maxmemory-policy is {policy}; set it to noeviction" in refusal(redis_url)
        refuse_unfit_redis(Settings(redis_url=redis_url, redis_may_evict=True))


def test_cluster_mode_is_refused_before_and_after_it_has_its_slots(tmp_path: Path) -> None:
    port = next(port for port in iter(free_port, None) if port + BUS_OFFSET <= MAX_PORT)
    with running_redis(tmp_path, "--cluster-enabled", "yes", port=port) as url, connect(url) as node:
        assert "Redis runs in Cluster mode" in refusal(url)
        node.execute_command("CLUSTER", "ADDSLOTS", *range(16_384))
        wait_until(lambda: "cluster_state:ok" in str(node.execute_command("CLUSTER", "INFO")))
        assert "Redis runs in Cluster mode" in refusal(url)
        other = refusal(url.removesuffix("/0") + "/3")
        assert "Cluster mode" in other or "no database of that number" in other  # the second: Valkey 9


def test_a_wrong_or_missing_password_is_distinguished_from_a_redis_that_is_away(tmp_path: Path) -> None:
    with running_redis(tmp_path) as url, connect(url) as admin:
        place = url.removeprefix("redis://")
        admin.config_set("requirepass", "right")
        assert "Redis refuses the user name or the password" in refusal(f"redis://:wr0ng@{place}")
        assert "wr0ng" not in refusal(f"redis://:wr0ng@{place}")
        assert "Redis refuses the user name or the password" in refusal(f"redis://nobody:right@{place}")
        assert "Redis asks for a password" in refusal(url)
        refuse_unfit_redis(Settings(redis_url=f"redis://:right@{place}"))
        admin.config_set("requirepass", "")


def test_a_database_that_is_not_there_is_named(redis_url: str) -> None:
    assert "no database of that number" in refusal(redis_url.removesuffix("/0") + "/99")


def test_a_redis_that_does_not_answer_is_not_refused_but_unavailable() -> None:
    away = f"redis://127.0.0.1:{free_port()}/0"
    refuse_unfit_redis(Settings(redis_url=away))
    with connect(away) as connection, pytest.raises(QueueUnavailable, match="Redis does not answer"):
        RedisFitness(connection, evicting_is_accepted=False).check()
