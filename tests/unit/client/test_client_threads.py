"""Many steps at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from client.http.threads import Crew


def test_every_item_is_done_once() -> None:
    assert sorted(Crew(lambda number: number * 2, range(100), 4).outcomes()) == list(range(0, 200, 2))


def test_steps_run_at_the_same_time() -> None:
    together = threading.Barrier(4, timeout=10)
    assert len(list(Crew(lambda _: together.wait(), range(4), 4).outcomes())) == 4


def test_no_more_items_are_taken_than_there_are_threads_for() -> None:
    taken: list[int] = []
    go_on = threading.Event()

    def items() -> Iterator[int]:
        for number in range(50):
            taken.append(number)
            yield number

    def step(number: int) -> int:
        assert go_on.wait(10)
        return number

    def let_go() -> None:
        counts.append(len(taken))
        go_on.set()

    counts: list[int] = []
    threading.Timer(0.2, let_go).start()
    assert len(list(Crew(step, items(), 3).outcomes())) == 50
    assert counts == [3]


@pytest.mark.parametrize("place", ["step", "items"])
def test_an_error_reaches_the_caller(place: str) -> None:
    def items() -> Iterator[int]:
        yield 1
        if place == "items":
            raise RuntimeError("here")

    def step(number: int) -> int:
        if place == "step":
            raise RuntimeError("here")
        return number

    with pytest.raises(RuntimeError, match="here"):
        list(Crew(step, items(), 2).outcomes())
