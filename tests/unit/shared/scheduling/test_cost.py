"""The expected cost of a job, relative to others."""

from __future__ import annotations

from typing import Any

import pytest

from shared.scheduling.cost import USUAL_COST, cost_beyond_expected, expected_cost
from shared.wire.params import Params


def cost(**params: Any) -> int:
    return expected_cost(Params(**params))


def test_the_default_is_the_usual_cost() -> None:
    assert cost() == USUAL_COST == cost(strength=0.5, preserve_color="luminance", style_size=512)


@pytest.mark.parametrize(
    ("side", "times"), [(64, 1 / 64), (128, 1 / 64), (256, 1 / 16), (2048, 4), (4096, 16)]
)
def test_it_grows_with_the_pixels_from_a_size_on_below_which_other_things_cost_more(
    side: int, times: float
) -> None:
    assert cost(max_side=side) == times * USUAL_COST
    assert cost(max_side="original") == cost(max_side=4096)


@pytest.mark.parametrize("side", range(64, 4097, 61))
def test_it_is_a_whole_power_of_two_near_the_true_one(side: int) -> None:
    found = cost(max_side=side, stroke_side=4096)
    assert found & (found - 1) == 0
    assert 2**-0.5 <= found / (max(side, 128) / 128) ** 2 <= 2**0.5


def test_losses_and_iterations_cost_many_times_a_picture() -> None:
    assert cost(losses=True) == 64 * USUAL_COST
    once, twice = (cost(method="optimize", max_side=1024, iterations=steps) for steps in (150, 300))
    assert twice == 2 * once > 8000 * USUAL_COST


def test_a_pyramid_costs_less_because_few_of_its_steps_are_at_full_size() -> None:
    one, two = (cost(method="optimize", max_side=512, levels=levels) for levels in (1, 3))
    assert two == one / 2


def test_a_minimization_whose_worker_chooses_the_size_costs_the_same_for_any_steps() -> None:
    chosen = cost(method="optimize")
    assert chosen == cost(method="optimize", iterations=2000) > 200 * USUAL_COST
    assert cost(method="optimize", max_seconds=75) == chosen / 4


def test_each_pass_for_larger_strokes_costs_its_pixels() -> None:
    assert cost(max_side=1200, stroke_side=4096) == USUAL_COST
    assert cost(max_side=1200, stroke_side=512) == 2 * USUAL_COST


def test_a_picture_that_keeps_its_size_pays_for_what_the_queue_did_not_expect() -> None:
    original, scaled = Params(max_side="original"), Params(max_side=1024)
    assert cost_beyond_expected(original, 4096) == 0
    assert cost_beyond_expected(original, 800) == 0
    assert cost_beyond_expected(scaled, 12_000) == 0
    assert cost_beyond_expected(original, 12_000) == expected_cost(Params(max_side=12_000)) - expected_cost(
        original
    )
    assert cost_beyond_expected(original, 12_000) > 5 * expected_cost(original)
