"""`stylequeue keys`, as an operator runs it."""

from __future__ import annotations

import pytest
import redis
from click.testing import CliRunner, Result

from client.command import main
from shared.api_key import Scope
from shared.key_store import KeyStore
from tests.servers import free_port


class Operator:
    def __init__(self, redis_url: str, connection: redis.Redis) -> None:
        self.url = redis_url
        self.store = KeyStore(connection)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["keys", *words], env={"STYLEQUEUE_REDIS_URL": self.url})


@pytest.fixture
def operator(redis_url: str, connection: redis.Redis) -> Operator:
    return Operator(redis_url, connection)


def test_create_prints_nothing_but_the_key_for_programs_to_take(operator: Operator) -> None:
    result = operator.run("create", "anna", "--name", "laptop")
    key = operator.store.find(result.stdout.removesuffix("\n"))
    assert key is not None
    assert (key.owner, key.scope, key.name) == ("anna", Scope.USER, "laptop")
    assert f"user key {key.id} of anna; it is not shown again" in result.stderr
    assert "the first one: from now on every request needs a key" in result.stderr
    assert "first" not in operator.run("create", "bert", "--admin").stderr
    assert operator.store.keys("bert")[0].scope is Scope.ADMIN


def test_list_shows_who_may_do_what_since_when_and_no_key(operator: Operator) -> None:
    assert operator.run("list").stdout == "No keys.\n"
    text = operator.run("create", "anna", "--admin", "--name", "laptop").stdout.strip()
    operator.run("create", "bert")
    anna, bert = operator.store.keys()
    operator.store.note_use(bert.id)
    listed = operator.run("list").stdout
    for expected in (
        anna.id,
        "anna",
        "admin",
        "laptop",
        f"{anna.created_at:%Y-%m-%d %H:%M}",
        "never",
        bert.id,
    ):
        assert expected in listed
    assert text not in listed
    assert anna.sha256 not in listed
    assert bert.id not in operator.run("list", "anna").stdout


def test_revoke_ends_a_key_and_says_when_it_was_the_last(operator: Operator) -> None:
    text, key = operator.store.create("anna")
    result = operator.run("revoke", key.id)
    assert result.stdout == f"Key {key.id} is revoked.\n"
    assert "whoever is on the service's machine needs none now" in result.stderr
    assert operator.store.find(text) is None
    again = operator.run("revoke", key.id)
    assert (again.exit_code, f"There is no key {key.id}" in again.output) == (1, True)


@pytest.mark.parametrize("owner", ["Anna", "batch_1", "a" * 41, "a:b", "ä"])
def test_an_owner_that_is_none_is_refused_with_the_rule(operator: Operator, owner: str) -> None:
    result = operator.run("create", owner)
    assert result.exit_code == 2
    assert "1 to 40 characters of a-z, 0-9 and -" in result.output
    assert operator.store.is_empty()


def test_without_redis_it_says_so_in_one_sentence() -> None:
    gone = {"STYLEQUEUE_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    result = CliRunner().invoke(main, ["keys", "list"], env=gone)
    assert (result.exit_code, result.output) == (1, "Error: Redis does not answer\n")
