"""A client with many pictures: it posts from a few threads, then waits on the server and does not poll in a
loop.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

THREADS = 4
WAIT_SECONDS = 20
TIMEOUT_SECONDS = 60
PAGE = 100
UNFINISHED = {"queued", "running", "canceling"}

JobJson = dict[str, Any]
Source = dict[str, str]


class JobsFailed(Exception):
    """Jobs failed, so the benchmark measured nothing."""


@contextmanager
def connected(url: str) -> Iterator[httpx.Client]:
    """Return a client that uses no proxy: all traffic stays on this machine."""
    with httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        yield client


def upload(client: httpx.Client, file: Path) -> str:
    """Announce a file and send it unless it is stored already; return its upload_id."""
    data = file.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    announced = {"sha256": digest, "bytes": len(data), "content_type": "image/jpeg"}
    place = checked(client.post("/v1/uploads", json=announced)).json()
    if not place["exists"]:
        checked(client.put(place["url"], content=data, headers=place["headers"]))
    return digest


def post_photo(client: httpx.Client, photo: Path, style_id: str, tag: str) -> str:
    """Post the photograph as multipart and the style by its id, in one request; return the id of the job."""
    fields = {"style": f'{{"upload_id":"{style_id}"}}', "tags": tag}
    files = {"content": (photo.name, photo.read_bytes(), "image/jpeg")}
    return str(checked(client.post("/v1/jobs", data=fields, files=files)).json()["id"])


def post_photos(client: httpx.Client, photos: Sequence[Path], style_id: str, tag: str) -> list[str]:
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(lambda photo: post_photo(client, photo, style_id, tag), photos))


def post_jobs(client: httpx.Client, count: int, content: Source, style: Source, tag: str) -> list[str]:
    """Submit `count` jobs on the same files, which are there already; return their ids."""
    job = {"content": content, "style": style, "tags": [tag]}

    def post(_: int) -> str:
        return str(checked(client.post("/v1/jobs", json=job)).json()["id"])

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(post, range(count)))


def wait_for_all(client: httpx.Client, job_ids: Sequence[str], tag: str) -> list[JobJson]:
    """Return all jobs of the tag once they have ended; the service holds a request on the newest unfinished
    one.

    Raises:
        JobsFailed: a job ended without a picture, or is missing.
    """
    newest = job_ids[-1]
    while True:
        checked(client.get(f"/v1/jobs/{newest}", params={"wait": WAIT_SECONDS}))
        jobs = list(listed_jobs(client, tag=tag))
        unfinished = [job["id"] for job in jobs if job["status"] in UNFINISHED]
        if not unfinished:
            break
        newest = unfinished[0]
    failed = [job for job in jobs if job["status"] != "succeeded"]
    if failed or {job["id"] for job in jobs} != set(job_ids):
        raise JobsFailed(f"{len(failed)} of {len(job_ids)} jobs failed, {len(jobs)} are listed: {failed[:1]}")
    return jobs


def wait_for_workers(client: httpx.Client, count: int, seconds: float = 120) -> None:
    """Wait until so many workers have announced themselves; a stack is ready with the first one."""
    deadline = time.monotonic() + seconds
    while len(checked(client.get("/v1/workers")).json()["workers"]) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{count} workers were not there within {seconds:g} s")
        time.sleep(0.1)


def listed_jobs(client: httpx.Client, **query: str | int) -> Iterator[JobJson]:
    """Yield the service's jobs, newest first; `query` chooses among them."""
    cursor: dict[str, str] = {}
    while True:
        page = checked(client.get("/v1/jobs", params={"limit": PAGE, **query, **cursor})).json()
        yield from page["jobs"]
        if page.get("next_cursor") is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def checked(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise JobsFailed(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"
        )
    return answer
