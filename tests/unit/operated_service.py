"""A loopback service with the routes for operators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.wire.descriptors import Lane
from shared.wire.operations.queue_records import LaneView, Period, QueueOverview, RecentEnds
from shared.wire.records import FINAL, JobStatus, WorkerInfo
from tests.jobs import worker_info
from tests.unit.client_server import Answer, Loopback, Request, problem

FOR_OPERATORS = "This is for operators: it needs a key made with 'stylequeue keys create OWNER --admin'"


class OperatedService(Loopback):
    def __init__(self) -> None:
        super().__init__(self._answer)
        self.workers: list[WorkerInfo] = [worker_info("box-7-a1b2c3")]
        self.paused: set[Lane] = set()
        self.points: list[dict[str, Any]] = []  # of the series
        self.failed: dict[str, int] = {}
        self.admin = True
        self.lost = False  # whether it gives no response to requests

    def overview(self) -> QueueOverview:
        busy = sum(worker.busy for worker in self.workers)
        slots = sum(worker.slots for worker in self.workers)
        lanes = tuple(self._lane(lane) for lane in Lane)
        return QueueOverview(
            lanes=lanes, workers=len(self.workers), slots=slots, busy=busy, capacity_per_second=12.5, own={}
        )

    def recent(self) -> RecentEnds:
        ended = dict.fromkeys(FINAL, 0) | {JobStatus.FAILED: sum(self.failed.values())}
        period = Period(seconds=60, ended=ended, ended_per_second=1.25, failed=self.failed)
        return RecentEnds(at=datetime.now(UTC), minute=period, quarter_hour=period)

    def _lane(self, lane: Lane) -> LaneView:
        counts = {"waiting": 49_000, "scheduled": 0, "dispatched": 64, "running": 4, "canceling": 0}
        seen = {"oldest_seconds": 3600.0, "paused": lane in self.paused, "workers": 1, "slots": 4}
        return LaneView.model_validate({"lane": lane, **counts, **seen})

    def _answer(self, request: Request) -> Answer:
        if self.lost:
            return Answer(lost=True)
        if request.route == "GET /healthz":
            return Answer(200, {})
        if request.route == "GET /v1/queue":
            return Answer(200, self.overview().model_dump(mode="json"))
        return self._operation(request) if self.admin else problem(403, "forbidden", FOR_OPERATORS)

    def _operation(self, request: Request) -> Answer:
        match request.path.split("/")[2:]:
            case ["workers"]:
                return Answer(200, {"workers": [worker.model_dump(mode="json") for worker in self.workers]})
            case ["workers", worker_id, "drain"]:
                return self._drain(worker_id)
            case ["stats"]:
                return Answer(200, {"window": request.query["window"], "points": self.points})
            case ["lanes", lane, step]:
                (self.paused.add if step == "pause" else self.paused.discard)(Lane(lane))
                return Answer(200, self._lane(Lane(lane)).model_dump(mode="json"))
        return Answer(200, self.recent().model_dump(mode="json"))

    def _drain(self, worker_id: str) -> Answer:
        found: Any = {worker.id: worker for worker in self.workers}.get(worker_id)
        if found is None:
            return problem(404, "worker-not-found", f"No worker {worker_id!r} was seen in the last 15 s")
        return Answer(202, found.model_copy(update={"draining": True}).model_dump(mode="json"))
