"""The original method from start to end: where it begins, from coarse to fine, within a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import tensorflow as tf

from worker.model.gatys.minimize import Step, descend
from worker.model.gatys.objective import Measures, Objective, Pixels, Weights

Styles = Sequence[tuple[Pixels, float]]

MIN_SIDE = 16  # pixels: four poolings leave one position


class Stop(StrEnum):
    """Why a minimization ended."""

    ITERATIONS = "iterations"  # all steps were made
    TIME = "time"  # the budget was used up; the picture is the best so far
    CONVERGED = "converged"  # no step lowered the loss any more


@dataclass(frozen=True)
class Plan:
    """How to minimize."""

    iterations: int  # at all levels together
    weights: Weights
    levels: int = 1  # the first at 1 / 2^(levels - 1) of each side; the steps are shared out evenly
    seconds: float = float("inf")


@dataclass(frozen=True)
class Progress:
    """A step as seen over all levels; `step.losses` are those at its level's size."""

    iteration: int
    iterations: int
    step: Step


@dataclass(frozen=True)
class Painting:
    """What came of it."""

    picture: Pixels
    iterations: int
    stopped_by: Stop


def noise_like(shape: tuple[int, ...], seed: int) -> Pixels:
    """White noise of a picture's shape, the same for the same seed."""
    return np.random.default_rng(seed).random(shape, np.float32)


def paint(
    measures: Measures,
    content: Pixels,
    styles: Styles,
    start: Pixels,
    plan: Plan,
    check: Callable[[], None],
    seen: Callable[[Progress], None],
) -> Painting:
    """Minimizes the total loss, from `start`, which has the content's shape.

    `check` is called before each evaluation of the loss, and ends all by raising; `seen` after each step.
    """
    return _Painter(measures, content, styles, plan, check, seen).run(start)


class _Painter:
    def __init__(
        self,
        measures: Measures,
        content: Pixels,
        styles: Styles,
        plan: Plan,
        check: Callable[[], None],
        seen: Callable[[Progress], None],
    ) -> None:
        self._measures = measures
        self._content = content
        self._styles = styles
        self._plan = plan
        self._check = check
        self._seen = seen
        self._ends_at = time.monotonic() + plan.seconds
        self._iteration = 0
        self._out_of_time = False

    def run(self, start: Pixels) -> Painting:
        picture = start
        for level, iterations in enumerate(self._shares()):
            height, width = self._size(level)
            content = _resized(self._content, height, width)
            objective = Objective(self._measures, content, self._styles, self._weights(content))
            self._level_begins_at = self._iteration
            step = descend(objective, _resized(picture, height, width), iterations, self._check, self._see)
            picture = step.picture
            if self._out_of_time:
                break
        picture = np.clip(_resized(picture, *self._content.shape[:2]), 0.0, 1.0)
        return Painting(picture, self._iteration, self._stopped_by())

    def _see(self, step: Step) -> bool:
        self._iteration = self._level_begins_at + step.iteration
        self._seen(Progress(self._iteration, self._plan.iterations, step))
        self._out_of_time = time.monotonic() >= self._ends_at
        return not self._out_of_time

    def _stopped_by(self) -> Stop:
        if self._iteration >= self._plan.iterations:
            return Stop.ITERATIONS
        return Stop.TIME if self._out_of_time else Stop.CONVERGED

    def _shares(self) -> list[int]:
        """The steps of each level; what does not divide evenly is the last one's."""
        levels = min(self._plan.levels, self._plan.iterations)
        share = self._plan.iterations // levels
        return [share] * (levels - 1) + [self._plan.iterations - share * (levels - 1)]

    def _size(self, level: int) -> tuple[int, int]:
        factor = 2 ** (len(self._shares()) - 1 - level)
        height, width = (max(MIN_SIDE, round(side / factor)) for side in self._content.shape[:2])
        return height, width

    def _weights(self, content: Pixels) -> Weights:
        """The content loss and the total variation are sums over positions, so at a smaller size they weigh
        more: a level has the balance of the last one.
        """
        more = self._content.size / content.size
        weights = self._plan.weights
        return Weights(weights.alpha * more, weights.beta, weights.total_variation * more)


def _resized(picture: Pixels, height: int, width: int) -> Pixels:
    if picture.shape[:2] == (height, width):
        return picture
    resized = tf.image.resize(picture, (height, width), tf.image.ResizeMethod.BICUBIC, antialias=True)
    return np.asarray(np.clip(resized.numpy(), 0.0, 1.0), np.float32)
