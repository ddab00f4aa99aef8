"""The cost of time beside the device, relative to the measured time on the device."""

from __future__ import annotations

import pytest

from shared.scheduling.cost import SECONDS_OF_ONE, USUAL_COST
from worker.jobs.slot_costs import SlotCosts


def test_before_the_first_picture_the_device_counts_as_the_core_that_costs_were_measured_on() -> None:
    assert SlotCosts().cost_of(10) == round(10 / SECONDS_OF_ONE)


@pytest.mark.parametrize("times_as_fast", [100, 1 / 5])
def test_a_second_costs_as_much_as_the_device_does_in_it(times_as_fast: float) -> None:
    costs = SlotCosts()
    for _ in range(200):
        costs.count_painted(1024 * 1024, USUAL_COST * SECONDS_OF_ONE / times_as_fast)
    assert costs.cost_of(10) == pytest.approx(10 * times_as_fast / SECONDS_OF_ONE, rel=0.01)


def test_one_odd_picture_changes_little() -> None:
    costs = SlotCosts()
    for pixels in [1024 * 1024] * 100 + [64 * 64]:
        costs.count_painted(pixels, USUAL_COST * SECONDS_OF_ONE)
    assert costs.cost_of(10) == pytest.approx(10 / SECONDS_OF_ONE, rel=0.06)
