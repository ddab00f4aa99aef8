"""Plain methods made of the core's coroutines, which never wait with the driver `Blocking`."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])


class Facade:
    """A class with the methods of its `core`, made by `blocking` and `blocking_iterator`."""

    def __init__(self, core: object) -> None:
        self.core = core


def blocking(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Any, P], T]:
    """Return a facade's method that runs the core's method to its end."""

    def run(facade: Facade, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return completed(method(facade.core, *args, **kwargs))

    return _described(run, method)


def blocking_iterator(
    method: Callable[Concatenate[Any, P], AsyncGenerator[T]],
) -> Callable[Concatenate[Any, P], Iterator[T]]:
    """Return a facade's method that yields what the core's method yields."""

    def iterate(facade: Facade, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        items = method(facade.core, *args, **kwargs)
        try:
            while True:
                yield completed(_next(items))
        except StopAsyncIteration:
            return
        finally:
            completed(_close(items))

    return _described(iterate, method)


def _described(made: F, method: Callable[..., object]) -> F:
    """Give the function the name, parameters and docstring of the core's method."""
    update_wrapper(made, method)
    returned = str(method.__annotations__["return"]).replace("AsyncGenerator", "Iterator")
    made.__annotations__ = {**method.__annotations__, "return": returned}
    signature = inspect.signature(method)
    made.__signature__ = signature.replace(return_annotation=returned)  # type: ignore[attr-defined]
    del made.__wrapped__  # type: ignore[attr-defined]
    return made


def completed(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that `Blocking` drives."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    coroutine.close()
    raise RuntimeError("a coroutine of the blocking client waited for an event loop")


async def _next(items: AsyncGenerator[T]) -> T:
    return await anext(items)


async def _close(items: AsyncGenerator[T]) -> None:
    await items.aclose()
