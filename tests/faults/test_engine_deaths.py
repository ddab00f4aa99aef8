"""Engines and their hands are killed, frozen and short of memory."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from shared.wire.records import JobStatus
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.mixtures.poison import MOST_DEATHS, assert_poison_fails_alone
from tests.faults.stand_ins.orders import ModelAction, Order
from tests.stacks.fault_stack import FaultStack
from tests.stacks.servers import wait_until
from worker.supervision import pulse

HANDS = 2
KILLS = 3
SLAB = "stylequeue-picture"


@pytest.fixture
def engine(stack: FaultStack) -> FaultStack:
    stack.start_engine()
    stack.start_hands(HANDS)
    stack.until_workers_are_there()
    return stack


def slabs(processes: Iterable[psutil.Process]) -> set[int]:
    """Return the inodes of the slabs that the processes have open."""
    files = set()
    for process in processes:
        with suppress(OSError):
            for link in Path(f"/proc/{process.pid}/fd").iterdir():
                with suppress(OSError):
                    if SLAB in str(link.readlink()):
                        files.add(link.stat().st_ino)
    return files


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def test_hands_import_no_tensorflow(engine: FaultStack, crowd: Crowd) -> None:
    crowd.send_good(4)
    Verdict(crowd).assert_all_succeeded()
    for hand in engine.workers:
        assert "tensorflow" not in Path(f"/proc/{hand.pid}/maps").read_text()


def test_engines_that_are_killed_lose_no_job_and_cost_only_jobs_that_run_alone_an_attempt(
    engine: FaultStack, crowd: Crowd, chance: random.Random
) -> None:
    crowd.send_good(60, milliseconds=60, max_attempts=1 + KILLS)
    for moment in sorted(chance.sample(range(1, 50), KILLS)):
        engine.until(lambda moment=moment: crowd.ended() >= moment)  # type: ignore[misc]  # bound at once
        assert engine.engine
        engine.engine.die()
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert sum(job["attempt"] - 1 for job in verdict.jobs.values()) <= KILLS
    assert engine.engine
    assert engine.engine.starts == 1 + KILLS
    assert all(hand.starts == 1 for hand in engine.workers)


def test_a_frozen_engine_is_killed_and_its_jobs_run_in_the_next_one(
    engine: FaultStack, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "SILENT_SECONDS", 5)
    crowd.send_good(20, milliseconds=60)
    engine.until(lambda: crowd.ended() >= 2)
    assert engine.engine
    engine.engine.send(signal.SIGSTOP)
    Verdict(crowd).assert_all_succeeded()
    assert engine.engine.starts >= 2
    assert all(hand.starts == 1 for hand in engine.workers)


def test_a_job_that_kills_each_engine_fails_alone_and_its_neighbours_succeed(
    engine: FaultStack, crowd: Crowd
) -> None:
    assert_poison_fails_alone(crowd, 30)
    assert engine.engine
    assert engine.engine.starts <= 1 + MOST_DEATHS
    assert all(hand.starts == 1 for hand in engine.workers)


def test_an_engine_without_memory_says_so_and_goes_on(engine: FaultStack, crowd: Crowd) -> None:
    actions = (ModelAction.NO_ROOM, ModelAction.MEMORY_ERROR, ModelAction.EXIT)
    crowd.send([crowd.line(Order(action).picture(), max_attempts=1) for action in actions])
    crowd.send_good(8)
    verdict = Verdict(crowd)
    codes = sorted(job["error"]["code"] for job in verdict.with_status(JobStatus.FAILED))
    assert codes == ["internal-error", "internal-error", "out-of-memory"]
    assert len(verdict.with_status(JobStatus.SUCCEEDED)) == 8
    assert engine.engine
    assert engine.engine.starts == 1


def test_hands_that_are_killed_cost_their_own_jobs_and_no_memory(
    engine: FaultStack, crowd: Crowd, chance: random.Random
) -> None:
    crowd.send_good(40, milliseconds=60, max_attempts=20)
    seen: set[int] = set()
    for moment in sorted(chance.sample(range(1, 35), 4)):
        engine.until(lambda moment=moment: crowd.ended() >= moment)  # type: ignore[misc]  # bound at once
        engine.until(engine.ready_workers)
        victim = chance.choice(engine.ready_workers())
        seen |= slabs(family(victim.pid))
        victim.die()
    Verdict(crowd).assert_all_succeeded()
    assert engine.engine
    assert engine.engine.starts == 1
    assert seen
    for hand in engine.workers:
        seen |= slabs(family(hand.pid))
        hand.kill()
    wait_until(lambda: not seen & slabs(psutil.process_iter()), what="the end of all shared memory")
