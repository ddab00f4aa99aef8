"""Operators' view of the service: its workers and lanes."""

from __future__ import annotations

from client.blocking import Facade, blocking
from client.http.answers import parsed
from client.http.lists import path_of, query_of
from client.http.transport import Transport
from shared.wire.descriptors import Lane
from shared.wire.operations.queue_records import LaneList, LaneState, RecentEnds
from shared.wire.operations.stats_records import Stats, Window
from shared.wire.records import WorkerInfo, WorkerList


class AsyncOperations:
    """The part of `AsyncStyleQueue` for operators. It needs an admin key."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def workers(self) -> tuple[WorkerInfo, ...]:
        """Return the workers that are alive, by id."""
        return parsed(WorkerList, await self._transport.get(path_of("workers"))).workers

    async def worker(self, worker_id: str) -> WorkerInfo:
        return parsed(WorkerInfo, await self._transport.get(path_of("workers", worker_id)))

    async def drain(self, worker_id: str) -> WorkerInfo:
        """Let a worker finish its jobs, take no more, and end."""
        path = path_of("workers", worker_id, "drain")
        return parsed(WorkerInfo, await self._transport.post(path, repeatable=True))

    async def lanes(self) -> tuple[LaneState, ...]:
        """Return the lanes, the highest first."""
        return parsed(LaneList, await self._transport.get(path_of("lanes"))).lanes

    async def pause(self, lane: Lane) -> LaneState:
        """Let no job of the lane start until it is resumed. Running jobs go on."""
        return parsed(LaneState, await self._transport.post(path_of("lanes", lane, "pause"), repeatable=True))

    async def resume(self, lane: Lane) -> LaneState:
        return parsed(
            LaneState, await self._transport.post(path_of("lanes", lane, "resume"), repeatable=True)
        )

    async def recent(self) -> RecentEnds:
        """Return how jobs ended in the last minute and quarter of an hour."""
        return parsed(RecentEnds, await self._transport.get(path_of("queue", "recent")))

    async def stats(self, window: Window = Window.HOUR) -> Stats:
        """Return how much ended, failed and waited over the last hour or day, point by point."""
        return parsed(Stats, await self._transport.get(path_of("stats"), query_of(window=window)))


class Operations(Facade):
    """The part of `StyleQueue` for operators."""

    workers = blocking(AsyncOperations.workers)
    worker = blocking(AsyncOperations.worker)
    drain = blocking(AsyncOperations.drain)
    lanes = blocking(AsyncOperations.lanes)
    pause = blocking(AsyncOperations.pause)
    resume = blocking(AsyncOperations.resume)
    recent = blocking(AsyncOperations.recent)
    stats = blocking(AsyncOperations.stats)
