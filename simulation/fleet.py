"""Simulated workers that start, hold jobs and stop."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass

from shared.scheduling.lane_order import LaneOrder
from shared.wire.descriptors import Lane
from simulation.lines import Lines

ALL_LANES = tuple(Lane)


@dataclass(frozen=True)
class WorkerKind:
    """The properties that all workers of a scenario share."""

    slots: int  # jobs that it holds at a time
    overhead_seconds: float  # a job's time outside the accelerator, which other jobs may use meanwhile
    startup_seconds: float  # from the request for a worker, when its cost begins, until it takes jobs
    calls: int = 1  # of the accelerator at a time
    hands: int = 1  # processes beside it
    hand_seconds: float = 0.0  # a job's processor time in a hand, which has one job at a time on its core

    def seconds_per_job(self, accelerator_seconds: float) -> float:
        """Return the seconds per job of a busy worker: those of its tightest part."""
        held = accelerator_seconds + self.overhead_seconds + self.hand_seconds
        return max(accelerator_seconds / self.calls, self.hand_seconds / self.hands, held / self.slots)


class Worker:
    """A worker whose accelerator runs a few jobs at a time, while its other slots fetch, encode and store."""

    __slots__ = (
        "_calls_free_at",
        "_hands_free_at",
        "_order",
        "draining",
        "free",
        "hired_at",
        "kind",
        "ready_at",
    )

    def __init__(self, kind: WorkerKind, hired_at: float) -> None:
        self.kind = kind
        self.free = kind.slots
        self.hired_at = hired_at
        self.ready_at: float | None = None
        self.draining = False
        self._calls_free_at, self._hands_free_at = [0.0] * kind.calls, [0.0] * kind.hands  # heaps
        self._order = LaneOrder(ALL_LANES)
        self._order.update(ALL_LANES)

    def next_lane(self, lines: Lines) -> str:
        """Return the lane of the next job that this worker takes. At least one job must be waiting."""
        offered = self._order.consume(len(ALL_LANES))
        return self._order.rotate(next(lane for lane in offered if lines.lanes[lane].waiting))

    def end_of_job(self, now: float, accelerator_seconds: float) -> float:
        """Take a job now and return the time at which it ends.

        A hand works on it first. Half of the overhead comes before the accelerator, half after it.
        """
        half = self.kind.overhead_seconds / 2
        in_hand = _served(self._hands_free_at, now, self.kind.hand_seconds)
        return _served(self._calls_free_at, in_hand + half, accelerator_seconds) + half


def _served(free_at: list[float], ready: float, seconds: float) -> float:
    """Let the server that is free first serve a job; return the end. `free_at` is a heap."""
    end = max(ready, free_at[0]) + seconds
    heapq.heapreplace(free_at, end)
    return end


class Fleet:
    """All workers, with their costs."""

    def __init__(self, kind: WorkerKind) -> None:
        self.kind = kind
        self.staying: list[Worker] = []  # the longest hired first
        # Those with a free slot, the longest waiting first. Some may have been told to drain since.
        self.idle: deque[Worker] = deque()
        self.held = 0  # jobs
        self.ready = 0  # workers that have started and not left
        self.most = 0
        self.paid_seconds = 0.0  # of workers that have left
        self.ready_seconds = 0.0  # of workers that have left
        self._going: dict[Worker, None] = {}
        self._busy = 0  # workers with a job
        self._busy_seconds = 0.0
        self._counted_until = 0.0

    def hire(self, now: float) -> Worker:
        worker = Worker(self.kind, now)
        self.staying.append(worker)
        return worker

    def begin(self, worker: Worker, now: float) -> None:
        """Let the worker take jobs from now on, unless it was told to drain before."""
        if worker.draining:
            return
        worker.ready_at = now
        self.ready += 1
        self.most = max(self.most, self.ready)
        self.idle.append(worker)

    def drain(self, number: int, now: float) -> None:
        """Drain `number` workers: first those that are not ready, then the latest hired."""
        self.staying.sort(key=lambda worker: (worker.ready_at is None, worker.hired_at))
        for _ in range(number):
            worker = self.staying.pop()
            worker.draining = True
            if worker.free == self.kind.slots:
                self._leave(worker, now)
            else:
                self._going[worker] = None

    def take_slot(self, worker: Worker, now: float) -> None:
        if worker.free == self.kind.slots:
            self._count(now, 1)
        worker.free -= 1
        self.held += 1

    def give_slot(self, worker: Worker, now: float) -> None:
        worker.free += 1
        self.held -= 1
        if worker.free == self.kind.slots:
            self._count(now, -1)
            if worker.draining:
                del self._going[worker]
                self._leave(worker, now)
        if worker.free == 1 and not worker.draining:
            self.idle.append(worker)

    def busy_seconds(self, now: float) -> float:
        """Return the seconds in which workers held a job, summed over all workers."""
        self._count(now, 0)
        return self._busy_seconds

    def end(self, now: float) -> None:
        """Let all workers leave."""
        for worker in [*self.staying, *self._going]:
            self._leave(worker, now)

    def _count(self, now: float, more: int) -> None:
        self._busy_seconds += self._busy * (now - self._counted_until)
        self._counted_until = now
        self._busy += more

    def _leave(self, worker: Worker, now: float) -> None:
        self.paid_seconds += now - worker.hired_at
        if worker.ready_at is not None:
            self.ready -= 1
            self.ready_seconds += now - worker.ready_at
