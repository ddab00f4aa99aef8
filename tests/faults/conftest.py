from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.mixtures.crowd import Crowd
from tests.stacks.fault_stack import FaultStack, running_stack

SEED_VARIABLE = "FAULTS_SEED"
LOG_TAIL_LINES = 15


@pytest.fixture
def chance() -> random.Random:
    """Moments and victims of faults; the seed is printed when a test fails, and FAULTS_SEED repeats it."""
    seed = int(os.environ.get(SEED_VARIABLE, "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"\n{SEED_VARIABLE}={seed}")  # noqa: T201 - pytest shows it with a failure
    return random.Random(seed)


@pytest.fixture
def stack(tmp_path: Path, chance: random.Random) -> Iterator[FaultStack]:
    with running_stack(tmp_path / "stack", chance) as stack:
        yield stack
        for program in (*filter(None, [stack.engine]), *stack.workers, stack.api):  # shown when a test fails
            print(f"--- {program.name}", *program.log.splitlines()[-LOG_TAIL_LINES:], sep="\n")  # noqa: T201


@pytest.fixture
def crowd(stack: FaultStack) -> Crowd:
    return Crowd(stack)
