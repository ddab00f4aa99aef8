"""The speed of a minimization while it runs, and the time that it still takes."""

from __future__ import annotations

from collections.abc import Sequence


class Pace:
    """Counts work in steps on one pixel. The first step is not timed: TensorFlow traces the graph in it."""

    def __init__(self, pixels: Sequence[int], steps: Sequence[int]) -> None:
        """Take the pixels and the number of steps of each level."""
        self._pixels, self._steps = pixels, steps
        self._level = self._done_of_level = 0
        self._timed = 0  # work since the first step
        self._began_at: float | None = None
        self._now = 0.0

    def begin_level(self, level: int) -> None:
        """Note that the steps of a level begin; the level before may have ended early."""
        self._level, self._done_of_level = level, 0

    def step(self, now: float) -> None:
        """Note the end of a step; `now` is of a clock that never goes back."""
        self._done_of_level += 1
        self._now = now
        if self._began_at is None:
            self._began_at = now
        else:
            self._timed += self._pixels[self._level]

    @property
    def rate(self) -> float | None:
        """The steps on one pixel in a second; None before the second step."""
        if self._began_at is None or self._now <= self._began_at:
            return None
        return self._timed / (self._now - self._began_at)

    @property
    def seconds_left(self) -> float | None:
        """The time until the last step; None before the second step."""
        return None if self.rate is None else self._work_left() / self.rate

    def _work_left(self) -> int:
        later = slice(self._level + 1, None)
        here = self._pixels[self._level] * (self._steps[self._level] - self._done_of_level)
        return here + sum(
            pixels * steps for pixels, steps in zip(self._pixels[later], self._steps[later], strict=True)
        )
