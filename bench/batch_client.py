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

from bench.bulk_batches import NDJSON
from bench.bulk_client import PAGE, THREADS, WAIT_SECONDS, JobJson, JobsFailed, checked, upload

FINAL = {"completed", "canceled", "failed"}


def upload_all(client: httpx.Client, files: Sequence[Path]) -> list[str]:
    """Upload the files from a few threads; return their upload_ids."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(lambda file: upload(client, file), files))


def submit(client: httpx.Client, contents: Sequence[str], style: str, count: int, **params: Any) -> str:
    """Submit `count` jobs that take the contents in turn; return the batch's path."""
    lines = (
        json.dumps(
            {
                "content": {"upload_id": content},
                "style": {"upload_id": style},
                "lane": "bulk",
                "params": params,
            }
        )
        for content in islice(cycle(contents), count)
    )
    body = "\n".join(lines).encode()
    batch = checked(client.post("/v1/batches", content=body, headers=NDJSON)).json()
    if batch["total"] != count:
        raise JobsFailed(f"the batch has {batch['total']} of {count} jobs: {batch}")
    return f"/v1/batches/{batch['id']}"


def wait_for_batch(client: httpx.Client, batch: str) -> None:
    """Return when the batch has ended; the service holds the requests.

    Raises:
        JobsFailed: not all of its jobs succeeded.
    """
    while (state := checked(client.get(batch, params={"wait": WAIT_SECONDS})).json())["status"] not in FINAL:
        pass
    if state["counts"]["succeeded"] != state["total"]:
        raise JobsFailed(f"the batch ended with {state['counts']}")


def jobs_of(client: httpx.Client, batch: str) -> Iterator[JobJson]:
    query: dict[str, str | int] = {"batch_id": batch.rpartition("/")[2], "limit": PAGE}
    while True:
        page = checked(client.get("/v1/jobs", params=query)).json()
        yield from page["jobs"]
        if page.get("next_cursor") is None:
            return
        query["cursor"] = page["next_cursor"]


def moments(jobs: Sequence[JobJson], member: str = "finished_at") -> list[float]:
    """Return a moment of each job, in seconds."""
    return [datetime.fromisoformat(job[member]).timestamp() for job in jobs]
