"""What operators do: look at workers and lanes, let a worker end, hold a lane."""

from __future__ import annotations

from urllib.parse import quote

from client.http.answers import parsed
from client.http.transport import Transport
from shared.wire.descriptors import Lane
from shared.wire.queue_records import LaneList, LaneState, RecentEnds
from shared.wire.records import WorkerInfo, WorkerList


class Operations:
    """The part of `StyleQueue` for operators; the service wants an admin key for it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def workers(self) -> tuple[WorkerInfo, ...]:
        """Those that are alive, by id."""
        return parsed(WorkerList, self._transport.get("/v1/workers")).workers

    def worker(self, worker_id: str) -> WorkerInfo:
        return parsed(WorkerInfo, self._transport.get(_worker_path(worker_id)))

    def drain(self, worker_id: str) -> WorkerInfo:
        """Lets it finish the jobs in its hands, take no more, and end."""
        answer = self._transport.post(_worker_path(worker_id) + "/drain", repeatable=True)
        return parsed(WorkerInfo, answer)

    def lanes(self) -> tuple[LaneState, ...]:
        """The highest first."""
        return parsed(LaneList, self._transport.get("/v1/lanes")).lanes

    def pause(self, lane: Lane) -> LaneState:
        """No job of the lane starts until it is resumed; those that run go on."""
        return parsed(LaneState, self._transport.post(f"/v1/lanes/{lane}/pause", repeatable=True))

    def resume(self, lane: Lane) -> LaneState:
        return parsed(LaneState, self._transport.post(f"/v1/lanes/{lane}/resume", repeatable=True))

    def recent(self) -> RecentEnds:
        """What came of jobs in the last minute and quarter of an hour."""
        return parsed(RecentEnds, self._transport.get("/v1/queue/recent"))


def _worker_path(worker_id: str) -> str:
    return f"/v1/workers/{quote(worker_id, safe='')}"
