"""Memory is granted in turn and never twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stacks.servers import wait_until
from worker.model.memory import MemoryBudget, PictureMemory


def test_no_more_is_taken_at_a_time_than_there_is() -> None:
    memory, lock = MemoryBudget(10), threading.Lock()
    taken = most = 0

    def work(size: int) -> None:
        nonlocal taken, most
        with memory.reserved(size):
            with lock:
                taken += size
                most = max(most, taken)
            with lock:
                taken -= size

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, [1, 3, 5, 7, 9, 10] * 50))
    assert 0 < most <= 10


def test_a_request_larger_than_the_budget_has_it_alone() -> None:
    memory = MemoryBudget(10)
    with ThreadPoolExecutor(1) as threads:
        with memory.reserved(1):
            waiting = threads.submit(_reserve, memory, 50)
            wait_until(lambda: len(memory) == 1)
            assert not waiting.done()
        waiting.result(10)


def test_a_large_wish_is_not_overtaken_for_ever_by_small_ones() -> None:
    memory = MemoryBudget(10)
    with ThreadPoolExecutor(2) as threads:
        with memory.reserved(5):
            large = threads.submit(_reserve, memory, 10)
            wait_until(lambda: len(memory) == 1)
            small = threads.submit(_reserve, memory, 1)
            wait_until(lambda: len(memory) == 2)
            assert not small.done()
        large.result(10)
        small.result(10)


def test_an_error_gives_the_memory_back() -> None:
    memory = MemoryBudget(10)
    with pytest.raises(KeyError), memory.reserved(10):
        raise KeyError
    _reserve(memory, 10)


def test_a_small_picture_does_not_wait_for_a_large_one() -> None:
    memory = PictureMemory(100)
    with ThreadPoolExecutor(2) as threads, memory.reserved(1000):
        waiting = threads.submit(_reserve, memory, 50)
        threads.submit(_reserve, memory, 4).result(10)
        assert not waiting.done()


def _reserve(memory: MemoryBudget | PictureMemory, size: int) -> None:
    with memory.reserved(size):
        pass
