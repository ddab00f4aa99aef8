"""The Redis users of API, workers and operator: each may do its own work, and API keys are the operator's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis
from redis.exceptions import NoPermissionError

from shared.errors import QueueUnavailable
from shared.store.api_keys import KeyStore
from shared.store.redis.commands import refused_commands
from shared.store.redis.connection import connect
from tests.checks.acl import API, NAME, PASSWORD, WORKER, as_user, make_user
from tests.faults.mixtures.crowd import Crowd
from tests.faults.stand_ins.another_api import another_api
from tests.stacks.fault_stack import ANSWER_SECONDS, FaultStack
from tests.stacks.servers import running_redis
from tests.system.hosts.certificates import Authority
from tests.system.hosts.tls_redis import redis_program, running_tls_redis

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
    with pytest.raises(redis.ResponseError, match=r"The user executing the script|ACL failure in script"):
        users[user].eval(script, 1, "sq:")


@pytest.mark.parametrize("way", ["TLS", "Unix socket"])
def test_a_batch_goes_through_with_a_user_for_each_role(
    stack: FaultStack, crowd: Crowd, tmp_path: Path, way: str
) -> None:
    authority = Authority(tmp_path)
    own = authority.certificate("127.0.0.1")
    place = tmp_path / "redis.sock"
    files = {"ssl_ca_certs": authority.file, "ssl_certfile": own.file, "ssl_keyfile": own.key_file}
    with running_tls_redis(tmp_path, authority, own, "--unixsocket", str(place), asks_clients=True) as server:
        for user in (API, WORKER):
            make_user(server.admin, user=user)

        def url(user: str) -> str:
            return server.url(user, **files) if way == "TLS" else f"unix://{user}:{PASSWORD}@{place}?db=0"

        with another_api(stack, STYLEQUEUE_REDIS_URL=url(API)) as api:
            stack.client = httpx.Client(base_url=api.url, timeout=ANSWER_SECONDS, trust_env=False)
            stack.connection = server.admin
            (worker,) = stack.start_workers(1, STYLEQUEUE_REDIS_URL=url(WORKER))
            stack.until_workers_are_there()
            crowd.send_good(4)
            stack.until(lambda: crowd.ended() == 4)
            statuses = {stack.client.get(f"/v1/jobs/{job}").json()["status"] for job in crowd.accepted}
            assert statuses == {"succeeded"}
            assert "NOPERM" not in worker.log
