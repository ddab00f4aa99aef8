"""The discrete-event simulation: a heap of future events, applied to the lines and the fleet.

The service's own code (shared/scheduling/lane_order.py and scaling.py) chooses lanes and scales the workers.
A job needs only two events, its arrival and its end, because all of its times are known when a worker takes
it. SimPy needs a process for each job: it gave the same times, but took five times as long (M/M/200, 100,000
jobs), which matters for a million jobs.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

from shared.scheduling.scaling import Demand, desired_workers
from shared.wire.descriptors import Lane
from simulation.arrivals import all_arrivals
from simulation.fleet import Fleet, Worker
from simulation.lines import Lines
from simulation.outcome import Outcome, Times
from simulation.scenario import Plan, Scenario

Event = tuple[
    float, int, Callable[..., None], tuple[Any, ...]
]  # time, tie-breaking number, function, its arguments


def simulate(scenario: Scenario, plan: Plan) -> Outcome:
    """Simulate until no more jobs arrive and the last one has ended; the same seed gives the same outcome."""
    return _Run(scenario, plan).run()


class _Run:
    def __init__(self, scenario: Scenario, plan: Plan) -> None:
        self._scenario, self._plan = scenario, plan
        self._arrivals = all_arrivals(scenario.streams, scenario.seconds, scenario.owners, scenario.seed)
        self._draw = scenario.service.draw(scenario.seed)
        self._lines, self._fleet = Lines(), Fleet(scenario.worker)
        self._times: dict[str, Times] = {lane: Times() for lane in Lane}
        self._events: list[Event] = []
        self._numbers = count()
        self._wanted: deque[tuple[float, int]] = deque()
        self._accelerator_seconds = 0.0
        self._ended = 0

    def run(self) -> Outcome:
        for _ in range(self._plan.target.min_workers):
            self._begin(0.0, self._fleet.hire(0.0))
        self._at(0.0, self._scale)
        now, arrival = 0.0, next(self._arrivals, None)
        while arrival or self._unfinished() or self._events[0][0] < self._scenario.seconds:
            if arrival and arrival.at <= self._events[0][0]:
                now = arrival.at
                self._lines.add(arrival.lane, arrival.owner, now)
                arrival = next(self._arrivals, None)
            else:
                now, _, happen, arguments = heapq.heappop(self._events)
                happen(now, *arguments)
            self._start_jobs(now)
        end = max(now, self._scenario.seconds)
        self._fleet.end(end)
        return Outcome(self._plan, end, self._times, self._fleet, self._accelerator_seconds)

    def _unfinished(self) -> bool:
        return bool(self._lines.waiting or self._fleet.held)

    def _at(self, time: float, happen: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._events, (time, next(self._numbers), happen, arguments))

    # --- jobs -----------------------------------------------------------------------------------

    def _start_jobs(self, now: float) -> None:
        """Start jobs while any wait and a slot is free; the slot that has been free longest is used first."""
        idle, lines = self._fleet.idle, self._lines
        while lines.waiting and idle:
            worker = idle.popleft()
            if worker.draining:
                continue
            self._start(worker, worker.next_lane(lines), now)
            if worker.free:
                idle.append(worker)

    def _start(self, worker: Worker, lane: str, now: float) -> None:
        arrived, seconds = self._lines.take(lane), self._draw()
        end = worker.end_of_job(now, seconds)
        self._accelerator_seconds += seconds
        self._times[lane].note(now - arrived, end - arrived)
        self._fleet.take_slot(worker, now)
        self._at(end, self._end, worker)

    def _end(self, now: float, worker: Worker) -> None:
        self._ended += 1
        self._fleet.give_slot(worker, now)

    # --- workers --------------------------------------------------------------------------------

    def _begin(self, now: float, worker: Worker) -> None:
        self._fleet.begin(worker, now)

    def _scale(self, now: float) -> None:
        """Run the autoscaler once: start missing workers now, stop those not wanted for `hold_seconds`."""
        demand = Demand(self._lines.waiting, self._fleet.held, self._seconds_per_job(now))
        self._wanted.append((now, desired_workers(demand, self._plan.target)))
        while self._wanted[0][0] < now - self._scenario.hold_seconds:
            self._wanted.popleft()
        there, least = len(self._fleet.staying), max(wanted for _, wanted in self._wanted)
        for _ in range(self._wanted[-1][1] - there):
            self._at(now + self._scenario.worker.startup_seconds, self._begin, self._fleet.hire(now))
        if least < there:
            self._fleet.drain(there - least, now)
        self._at(now + self._scenario.poll_seconds, self._scale)

    def _seconds_per_job(self, now: float) -> float:
        """Return the seconds per job as workers measure them: their busy time divided by the ended jobs."""
        if not self._ended:
            return self._scenario.seconds_per_job
        return self._fleet.busy_seconds(now) / self._ended
