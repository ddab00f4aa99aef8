"""Every process of the service is replaced under load, one after another, and no client notices."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import psutil

from local.api_server import api_answers
from shared.store.workers import WorkerRegistry
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.stand_ins.another_api import another_api
from tests.stacks.fault_stack import START_SECONDS, FaultStack
from tests.stacks.programs import Program
from tests.stacks.servers import wait_until

STOP_SECONDS = 30
MOST_WAITING = 40
PATIENCE_SECONDS = 30


@contextmanager
def repeated(step: Callable[[], object]) -> Iterator[None]:
    """Repeat the action in a thread until the block ends; an exception in it fails the test."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            step()

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run)
        try:
            yield
        finally:
            over.set()
        running.result()


def keep_busy(crowd: Crowd) -> None:
    if len(crowd.accepted) - crowd.ended() < MOST_WAITING:
        crowd.send_good(8, milliseconds=60)
    time.sleep(0.05)


# --- workers ------------------------------------------------------------------------------------------


def by_signal(_: FaultStack, worker: Program) -> None:
    worker.stop(STOP_SECONDS)


def by_drain(stack: FaultStack, worker: Program) -> None:
    registry = WorkerRegistry(stack.connection)
    registry.drain([info.id for info in registry.alive(within_seconds=60) if info.pid == worker.pid])
    wait_until(lambda: not worker.alive, STOP_SECONDS, "the end of a drained worker")


def test_workers_replaced_one_after_another_under_load_fail_no_job_and_repeat_none(
    stack: FaultStack, crowd: Crowd
) -> None:
    stack.start_workers(3)
    stack.until_workers_are_there()
    with repeated(lambda: keep_busy(crowd)):
        for worker, end in zip(stack.workers, (by_signal, by_drain, by_signal), strict=True):
            wait_until(lambda: crowd.ended() > 0, what="work")
            ended = crowd.ended()
            end(stack, worker)
            assert worker.exit_code == 0
            worker.start_again()
            stack.until_workers_are_there()
            assert crowd.ended() > ended  # the others went on meanwhile
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert {job["attempt"] for job in verdict.jobs.values()} == {1}
    assert verdict.starts() == len(crowd.accepted)
    assert [worker.starts for worker in stack.workers] == [2, 2, 2]


# --- API processes ------------------------------------------------------------------------------------


class Visitor:
    """A client that knows all API processes; if one refuses or breaks off, it asks another one."""

    def __init__(self, crowd: Crowd, clients: list[httpx.Client]) -> None:
        self.statuses: set[int] = set()
        self._crowd = crowd
        self._clients = clients
        self._turn = 0

    def submit(self) -> None:
        headers = {"Idempotency-Key": uuid4().hex}
        (line,) = self._crowd.lines(1, milliseconds=8)
        answer = self._ask("POST", "/v1/jobs", json=line, headers=headers)
        self._crowd.accepted.append(answer.json()["id"])

    def poll(self) -> None:
        if self._crowd.accepted:
            self._ask("GET", f"/v1/jobs/{self._crowd.accepted[-1]}")

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up_at:
            self._turn += 1
            try:
                answer = self._clients[self._turn % len(self._clients)].request(method, path, **options)
            except httpx.TransportError:
                continue
            self.statuses.add(answer.status_code)
            return answer
        raise AssertionError(f"no process answered {method} {path} within {PATIENCE_SECONDS} s")


def reload(api: Program) -> None:
    """Reload as after an upgrade: Gunicorn starts a new process and ends the old one."""
    (before,) = psutil.Process(api.pid).children()
    api.send(signal.SIGHUP)
    wait_until(lambda: not before.is_running(), START_SECONDS, "the end of the old API process")


def restart(api: Program, answers: Callable[[], bool]) -> None:
    api.stop(STOP_SECONDS)
    api.start_again()
    wait_until(answers, START_SECONDS, "an answer from the new API process")


def test_api_processes_replaced_one_after_another_lose_no_job_and_fail_no_request(
    stack: FaultStack, crowd: Crowd
) -> None:
    stack.start_workers(1)
    crowd.lines(1, milliseconds=8)  # the pictures are stored
    with another_api(stack) as other, httpx.Client(base_url=other.url, trust_env=False) as second:
        visitor = Visitor(crowd, [stack.client, second])
        with repeated(visitor.submit), repeated(visitor.poll):
            for api, answers in (
                (stack.api, lambda: api_answers(stack.api_port, "/healthz")),
                (other.program, other.answers),
            ):
                accepted = len(crowd.accepted)
                reload(api)
                restart(api, answers)
                wait_until(lambda accepted=accepted: len(crowd.accepted) > accepted)  # type: ignore[misc]
    assert visitor.statuses == {200, 202}
    Verdict(crowd).assert_all_succeeded()
