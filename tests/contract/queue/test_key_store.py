"""API keys on a real Redis."""

from __future__ import annotations

import pytest
import redis
from pydantic import ValidationError

from shared.errors import QueueUnavailable
from shared.store.api_keys import KeyStore
from shared.store.redis.connection import connect
from shared.wire.operations.api_key import Scope
from tests.checks.agreement import keys as names
from tests.stacks.ports import free_port


@pytest.fixture
def keys(connection: redis.Redis) -> KeyStore:
    return KeyStore(connection)


def test_a_key_is_found_by_its_text_and_by_no_other(keys: KeyStore) -> None:
    text, kept = keys.create("anna", Scope.ADMIN, "laptop")
    other, _ = keys.create("anna")
    assert keys.find(text) == kept
    assert (kept.owner, kept.scope, kept.name) == ("anna", Scope.ADMIN, "laptop")
    own_id_with_anothers_secret = text[:16] + other[16:]
    for wrong in (own_id_with_anothers_secret, text[:-1], text + "x", text.upper(), "", "sq_", kept.sha256):
        assert keys.find(wrong) is None, wrong


def test_keys_are_random_and_safe_in_a_header(keys: KeyStore) -> None:
    texts = {keys.create("anna")[0] for _ in range(100)}
    assert len({text[16:] for text in texts}) == 100
    assert {len(text) for text in texts} == {3 + 12 + 1 + 43}
    assert all(text.isascii() and text.replace("_", "").replace("-", "").isalnum() for text in texts)


def test_redis_never_has_the_key(keys: KeyStore, connection: redis.Redis) -> None:
    text, kept = keys.create("anna")
    keys.find(text)
    keys.note_use(kept.id)
    everything = [*names(connection, "*"), *connection.hvals("sq:keys"), *connection.hvals("sq:keys:used")]
    assert not any(text in each or text[16:] in each for each in everything)
    assert any(kept.sha256 in each for each in everything)


def test_an_owner_has_several_keys_and_each_is_revoked_alone(keys: KeyStore) -> None:
    (old, old_key), (new, new_key), (_, others) = (keys.create(owner) for owner in ("anna", "anna", "bert"))
    assert keys.keys("anna") == sorted([old_key, new_key], key=lambda key: (key.created_at, key.id))
    assert keys.revoke(old_key.id)
    assert keys.find(old) is None
    assert keys.find(new) == new_key
    assert set(keys.keys()) == {new_key, others}
    assert not keys.revoke(old_key.id)


def test_the_store_is_empty_until_the_first_key_and_after_the_last(keys: KeyStore) -> None:
    assert keys.is_empty()
    _, key = keys.create("anna")
    assert not keys.is_empty()
    keys.revoke(key.id)
    assert keys.is_empty()


def test_a_use_is_noted_and_forgotten_with_the_key(keys: KeyStore) -> None:
    _, key = keys.create("anna")
    assert keys.last_used() == {}
    keys.note_use(key.id)
    assert keys.last_used()[key.id] >= key.created_at.replace(microsecond=0)
    keys.revoke(key.id)
    assert keys.last_used() == {}


@pytest.mark.parametrize("owner", ["", "Anna", "anna:bert", "batch_1", "../anna", "a" * 41, "anna\n", "ä"])
def test_names_that_redis_or_s3_would_read_otherwise_are_no_owners(keys: KeyStore, owner: str) -> None:
    with pytest.raises(ValidationError, match="owner"):
        keys.create(owner)
    assert keys.is_empty()


def test_without_redis_nobody_is_known() -> None:
    with connect(f"redis://127.0.0.1:{free_port()}/0") as nowhere, pytest.raises(QueueUnavailable):
        KeyStore(nowhere).is_empty()
