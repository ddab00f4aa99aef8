"""`stylequeue worker` with one engine and two hands: how it is measured, and how it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from shared.store.workers import WorkerRegistry
from tests.stacks.observed_stack import ObservedStack, observed_stack
from tests.stacks.servers import wait_until

HANDS = 2
END_SECONDS = 60


class Fleet:
    """A running fleet: the process that supervises it, and its programs."""

    def __init__(self, stack: ObservedStack, pid: int) -> None:
        self.stack = stack
        self.supervisor = psutil.Process(pid)
        stack.until_workers_are_there(HANDS)
        self.programs = self.supervisor.children(recursive=True)

    @property
    def engine(self) -> psutil.Process:
        (engine,) = (
            one for one in self.programs if "tests.faults.stand_ins.scripted_engine" in one.cmdline()
        )
        return engine

    def until_gone(self) -> None:
        _, alive = psutil.wait_procs([self.supervisor, *self.programs], END_SECONDS)
        assert not alive


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservedStack]:
    with observed_stack(tmp_path_factory.mktemp("fleet")) as stack:
        yield stack


@pytest.fixture
def fleet(stack: ObservedStack) -> Iterator[Fleet]:
    wait_until(lambda: not WorkerRegistry(stack.connection).alive(60), what="the end of the last fleet")
    with stack.workers(HANDS, engines=1) as pid:
        yield Fleet(stack, pid)


def test_calls_of_the_engine_count_among_the_metrics_of_the_host_and_its_state_is_shown(fleet: Fleet) -> None:
    stack = fleet.stack
    stack.until_ended(stack.submit(8))
    scrape = stack.of_workers()
    assert scrape.value("stylequeue_batch_pictures_count") == 8
    assert scrape.value("stylequeue_host_processes") == HANDS + 1
    assert scrape.value("stylequeue_model_load_seconds_count") == 1
    workers = stack.client().get("/v1/workers").json()["workers"]
    assert all(worker["engine"]["waiting"] == 0 for worker in workers)


def test_at_sigterm_hands_finish_their_jobs_and_then_the_engine_ends(fleet: Fleet) -> None:
    batch = fleet.stack.submit(8)
    fleet.supervisor.terminate()
    fleet.until_gone()
    with fleet.stack.workers(1):
        fleet.stack.until_ended(batch)
    jobs = fleet.stack.client().get(f"{batch}/jobs").json()["jobs"]
    assert {(job["status"], job["attempt"]) for job in jobs} == {("succeeded", 1)}


def test_an_engine_serves_its_hands_to_the_end_when_their_supervisor_is_killed(fleet: Fleet) -> None:
    fleet.stack.until_ended(fleet.stack.submit(4))
    fleet.supervisor.kill()
    fleet.until_gone()
    assert WorkerRegistry(fleet.stack.connection).alive(60) == []


def test_a_drained_fleet_ends_with_its_engine(fleet: Fleet) -> None:
    registry = WorkerRegistry(fleet.stack.connection)
    registry.drain([worker.id for worker in registry.alive(60)])
    fleet.until_gone()


def test_a_second_signal_ends_everything_at_once(fleet: Fleet) -> None:
    os.kill(fleet.engine.pid, signal.SIGSTOP)
    fleet.stack.submit(8)
    fleet.supervisor.terminate()
    fleet.supervisor.terminate()
    os.kill(fleet.supervisor.pid, signal.SIGTERM)
    fleet.until_gone()
