"""Operators' view of the service: its workers and lanes."""

from __future__ import annotations

from client.http.answers import parsed
from client.http.lists import path_of, query_of
from client.http.transport import Transport
from shared.wire.descriptors import Lane
from shared.wire.operations.queue_records import LaneList, LaneState, RecentEnds
from shared.wire.operations.stats_records import Stats, Window
from shared.wire.records import WorkerInfo, WorkerList


class Operations:
    """The part of `StyleQueue` for operators. It needs an admin key."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def workers(self) -> tuple[WorkerInfo, ...]:
        """Return the workers that are alive, by id."""
        return parsed(WorkerList, self._transport.get(path_of("workers"))).workers

    def worker(self, worker_id: str) -> WorkerInfo:
        return parsed(WorkerInfo, self._transport.get(path_of("workers", worker_id)))

    def drain(self, worker_id: str) -> WorkerInfo:
        """Let a worker finish its jobs, take no more, and end."""
        path = path_of("workers", worker_id, "drain")
        return parsed(WorkerInfo, self._transport.post(path, repeatable=True))

    def lanes(self) -> tuple[LaneState, ...]:
        """Return the lanes, the highest first."""
        return parsed(LaneList, self._transport.get(path_of("lanes"))).lanes

    def pause(self, lane: Lane) -> LaneState:
        """Let no job of the lane start until it is resumed. Running jobs go on."""
        return parsed(LaneState, self._transport.post(path_of("lanes", lane, "pause"), repeatable=True))

    def resume(self, lane: Lane) -> LaneState:
        return parsed(LaneState, self._transport.post(path_of("lanes", lane, "resume"), repeatable=True))

    def recent(self) -> RecentEnds:
        """Return how jobs ended in the last minute and quarter of an hour."""
        return parsed(RecentEnds, self._transport.get(path_of("queue", "recent")))

    def stats(self, window: Window = Window.HOUR) -> Stats:
        """Return how much ended, failed and waited over the last hour or day, point by point."""
        return parsed(Stats, self._transport.get(path_of("stats"), query_of(window=window)))
