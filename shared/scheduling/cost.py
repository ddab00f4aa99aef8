"""What a job is expected to cost of a worker's time, so that owners share time and not counts."""

from __future__ import annotations

from math import log2

from shared.wire.descriptors import DEFAULT_SIDE, Params

# One is the fast method's time for a square of this side. It grows with the pixels: 7, 23, 92, 392 and 1,754
# ms of a CPU core for 128, 256, 512, 1024 and 2048 a side. Below that, what a job costs besides is more.
SIDE_OF_ONE = 128
# Times of the fast method for the same picture, measured on the same core at 128, 256 and 512 a side.
PASSES_OF_LOSSES = 60
PASSES_OF_AN_ITERATION = 34


def expected_cost(params: Params) -> int:
    """Return the job's cost as a power of two, 1 or more.

    All that is known of a picture before it is fetched is its longest side, so it counts as a square. The
    cost is rounded, by a factor of 1.41 at the most: a line's jobs shall have few different ones.
    """
    pixels = max(params.max_side, SIDE_OF_ONE) ** 2 / SIDE_OF_ONE**2
    passes = 1 + PASSES_OF_LOSSES * params.measures_losses
    if params.method == "optimize":
        passes += PASSES_OF_AN_ITERATION * params.iterations
    return int(2 ** round(log2(pixels * passes)))


USUAL_COST = expected_cost(Params(max_side=DEFAULT_SIDE))  # of jobs that ask for nothing else
