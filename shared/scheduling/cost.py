"""The expected cost of a job, so that owners share worker time rather than job counts."""

from __future__ import annotations

from math import log2

from shared.scheduling.minimization import full_steps
from shared.wire.params import DEFAULT_SIDE, Params

# Cost 1 is the fast method's time for a square of this side. The time grows with the pixels: 7, 23, 92, 392
# and 1,754 ms of a CPU core for sides of 128, 256, 512, 1024 and 2048. For smaller pictures the work around
# the model dominates: 5 ms with storage on the same machine.
SIDE_OF_ONE = 128
SECONDS_OF_ONE = 0.007
USUAL_ORIGINAL_SIDE = 4096  # of a photograph that keeps its size: 12 to 24 megapixels
CHOSEN_SECONDS = 300  # of a minimization whose size its worker chooses, whatever the number of steps
# Multiples of the fast method's time for the same picture, measured on one core at sides 128, 256 and 512.
PASSES_OF_LOSSES = 60
PASSES_OF_AN_ITERATION = 34


def expected_cost(params: Params, original_side: int = USUAL_ORIGINAL_SIDE) -> int:
    """Return the job's cost, rounded to a power of two.

    A picture that keeps its size counts as one with `original_side` as its longer side.

    Only the longest allowed side is known before the picture is fetched, so the picture counts as a square.
    Rounding, by a factor of at most 1.41, keeps the number of different costs in a line small.
    """
    if params.leaves_size_to_worker:
        seconds = min(CHOSEN_SECONDS, params.max_seconds or CHOSEN_SECONDS)
        return _rounded(seconds / SECONDS_OF_ONE)
    passes = PASSES_OF_LOSSES * params.measures_losses
    if params.method == "optimize":
        passes += round(PASSES_OF_AN_ITERATION * full_steps(params.iterations, params.levels))
    longest = original_side if params.max_side == "original" else params.longest_side
    cost = passes * cost_of_pass(longest**2)
    cost += sum(cost_of_pass(side**2) for side in params.sides_of_passes(longest))
    return _rounded(cost)


def _rounded(cost: float) -> int:
    return int(2 ** round(log2(cost)))


def cost_beyond_expected(params: Params, longest_side: int) -> int:
    """Return the cost of a job that the queue did not expect, because only its result shows its size."""
    return max(0, expected_cost(params, longest_side) - expected_cost(params))


def cost_of_pass(pixels: int) -> float:
    """Return the cost of one pass of the fast method over a picture."""
    return max(1, pixels / SIDE_OF_ONE**2)


USUAL_COST = expected_cost(Params(max_side=DEFAULT_SIDE))  # of a job with default parameters
