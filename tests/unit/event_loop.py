"""The asyncio client behind plain calls, so that one test checks both clients."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Iterator
from typing import Any

END = object()


class InEventLoop:
    """Calls a part of the asyncio client; each call runs the event loop until it is done."""

    def __init__(self, part: object, loop: asyncio.Runner) -> None:
        self._part = part
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._part, name)
        if not callable(member):
            return InEventLoop(member, self._loop)

        def call(*args: Any, **kwargs: Any) -> Any:
            result = member(*args, **kwargs)
            if inspect.isasyncgen(result):
                return self._each(result)
            return self._loop.run(result)

        return call

    def _each(self, items: AsyncGenerator[Any]) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(items, END)

        while (item := self._loop.run(following())) is not END:
            yield item
