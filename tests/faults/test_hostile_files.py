"""Fifty files that mean harm among fifty photographs, in one batch."""

from __future__ import annotations

import random

import psutil

from shared.wire.records import JobStatus
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.mixtures.hostile import hostile_files
from tests.files.pictures import photo, saved
from tests.stacks.fault_stack import FaultStack

GOOD = 50
MOST_MEMORY_BYTES = 1_000_000_000  # of a worker without a real model


def test_fifty_hostile_files_fail_with_their_codes_and_fifty_photographs_are_painted(
    stack: FaultStack, crowd: Crowd, chance: random.Random
) -> None:
    hostile = hostile_files(chance)
    assert len(hostile) == 50
    photos = [saved(photo(200 + number, 150), "JPEG") for number in range(GOOD)]
    expected = {name: code for name, code, _ in hostile}
    lines = [crowd.line(file, custom_id=name) for name, _, file in hostile]
    lines += [crowd.line(file, custom_id=f"photo {number}") for number, file in enumerate(photos)]
    chance.shuffle(lines)
    (worker,) = stack.start_workers(1)
    crowd.send(lines)
    verdict = Verdict(crowd)
    failed = {job["custom_id"]: job["error"]["code"] for job in verdict.with_status(JobStatus.FAILED)}
    assert failed == expected
    assert len(verdict.with_status(JobStatus.SUCCEEDED)) == GOOD
    assert worker.starts == 1
    assert verdict.starts() == len(lines)  # none of them was tried twice
    assert psutil.Process(worker.pid).memory_info().rss < MOST_MEMORY_BYTES
