"""The share of a painting that is done when it takes several passes of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


class Passes:
    """Passes over a picture at growing sizes; each takes a time in proportion to its pixels."""

    def __init__(self, sides: Sequence[int], seen: Callable[[float], None]) -> None:
        """`seen` gets the fraction of all passes that is done."""
        self._pixels = [side**2 for side in sides]
        self._seen = seen
        self._number = 0

    @contextmanager
    def next(self) -> Iterator[Callable[[float], None]]:
        """Yield a function that takes the fraction of the next pass that is done."""
        done, own, total = sum(self._pixels[: self._number]), self._pixels[self._number], sum(self._pixels)
        yield lambda fraction: self._seen((done + own * fraction) / total)
        self._number += 1
