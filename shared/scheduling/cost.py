"""The expected cost of a job, so that owners share time and not counts."""

from __future__ import annotations

from math import log2

from shared.wire.params import DEFAULT_SIDE, Params

# One is the fast method's time for a square of this side. It grows with the pixels: 7, 23, 92, 392 and 1,754
# ms of a CPU core for 128, 256, 512, 1024 and 2048 a side. Below that, the time beside the model is more: 5
# ms with a storage on the same machine.
SIDE_OF_ONE = 128
SECONDS_OF_ONE = 0.007
# Times of the fast method for the same picture, measured on the same core at 128, 256 and 512 a side.
PASSES_OF_LOSSES = 60
PASSES_OF_AN_ITERATION = 34


def expected_cost(params: Params) -> int:
    """Return the job's cost as a power of two.

    Before a picture is fetched, all that is known of it is its longest side, so it counts as a square. The
    cost is rounded, by a factor of 1.41 at the most, so that a line's jobs have few different costs.
    """
    passes = 1 + PASSES_OF_LOSSES * params.measures_losses
    if params.method == "optimize":
        passes += PASSES_OF_AN_ITERATION * params.iterations
    return int(2 ** round(log2(passes * cost_of_pass(params.max_side**2))))


def cost_of_pass(pixels: int) -> float:
    """Return what one pass of the fast method over a picture costs."""
    return max(1, pixels / SIDE_OF_ONE**2)


USUAL_COST = expected_cost(Params(max_side=DEFAULT_SIDE))  # of jobs that ask for nothing else
