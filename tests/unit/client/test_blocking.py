"""The blocking client is made of the one for asyncio."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator

import pytest

from client import AsyncStyleQueue, StyleQueue
from client.api import batches, bulk_actions, dead_letters, operations, webhooks
from client.blocking import Facade, blocking, blocking_iterator

PAIRS = [
    (AsyncStyleQueue, StyleQueue),
    (batches.AsyncBatches, batches.Batches),
    (bulk_actions.AsyncBulkActions, bulk_actions.BulkActions),
    (dead_letters.AsyncDeadLetters, dead_letters.DeadLetters),
    (operations.AsyncOperations, operations.Operations),
    (webhooks.AsyncWebhooks, webhooks.Webhooks),
]


class Core:
    def __init__(self) -> None:
        self.closed = False

    async def double(self, number: int, *, plus: int = 0) -> int:
        """Return twice the number."""
        return 2 * number + plus

    async def wait(self) -> None:
        await asyncio.sleep(0)

    async def count(self) -> AsyncGenerator[int]:
        try:
            for number in range(10):
                yield number
        finally:
            self.closed = True


class Plain(Facade):
    double = blocking(Core.double)
    wait = blocking(Core.wait)
    count = blocking_iterator(Core.count)


@pytest.mark.parametrize(("core", "facade"), PAIRS)
def test_it_has_every_method_with_the_same_parameters(core: type, facade: type) -> None:
    methods = {name for name, member in vars(core).items() if callable(member) and name[0] != "_"}
    assert methods
    for name in methods:
        here, there = inspect.signature(getattr(facade, name)), inspect.signature(getattr(core, name))
        assert list(here.parameters.values()) == list(there.parameters.values()), name
        assert "Async" not in str(here.return_annotation)
        assert getattr(facade, name).__doc__ == getattr(core, name).__doc__


def test_a_method_runs_to_its_end_and_an_iterator_that_is_left_is_closed() -> None:
    plain = Plain(core := Core())
    assert plain.double(4, plus=1) == 9
    assert list(plain.count()) == list(range(10))
    core.closed = False
    numbers = plain.count()
    assert next(numbers) == 0
    numbers.close()  # type: ignore[attr-defined] - a generator
    assert core.closed


def test_a_core_that_waits_for_an_event_loop_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="waited for an event loop"):
        Plain(Core()).wait()


def test_it_works_inside_a_running_event_loop() -> None:
    async def main() -> list[int]:
        return [Plain(Core()).double(1), *Plain(Core()).count()]

    assert asyncio.run(main()) == [2, *range(10)]
