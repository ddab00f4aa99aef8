"""Post jobs at given moments and record what became of them, to compare with a simulation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import httpx

from bench.clients.bulk_client import TIMEOUT_SECONDS, JobJson, post_jobs, wait_for_all
from bench.stacks.slots import Slots

POSTING_THREADS = 16  # so that a slow response delays no later job


@dataclass(frozen=True)
class Seen:
    """The times of one job, from its record, in seconds."""

    created: float  # since the epoch
    waited: float  # until a worker claimed it
    stayed: float  # until it had ended

    @classmethod
    def of(cls, job: JobJson) -> Seen:
        created, started, finished = (
            datetime.fromisoformat(job[name]).timestamp()
            for name in ("created_at", "started_at", "finished_at")
        )
        return cls(created, started - created, finished - created)


def replay(slots: Slots, moments: Sequence[float], tag: str) -> list[Seen]:
    """Post a job at each of the moments, in seconds from now; return all jobs once they have ended, oldest
    first.
    """
    with _without_keepalive(slots.url) as client, ThreadPoolExecutor(POSTING_THREADS) as threads:
        begin = time.monotonic()

        def post(moment: float) -> str:
            time.sleep(max(0.0, begin + moment - time.monotonic()))
            return post_jobs(client, 1, slots.content, slots.style, tag)[0]

        job_ids = list(threads.map(post, sorted(moments)))
        seen = map(Seen.of, wait_for_all(client, job_ids, tag))
        return sorted(seen, key=lambda job: job.created)


def _without_keepalive(url: str) -> httpx.Client:
    """Open a new connection for each request: the service may close an idle one just as a request begins."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False, limits=limits)
