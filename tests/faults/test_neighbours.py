"""One key cannot stop the service: a polite owner beside an owner who makes every attack."""

from __future__ import annotations

import random

import pytest

from tests.faults.mixtures.neighbours import live_side_by_side
from tests.stacks.fault_stack import FaultStack


@pytest.mark.timeout(400)
def test_a_hostile_owner_does_not_slow_down_a_polite_one(stack: FaultStack, chance: random.Random) -> None:
    live_side_by_side(stack, chance, alone_seconds=6, both_seconds=12, say=print)
