"""The work of a minimization, and the size whose work ends in a given time.

The unit of work is one step on one pixel. A device does about the same number of them per second at all
sizes, its rate.
"""

from __future__ import annotations

from math import sqrt

from shared.wire.params import MIN_SIDE

SIDE_STEP = 16  # pixels; a chosen side is a multiple of it


def steps_of_levels(iterations: int, levels: int) -> list[int]:
    """Return the steps at each size, from coarse to fine; the last one gets the remainder."""
    count = min(levels, iterations)
    share = iterations // count
    return [share] * (count - 1) + [iterations - share * (count - 1)]


def shrinkage(level: int, levels: int) -> int:
    """Return the number by which both sides of the picture are divided at a level, counted from 0."""
    return int(2 ** (levels - 1 - level))


def full_steps(iterations: int, levels: int) -> float:
    """Return the number of steps at full size that are as much work as all steps of all levels."""
    shares = steps_of_levels(iterations, levels)
    return sum(steps / shrinkage(level, len(shares)) ** 2 for level, steps in enumerate(shares))


def expected_seconds(side: int, aspect: float, steps: float, rate: float) -> float:
    """Return the time of `full_steps` on a picture with this longer side; `aspect` is shorter by longer."""
    return steps * side**2 * aspect / rate


def side_within(seconds: float, aspect: float, steps: float, rate: float, longest: int) -> int:
    """Return the largest side whose work ends in the time; at least MIN_SIDE, at most `longest`."""
    side = sqrt(seconds * rate / (steps * aspect))
    return min(longest, max(MIN_SIDE, int(side) // SIDE_STEP * SIDE_STEP))
