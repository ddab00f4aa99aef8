"""Sessions of browsers in Redis: begun, found, ended, and bounded."""

from __future__ import annotations

import pytest
import redis

from shared.store import sessions as module
from shared.store.api_keys import KeyStore
from shared.store.sessions import MOST_SESSIONS, Sessions


@pytest.fixture
def keys(connection: redis.Redis) -> KeyStore:
    return KeyStore(connection)


@pytest.fixture
def sessions(connection: redis.Redis, keys: KeyStore) -> Sessions:
    return Sessions(connection, keys)


def test_a_session_stands_for_its_key_until_it_is_ended(sessions: Sessions, keys: KeyStore) -> None:
    _, key = keys.create("anna")
    text, other = sessions.begin(key), sessions.begin(key)
    assert sessions.find(text) == sessions.find(other) == key
    sessions.end(text)
    assert sessions.find(text) is None
    assert sessions.find(other) == key
    sessions.end(text)


def test_a_session_ends_with_its_key(sessions: Sessions, keys: KeyStore) -> None:
    _, key = keys.create("anna")
    text = sessions.begin(key)
    keys.revoke(key.id)
    assert sessions.find(text) is None
    sessions.end(text)


def test_a_session_ends_by_itself(
    sessions: Sessions, keys: KeyStore, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, key = keys.create("anna")
    monkeypatch.setattr(module, "SESSION_SECONDS", -1)
    assert sessions.find(sessions.begin(key)) is None
    monkeypatch.undo()
    sessions.begin(key)
    assert 0 < connection.ttl(f"sq:sessions:{key.id}") <= module.SESSION_SECONDS


def test_a_key_has_so_many_sessions_and_the_oldest_ends_first(
    sessions: Sessions, keys: KeyStore, connection: redis.Redis
) -> None:
    _, key = keys.create("anna")
    begun = [sessions.begin(key) for _ in range(MOST_SESSIONS + 3)]
    assert connection.zcard(f"sq:sessions:{key.id}") == MOST_SESSIONS
    assert [sessions.find(text) is not None for text in begun] == [False] * 3 + [True] * MOST_SESSIONS


@pytest.mark.parametrize(
    "text", ["", "x", "{id}", "{id}.", "{id}.{short}", "{other}", "sq_{id}_x", "{id}\n.x"]
)
def test_what_is_no_session_is_not_found(sessions: Sessions, keys: KeyStore, text: str) -> None:
    _, key = keys.create("anna")
    found = sessions.begin(key)
    _, another = keys.create("bert")
    other = another.id + found.removeprefix(key.id)
    assert sessions.find(text.format(id=key.id, short=found[13:-1], other=other)) is None


def test_redis_holds_nothing_from_which_a_session_can_be_made(
    sessions: Sessions, keys: KeyStore, connection: redis.Redis
) -> None:
    text, key = keys.create("anna")
    session = sessions.begin(key)
    kept = f"{connection.hgetall('sq:keys')} {connection.zrange(f'sq:sessions:{key.id}', 0, -1)}"
    assert text not in kept
    assert session.partition(".")[2] not in kept


def test_who_cannot_read_keys_makes_no_session(
    sessions: Sessions, keys: KeyStore, connection: redis.Redis
) -> None:
    """A worker may write below sq:sessions, but does not know the digest of a key."""
    _, key = keys.create("anna")
    made_up = f"{key.id}.{'A' * 43}"
    place = f"sq:sessions:{key.id}"
    connection.zadd(place, {made_up: 9e9, "A" * 43: 9e9, key.id: 9e9})
    assert sessions.find(made_up) is None
