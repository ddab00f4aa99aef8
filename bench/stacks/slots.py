"""Measure jobs per second of a number of simulated accelerators behind real Redis, S3, Celery and API."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from bench.clients.bulk_client import post_jobs, upload, wait_for_all, wait_for_workers
from bench.clients.pictures import make_photos, style_file
from bench.measures.cpu_use import CpuUse
from bench.measures.report import Pair, rate_between
from bench.stacks.servers import Servers
from bench.stacks.simulated_worker import CALL_SECONDS_VARIABLE, GATE_VARIABLE, SIDE

CALL_SECONDS = 0.2
CALLS = 15  # that are measured, a slot; the first and the last calls of a run are not
THREADS = 2  # of a worker: one in the model, one that fetches and puts


@dataclass(frozen=True)
class Level:
    """One run with a number of slots."""

    slots: int
    pair: Pair  # jobs/s, and the ideal
    cpu_ms: dict[str, float]  # a job, by part


class Slots:
    """A growing number of worker processes, each with one slot."""

    def __init__(self, servers: Servers, client: httpx.Client, folder: Path) -> None:
        self.url = servers.url
        self._servers = servers
        self._client = client
        self._gate = folder / "gate"
        self._gate.touch()
        self._count = 0
        (photo,) = make_photos(folder / "small", 1, 0, (SIDE, SIDE))
        self.content = {"upload_id": upload(client, photo)}
        self.style = {"upload_id": upload(client, style_file())}

    def grow_to(self, count: int) -> None:
        variables = {CALL_SECONDS_VARIABLE: str(CALL_SECONDS), GATE_VARIABLE: str(self._gate)}
        for number in range(self._count, count):
            self._servers.start_worker("bench.stacks.simulated_worker", f"slot-{number}", variables)
        self._count = count
        wait_for_workers(self._client, count)
        self.measure("warm-up", calls=1)

    def measure(self, tag: str, calls: int = CALLS) -> Level:
        """Measure the rate of the slots; all jobs are submitted before they begin, and the last jobs do not
        count.

        The rate runs from the end of the slots' first calls to the end of their last counted ones.
        """
        slots, tag = self._count, f"{tag}-{self._count}"
        with self._closed_gate():
            jobs = slots * (calls + 1 + THREADS)
            ids = post_jobs(self._client, jobs, self.content, self.style, tag)
            use = CpuUse()
        ended = wait_for_all(self._client, ids, tag)
        cpu_ms = {part: 1000 * seconds / jobs for part, seconds in use.seconds_by_part().items()}
        finished = [datetime.fromisoformat(job["finished_at"]).timestamp() for job in ended]
        rate = rate_between(finished, slots, slots * (calls + 1))
        return Level(slots, Pair(rate, slots / CALL_SECONDS, use.cores_of_others()), cpu_ms)

    @contextmanager
    def _closed_gate(self) -> Iterator[None]:
        with self._gate.open("rb") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield
