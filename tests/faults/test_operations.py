"""Operators' work on a running service: lanes paused under load, workers drained over HTTP."""

from __future__ import annotations

from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.wires.redelivery import BULK
from tests.faults.wires.redis_troubles import kill_and_restart
from tests.stacks.fault_stack import FaultStack

JOBS = 120


def posted(stack: FaultStack, path: str, status: int) -> None:
    answer = stack.client.post(path)
    assert answer.status_code == status, answer.text


def running(stack: FaultStack) -> int:
    return int(stack.connection.zcard("sq:leases"))


def on_their_way(stack: FaultStack) -> int:
    return int(stack.connection.zcard("sq:calls:bulk"))


def test_a_pause_under_load_starts_nothing_more_and_loses_nothing_whoever_dies_meanwhile(
    stack: FaultStack, crowd: Crowd
) -> None:
    stack.start_workers(2)
    stack.until_workers_are_there()
    crowd.send_good(JOBS, milliseconds=40)
    stack.until(lambda: crowd.ended() >= 20)
    assert on_their_way(stack) > 0
    posted(stack, "/v1/lanes/bulk/pause", 200)
    stack.until(lambda: not running(stack) and not on_their_way(stack), what="the end of what ran")
    ended = crowd.ended()
    assert ended < JOBS
    normal = crowd.send_good(5, lane="normal")
    stack.until(lambda: crowd.ended() == ended + len(normal), what="the end of another lane's jobs")
    for worker in stack.workers:
        worker.die()
    kill_and_restart(stack)
    stack.until_workers_are_there()
    assert crowd.ended() == ended + len(normal)
    posted(stack, "/v1/lanes/bulk/resume", 200)
    assert stack.connection.llen(BULK) + running(stack) > 0  # at once, and not with the next sweep
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert verdict.starts() == JOBS + len(normal)


def test_a_worker_that_is_drained_over_http_ends_with_its_jobs_and_the_others_do_the_rest(
    stack: FaultStack, crowd: Crowd
) -> None:
    first, second = stack.start_workers(2)
    stack.until_workers_are_there()
    crowd.send_good(JOBS, milliseconds=40)
    stack.until(lambda: crowd.ended() >= 5)
    ids = {worker["pid"]: worker["id"] for worker in stack.client.get("/v1/workers").json()["workers"]}
    posted(stack, f"/v1/workers/{ids[first.pid]}/drain", 202)
    stack.workers.remove(first)  # a drained worker is not started again
    stack.until(lambda: not first.alive, what="the end of the drained worker")
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert verdict.starts() == JOBS
    assert second.starts == 1
    posted(stack, f"/v1/workers/{ids[first.pid]}/drain", 404)
