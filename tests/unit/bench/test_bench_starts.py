from __future__ import annotations

from itertools import cycle, islice

import pytest

from bench.measures.starts import share_under_supply
from bench.start_order import LEAST_SHARE
from shared.wire.descriptors import Lane

LANES = {"h": Lane.HIGH, "n": Lane.NORMAL, "b": Lane.BULK}


def starts(letters: str) -> list[Lane]:
    return [LANES[letter] for letter in letters]


def share(letters: str) -> tuple[float, int]:
    return share_under_supply(starts(letters), Lane.BULK, Lane.HIGH)


def test_one_of_eight_is_exactly_the_share_that_is_allowed() -> None:
    order = "".join(islice(cycle("hhhhhhhb"), 8 * 20 + 5))
    assert share(order) == (LEAST_SHARE, 7)


def test_starts_before_the_supply_and_after_it_do_not_count() -> None:
    order = "hhhhhhhb" * 4 + "h"
    assert share("bbbbb" + order + "bbbbb") == share(order)


def test_a_longer_run_of_others_is_seen() -> None:
    found, longest = share("hbhhhbhhhhhhhhhbh")
    assert found == pytest.approx(2 / 14)
    assert longest == 9


@pytest.mark.parametrize("order", ["hhhhhhhhhh", "hhhhbhhhhh"])
def test_a_lane_that_never_gets_a_second_turn_has_no_share(order: str) -> None:
    assert share(order) == (0.0, 9)
