"""The Redis users of API, workers and operator: each may do its own work, and API keys are the operator's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from redis.exceptions import NoPermissionError

from shared.errors import QueueUnavailable
from shared.store.api_keys import KeyStore
from shared.store.redis.commands import refused_commands
from shared.store.redis.connection import connect
from tests.checks.acl import API, NAME, WORKER, as_user, make_user
from tests.stacks.servers import running_redis
from tests.system.hosts.tls_redis import redis_program

USERS = (NAME, API, WORKER)
Users = dict[str, redis.Redis]


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    with running_redis(tmp_path_factory.mktemp("redis"), program=redis_program()) as url:
        with connect(url) as admin:
            for user in USERS:
                make_user(admin, user=user)
        yield {user: connect(as_user(url, user)) for user in USERS}


@pytest.mark.parametrize("user", USERS)
def test_a_user_may_send_all_that_the_service_sends(users: Users, user: str) -> None:
    assert refused_commands(users[user]) == []


def test_the_operator_makes_keys_which_the_api_reads_and_notes(users: Users) -> None:
    text, key = KeyStore(users[NAME]).create("anna")
    of_api = KeyStore(users[API])
    assert of_api.find(text) == key
    of_api.note_use(key.id)
    assert set(of_api.last_used()) == {key.id}
    assert not of_api.is_empty()


@pytest.mark.parametrize("user", [API, WORKER])
def test_neither_the_api_nor_a_worker_makes_or_revokes_a_key(users: Users, user: str) -> None:
    _, key = KeyStore(users[NAME]).create("anna")
    store = KeyStore(users[user])
    for step in (lambda: store.create("mallory"), lambda: store.revoke(key.id)):
        with pytest.raises(QueueUnavailable):
            step()


def test_a_worker_sees_no_key(users: Users) -> None:
    text, _ = KeyStore(users[NAME]).create("anna")
    for step in (lambda store: store.find(text), KeyStore.keys, KeyStore.last_used, KeyStore.is_empty):
        with pytest.raises(QueueUnavailable):
            step(KeyStore(users[WORKER]))


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize(
    "command", ["FLUSHALL", "CONFIG GET *", "KEYS *", "ACL LIST", "SHUTDOWN", "MONITOR", "GET others:1"]
)
def test_nobody_administers_redis_or_reads_others_keys(users: Users, user: str, command: str) -> None:
    with pytest.raises(NoPermissionError):
        users[user].execute_command(*command.split())


@pytest.mark.parametrize("user", [API, WORKER])
def test_a_script_reaches_no_further_than_its_user(users: Users, user: str) -> None:
    script = "return redis.call('HSET', KEYS[1] .. 'keys', 'id', '{}')"
    with pytest.raises(redis.ResponseError, match="The user executing the script"):
        users[user].eval(script, 1, "sq:")
