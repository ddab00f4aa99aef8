"""The work of a minimization and the size that ends in time."""

from __future__ import annotations

import pytest

from shared.scheduling.minimization import (
    SIDE_STEP,
    expected_seconds,
    full_steps,
    side_within,
    steps_of_levels,
)
from shared.wire.params import MIN_SIDE


@pytest.mark.parametrize(
    ("iterations", "levels", "shares"),
    [(7, 3, [2, 2, 3]), (150, 1, [150]), (2, 4, [1, 1]), (1, 1, [1])],
)
def test_levels_share_the_steps(iterations: int, levels: int, shares: list[int]) -> None:
    assert steps_of_levels(iterations, levels) == shares


def test_a_step_at_half_the_side_is_a_quarter_of_the_work() -> None:
    assert full_steps(150, 1) == 150
    assert full_steps(100, 2) == 50 / 4 + 50
    assert full_steps(90, 3) == 30 / 16 + 30 / 4 + 30


@pytest.mark.parametrize("rate", [30_000.0, 50_000.0, 5_000_000.0])
@pytest.mark.parametrize("aspect", [0.2, 0.66, 1.0])
def test_the_side_is_the_largest_one_that_ends_in_time(rate: float, aspect: float) -> None:
    side = side_within(300, aspect, 150, rate, longest=100_000)
    assert side % SIDE_STEP == 0
    assert expected_seconds(side, aspect, 150, rate) <= 300
    assert expected_seconds(side + SIDE_STEP, aspect, 150, rate) > 300


def test_the_side_stays_within_the_limits_of_the_service() -> None:
    assert side_within(300, 1, 150, rate=1e12, longest=1024) == 1024
    assert side_within(300, 1, 150, rate=1, longest=1024) == MIN_SIDE
    assert side_within(300, 1, 150, rate=1, longest=32) == 32
