"""Runs the original method from coarse to fine, within a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import tensorflow as tf

from shared.scheduling.minimization import shrinkage, steps_of_levels
from worker.model.gatys.minimize import Step, descend
from worker.model.gatys.objective import Measures, Objective, Pixels, Weights
from worker.model.gatys.pace import Pace

Styles = Sequence[tuple[Pixels, float]]

MIN_SIDE = 16  # pixels: four poolings leave one position


class Stop(StrEnum):
    """The reason why a minimization ended."""

    ITERATIONS = "iterations"  # all steps were made
    TIME = "time"  # the time was used up; the picture is the best so far
    CONVERGED = "converged"  # no step lowered the loss any more


@dataclass(frozen=True)
class Plan:
    """The parameters of a minimization."""

    iterations: int  # of all levels together
    weights: Weights
    levels: int = 1  # the first has 1 / 2^(levels - 1) of each side; the steps are divided evenly
    seconds: float = float("inf")


@dataclass(frozen=True)
class Progress:
    """A step, counted over all levels; `step.losses` are those at its level's size."""

    iteration: int
    iterations: int
    step: Step
    seconds_left: float | None = None  # None before the second step


@dataclass(frozen=True)
class Painting:
    """The result of a minimization."""

    picture: Pixels
    iterations: int
    stopped_by: Stop
    rate: float | None = None  # steps on one pixel in a second


def noise_like(shape: tuple[int, ...], seed: int) -> Pixels:
    """Return white noise of a picture's shape, the same for the same seed."""
    return np.random.default_rng(seed).random(shape, np.float32)


@dataclass
class Minimization:
    """One run of the method, from coarse to fine."""

    measures: Measures
    content: Pixels
    styles: Styles
    plan: Plan
    check: Callable[[], None]  # called before each evaluation of the loss; may raise to end all
    seen: Callable[[Progress], None]  # called after each step
    _ends_at: float = float("inf")
    _iteration: int = 0
    _level_begins_at: int = 0
    _out_of_time: bool = False

    def run(self, start: Pixels) -> Painting:
        """Minimize the total loss from `start`, which has the content's shape."""
        self._ends_at = time.monotonic() + self.plan.seconds
        self._shares = steps_of_levels(self.plan.iterations, self.plan.levels)
        sizes = [self._size(level) for level in range(len(self._shares))]
        self._pace = Pace([height * width for height, width in sizes], self._shares)
        picture = start
        for level, iterations in enumerate(self._shares):
            height, width = sizes[level]
            content = _resized(self.content, height, width)
            objective = Objective(self.measures, content, self.styles, self._weights(content))
            self._level_begins_at = self._iteration
            self._pace.begin_level(level)
            step = descend(objective, _resized(picture, height, width), iterations, self.check, self._see)
            picture = step.picture
            if self._out_of_time:
                break
        picture = np.clip(_resized(picture, *self.content.shape[:2]), 0.0, 1.0)
        return Painting(picture, self._iteration, self._stopped_by(), self._pace.rate)

    def _see(self, step: Step) -> bool:
        self._iteration = self._level_begins_at + step.iteration
        now = time.monotonic()
        self._pace.step(now)
        left = self._pace.seconds_left
        left = None if left is None else max(0.0, min(left, self._ends_at - now))
        self.seen(Progress(self._iteration, self.plan.iterations, step, left))
        self._out_of_time = time.monotonic() >= self._ends_at
        return not self._out_of_time

    def _stopped_by(self) -> Stop:
        if self._iteration >= self.plan.iterations:
            return Stop.ITERATIONS
        return Stop.TIME if self._out_of_time else Stop.CONVERGED

    def _size(self, level: int) -> tuple[int, int]:
        factor = shrinkage(level, len(self._shares))
        height, width = (max(MIN_SIDE, round(side / factor)) for side in self.content.shape[:2])
        return height, width

    def _weights(self, content: Pixels) -> Weights:
        """Return weights that give each level the balance of the last one.

        The content loss and the total variation are sums over positions, so they grow with the size.
        """
        more = self.content.size / content.size
        weights = self.plan.weights
        return Weights(weights.alpha * more, weights.beta, weights.total_variation * more)


def _resized(picture: Pixels, height: int, width: int) -> Pixels:
    if picture.shape[:2] == (height, width):
        return picture
    resized = tf.image.resize(picture, (height, width), tf.image.ResizeMethod.BICUBIC, antialias=True)
    return np.asarray(np.clip(resized.numpy(), 0.0, 1.0), np.float32)
