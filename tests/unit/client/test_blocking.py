"""The blocking client is made of the one for asyncio."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable

import pytest

from client import StyleQueue
from client.blocking import Facade, blocking, blocking_iterator


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


def test_it_has_every_part_and_method_of_the_other_with_the_same_parameters() -> None:
    queue = StyleQueue("http://stylequeue.invalid")
    parts = {name: part for name, part in vars(queue).items() if isinstance(part, Facade)}
    of_core = {name for name, part in vars(queue.core).items() if type(part).__name__.startswith("Async")}
    assert parts.keys() == of_core
    for facade in (queue, *parts.values()):
        core = type(facade.core)
        methods = {name for name, member in vars(core).items() if callable(member) and name[0] != "_"}
        assert methods
        for name in methods:
            check_method(getattr(type(facade), name), getattr(core, name))


def check_method(plain: Callable[..., object], core: Callable[..., object]) -> None:
    here, there = inspect.signature(plain), inspect.signature(core)
    assert list(here.parameters.values()) == list(there.parameters.values()), core.__qualname__
    assert "Async" not in str(here.return_annotation)
    assert plain.__doc__ == core.__doc__


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
