"""Minimizes an objective over the pixels of a picture, by L-BFGS within the range of colors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, OptimizeResult, minimize

from worker.model.gatys.objective import Losses, Objective, Pixels

MEMORY = 10  # pairs of steps and gradients that approximate the inverse Hessian; each is two pictures
EVALUATIONS_PER_STEP = 20  # after so many, a line search is given up


@dataclass(frozen=True)
class Step:
    """The picture after a number of steps, and its losses."""

    iteration: int
    losses: Losses
    picture: Pixels


def descend(
    objective: Objective,
    start: Pixels,
    iterations: int,
    check: Callable[[], None],
    seen: Callable[[Step], bool],
) -> Step:
    """Minimize by scipy's L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995) from `start`; pixels stay in [0, 1].

    The total loss never rises from one step to the next. The descent ends before `iterations` if no step
    lowers the loss any more, that is if the gradient is lost in float32's rounding.

    Args:
        check: called before each evaluation of the objective; its errors end the minimization.
        seen: called after each step; if it returns False, the minimization ends.
    """
    descent = _Descent(objective, start.shape, check, seen)
    result = minimize(
        descent.evaluate,
        start.astype(np.float64).ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(0.0, 1.0),
        callback=descent.step,
        options={
            "maxiter": iterations,
            "maxfun": iterations * EVALUATIONS_PER_STEP,
            "maxcor": MEMORY,
            "ftol": 0.0,
            "gtol": 0.0,
        },
    )
    return descent.last or Step(0, objective.losses(start), descent.as_picture(result.x))


class _Descent:
    """The callbacks for scipy."""

    def __init__(
        self,
        objective: Objective,
        shape: tuple[int, ...],
        check: Callable[[], None],
        seen: Callable[[Step], bool],
    ) -> None:
        self.last: Step | None = None
        self._objective = objective
        self._shape = shape
        self._check = check
        self._seen = seen
        self._evaluated: Losses | None = None

    def evaluate(self, pixels: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        self._check()
        self._evaluated, gradient = self._objective.gradient(self.as_picture(pixels))
        return self._evaluated.total, gradient.astype(np.float64).ravel()

    def step(self, intermediate_result: OptimizeResult) -> None:
        """Take the result of a step; scipy recognizes this signature by the argument's name."""
        picture = self.as_picture(intermediate_result.x)
        losses = self._evaluated
        if losses is None or losses.total != intermediate_result.fun:  # after a line search that went back
            losses = self._objective.losses(picture)
        self.last = Step(self.last.iteration + 1 if self.last else 1, losses, picture)
        if not self._seen(self.last):
            raise StopIteration

    def as_picture(self, pixels: npt.NDArray[Any]) -> Pixels:
        return pixels.reshape(self._shape).astype(np.float32)
