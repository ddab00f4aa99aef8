from __future__ import annotations

from api.server.known_keys import KnownKeys


def test_a_key_is_known_once_it_let_a_request_in() -> None:
    keys = KnownKeys()
    keys.add(1)
    assert 1 in keys
    assert 2 not in keys
    assert None not in keys


def test_a_key_that_was_not_used_for_long_is_forgotten() -> None:
    keys = KnownKeys(seconds=0)
    keys.add(1)
    assert 1 not in keys


def test_the_least_recently_used_of_too_many_keys_is_forgotten() -> None:
    keys = KnownKeys(most=2)
    for key in (1, 2, 1, 3):
        keys.add(key)
    assert [key for key in (1, 2, 3) if key in keys] == [1, 3]
