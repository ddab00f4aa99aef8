from __future__ import annotations

import threading

import numpy as np
import pytest

from shared.errors import SourceNotFound
from worker.images.arrays import StyleParameters
from worker.model.style_cache import KnownStyle, StyleCache

SIZE = 100


def parameters(value: int) -> StyleParameters:
    return np.full(SIZE, value, np.float32)


class Computation:
    """Counts its calls; can be held at a gate."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Event()

    def of(self, value: int) -> KnownStyle:
        self.calls.append(value)
        self.started.set()
        assert self.gate.wait(10)
        return KnownStyle(parameters(value))


def test_a_style_is_computed_at_its_first_use_only() -> None:
    cache, computation = StyleCache(10**6), Computation()
    uses = [cache.get("a", lambda: computation.of(1)) for _ in range(3)]
    assert [hit for _, hit in uses] == [False, True, True]
    assert all(np.array_equal(found.parameters, parameters(1)) for found, _ in uses)
    assert computation.calls == [1]


def test_those_who_ask_at_the_same_time_share_one_computation() -> None:
    cache, computation = StyleCache(10**6), Computation()
    computation.gate.clear()
    found: list[KnownStyle] = []
    threads = [
        threading.Thread(target=lambda: found.append(cache.get("a", lambda: computation.of(1))[0]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    assert computation.started.wait(5)
    computation.gate.set()
    for thread in threads:
        thread.join(10)
    assert (len(found), computation.calls) == (8, [1])


def test_the_least_recently_used_go_first_when_the_bytes_are_used_up() -> None:
    cache, computation = StyleCache(2 * parameters(0).nbytes), Computation()
    for key, value in [("a", 1), ("b", 2), ("a", 1), ("c", 3), ("a", 1), ("b", 2)]:
        cache.get(key, lambda value=value: computation.of(value))
    assert computation.calls == [1, 2, 3, 2]


def test_a_failed_computation_raises_and_is_not_kept() -> None:
    cache, computation = StyleCache(10**6), Computation()

    def fail() -> KnownStyle:
        raise SourceNotFound("It is gone.")

    with pytest.raises(SourceNotFound):
        cache.get("a", fail)
    assert cache.get("a", lambda: computation.of(1))[1] is False
