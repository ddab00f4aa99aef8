"""The speed of a minimization while it runs."""

from __future__ import annotations

import pytest

from worker.model.gatys.pace import Pace


def test_nothing_is_known_before_the_second_step() -> None:
    pace = Pace([100], [10])
    assert (pace.rate, pace.seconds_left) == (None, None)
    pace.begin_level(0)
    pace.step(5.0)
    assert (pace.rate, pace.seconds_left) == (None, None)
    pace.step(7.0)
    assert (pace.rate, pace.seconds_left) == (50, 8 * 2.0)


def test_steps_at_full_size_take_longer() -> None:
    pace = Pace([25, 100], [3, 4])
    pace.begin_level(0)
    for now in (10.0, 11.0, 12.0):
        pace.step(now)
    assert pace.rate == 25
    assert pace.seconds_left == 4 * 100 / 25
    pace.begin_level(1)
    pace.step(16.0)
    assert pace.rate == 25
    assert pace.seconds_left == pytest.approx(12)


def test_a_level_that_ends_early_leaves_the_others_their_steps() -> None:
    pace = Pace([25, 100], [100, 2])
    pace.begin_level(0)
    pace.step(0.0)
    pace.step(1.0)
    assert pace.seconds_left == (98 * 25 + 200) / 25
    pace.begin_level(1)
    pace.step(5.0)
    assert pace.seconds_left == 100 / 25
