"""A client that submits one batch of the lane `bulk` over uploaded files and waits for its end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx

from bench.clients.bulk_batches import NDJSON
from bench.clients.bulk_client import THREADS, WAIT_SECONDS, JobJson, JobsFailed, checked, listed_jobs, upload
from bench.measures.report import rate_between

MIDDLE = 0.2, 0.8  # of the ended jobs
FINAL = {"completed", "canceled", "failed"}


def upload_all(client: httpx.Client, files: Sequence[Path]) -> list[str]:
    """Upload the files from a few threads; return their upload_ids."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(lambda file: upload(client, file), files))


def bulk_job(content: str, style: str, **params: Any) -> JobJson:
    return {
        "content": {"upload_id": content},
        "style": {"upload_id": style},
        "lane": "bulk",
        "params": params,
    }


def bulk_jobs(contents: Sequence[str], style: str, count: int) -> list[JobJson]:
    """Return `count` jobs that take the contents in turn."""
    return [bulk_job(content, style) for content in islice(cycle(contents), count)]


def submit(client: httpx.Client, jobs: Sequence[JobJson]) -> str:
    """Submit the jobs as one batch; return its path.

    Raises:
        JobsFailed: the service rejected a job.
    """
    body = "\n".join(map(json.dumps, jobs)).encode()
    batch = checked(client.post("/v1/batches", content=body, headers=NDJSON)).json()
    if batch["total"] != len(jobs):
        raise JobsFailed(f"the batch has {batch['total']} of {len(jobs)} jobs: {batch}")
    return f"/v1/batches/{batch['id']}"


def wait_for_batch(client: httpx.Client, batch: str) -> int:
    """Return how many jobs failed, once the batch has ended; the service holds the requests."""
    while (state := checked(client.get(batch, params={"wait": WAIT_SECONDS})).json())["status"] not in FINAL:
        pass
    return int(state["total"]) - int(state["counts"]["succeeded"])


def jobs_of(client: httpx.Client, batch: str) -> Iterator[JobJson]:
    return listed_jobs(client, batch_id=batch.rpartition("/")[2])


def end_moments(jobs: Sequence[JobJson]) -> list[float]:
    """Return the moments at which the jobs ended, in seconds."""
    return [datetime.fromisoformat(job["finished_at"]).timestamp() for job in jobs]


def middle_rate(jobs: Sequence[JobJson]) -> float:
    """Return jobs per second without the filling and the emptying of the pipeline."""
    first, last = (int(share * len(jobs)) for share in MIDDLE)
    return rate_between(end_moments(jobs), first, last)
