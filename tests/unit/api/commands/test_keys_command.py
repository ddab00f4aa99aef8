"""`stylequeue keys`, as an operator runs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis
from click.testing import CliRunner, Result

from client.command import main
from shared.store.api_keys import KeyStore
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import ANONYMOUS_OWNER, Scope
from tests.jobs import accept_batch, bulk, create, read_batch
from tests.stacks.ports import free_port


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
    assert "on the service's machine, requests need no key now" in result.stderr
    assert operator.store.find(text) is None
    again = operator.run("revoke", key.id)
    assert (again.exit_code, f"There is no key {key.id}" in again.output) == (1, True)


@pytest.mark.parametrize("scope", [Scope.ADMIN, Scope.VIEWER, Scope.METRICS])
def test_create_makes_a_key_of_each_scope(operator: Operator, scope: Scope) -> None:
    assert f"{scope} key " in operator.run("create", "anna", f"--{scope}").stderr
    (key,) = operator.store.keys()
    assert (key.scope, key.expires_at, key.lanes) == (scope, None, None)
    assert str(scope) in operator.run("list").stdout


@pytest.mark.parametrize(
    ("expires", "after"),
    [("12h", timedelta(hours=12)), ("90d", timedelta(days=90)), ("2w", timedelta(weeks=2))],
)
def test_a_key_expires_after_the_span_that_is_given(
    operator: Operator, expires: str, after: timedelta
) -> None:
    result = operator.run("create", "anna", "--expires", expires)
    (key,) = operator.store.keys()
    assert key.expires_at is not None
    assert after - timedelta(minutes=1) < key.expires_at - key.created_at <= after
    assert f"valid until {key.expires_at:%Y-%m-%d %H:%M} UTC" in result.stderr
    assert f"{key.expires_at:%Y-%m-%d %H:%M}" in operator.run("list").stdout


def test_a_day_is_meant_to_its_end_and_an_expired_key_is_listed_as_over(operator: Operator) -> None:
    operator.run("create", "anna", "--expires", "2999-12-31")
    assert operator.store.keys()[0].expires_at == datetime(3000, 1, 1, tzinfo=UTC)
    operator.store.create("bert", expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert "2020-01-01 00:00 (expired)" in operator.run("list", "bert").stdout


def test_a_key_may_be_for_some_lanes_alone(operator: Operator) -> None:
    operator.run("create", "anna", "--lanes", "bulk,normal")
    assert operator.store.keys()[0].lanes == (Lane.NORMAL, Lane.BULK)
    assert "normal,bulk" in operator.run("list").stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--admin", "--viewer"], "a key has one scope"),
        (["--metrics", "--lanes", "high"], "a metrics key cannot submit jobs"),
        (["--lanes", "fast"], "'fast' is not a lane: high, normal, bulk, optimize"),
        (["--expires", "soon"], "'soon' is not a time; write it like 12h, 90d, 2w or 2026-12-31"),
        (["--expires", "2020-12-31"], "2020-12-31 is in the past"),
        (["--expires", "0d"], "0d is in the past"),
        (["--expires", "999999w"], "is not a time"),
        (["--expires", "9999-12-31"], "is not a time"),
        (["--expires", "1h", "--expires", "2h"], "it takes one value"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(operator: Operator, words: list[str], reason: str) -> None:
    result = operator.run("create", "anna", *words)
    assert (result.exit_code, reason in " ".join(result.output.split())) == (2, True), result.output
    assert operator.store.is_empty()


def test_nobody_is_named_as_those_without_a_key_are(operator: Operator) -> None:
    result = operator.run("create", "anonymous")
    assert (result.exit_code, operator.store.is_empty()) == (2, True)
    assert "is the owner of what is submitted without a key" in result.output


def test_the_first_key_says_what_it_orphans_and_how_to_adopt_it(operator: Operator, store: JobStore) -> None:
    for _ in range(3):
        create(store, ANONYMOUS_OWNER)
    said = operator.run("create", "anna").stderr
    assert "3 job(s) and 0 batch(es) were submitted without a key" in said
    assert "stylequeue keys adopt anna\n" in said
    assert "without a key" not in operator.run("create", "bert").stderr
    adopted = operator.run("adopt", "anna")
    assert adopted.exit_code == 0, adopted.output
    assert "3 job(s) and 0 batch(es) submitted without a key: they belong to anna now" in adopted.output
    assert len(store.page("anna", limit=10).jobs) == 3
    assert "0 job(s)" in operator.run("adopt", "anna").output


def test_a_metrics_key_is_not_offered_jobs_that_it_cannot_see(operator: Operator, store: JobStore) -> None:
    create(store, ANONYMOUS_OWNER)
    assert operator.run("create", "prometheus", "--metrics", "--adopt").exit_code == 2
    said = operator.run("create", "prometheus", "--metrics").stderr
    assert "stylequeue keys adopt OWNER\n" in said
    assert "adopt prometheus" not in said
    assert operator.run("adopt", "prometheus").exit_code == 1
    assert len(store.page(ANONYMOUS_OWNER, limit=10).jobs) == 1


def test_a_key_adopts_as_it_is_made(operator: Operator, store: JobStore, batches: BatchStore) -> None:
    accept_batch(batches, bulk(2), ANONYMOUS_OWNER)
    result = operator.run("create", "anna", "--adopt")
    assert "2 job(s) and 1 batch(es) submitted without a key: they belong to anna now" in result.stderr
    assert "stylequeue keys adopt" not in result.stderr
    assert operator.store.find(result.stdout.strip()) is not None


def test_a_submission_in_progress_is_left_alone_and_reported(operator: Operator, batches: BatchStore) -> None:
    read_batch(batches, bulk(2), owner=ANONYMOUS_OWNER)
    said = operator.run("create", "anna", "--adopt").stderr
    assert "2 job(s) and 1 batch(es) are left, because they are being submitted" in said
    assert "stylequeue keys adopt anna\n" in said


def test_only_an_owner_with_a_key_adopts(operator: Operator, store: JobStore) -> None:
    create(store, ANONYMOUS_OWNER)
    operator.store.create("anna")
    result = operator.run("adopt", "ana")
    assert (result.exit_code, "stylequeue keys create ana --adopt" in result.output) == (1, True)
    assert operator.run("adopt", ANONYMOUS_OWNER).exit_code == 2
    assert len(store.page(ANONYMOUS_OWNER, limit=10).jobs) == 1


@pytest.mark.parametrize("owner", ["Anna", "batch_1", "a" * 41, "a:b", "ä"])
def test_an_invalid_owner_is_refused_with_the_rule(operator: Operator, owner: str) -> None:
    result = operator.run("create", owner)
    assert result.exit_code == 2
    assert "1 to 40 characters of a-z, 0-9 and -" in result.output
    assert operator.store.is_empty()


def test_without_redis_it_says_so_in_one_sentence() -> None:
    gone = {"STYLEQUEUE_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    result = CliRunner().invoke(main, ["keys", "list"], env=gone)
    assert (result.exit_code, result.output) == (1, "Error: Redis does not answer\n")
