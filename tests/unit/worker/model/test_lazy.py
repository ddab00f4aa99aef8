"""Values that are loaded once, at their first use."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.errors import VggUnavailable
from worker.model.lazy import Lazily


def test_nothing_is_loaded_until_it_is_asked_for_and_then_once() -> None:
    loads: list[int] = []
    part = Lazily(lambda: loads.append(1) or object())
    assert loads == []
    assert part.get() is part.get()
    assert loads == [1]


def test_threads_that_ask_meanwhile_wait_for_the_first_ones_load() -> None:
    loads: list[object] = []
    loading, go_on = threading.Event(), threading.Event()

    def load() -> object:
        loading.set()
        assert go_on.wait(30)
        loads.append(object())
        return loads[-1]

    part = Lazily(load)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(part.get)
        assert loading.wait(30)
        others = [threads.submit(part.get) for _ in range(3)]
        assert not any(each.done() for each in (first, *others))
        go_on.set()
        found = {id(each.result(30)) for each in (first, *others)}
    assert found == {id(loads[0])}
    assert len(loads) == 1


def test_a_failed_load_is_retried_by_the_next_caller() -> None:
    outcomes: list[Exception | str] = [VggUnavailable("Not now."), "the network"]

    def load() -> str:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    part = Lazily(load)
    with pytest.raises(VggUnavailable):
        part.get()
    assert part.get() == part.get() == "the network"
