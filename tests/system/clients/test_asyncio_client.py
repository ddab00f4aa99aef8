"""The client for asyncio against a real service, and the example of its page."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest

from client import AsyncStyleQueue, RequestRefused, WaitTimeout
from samples import content_paths, style_paths
from shared.wire.batch_descriptors import BatchJob
from shared.wire.params import Params
from shared.wire.records import JobStatus
from tests.system.clients.conftest import Service

ROOT = Path(__file__).resolve().parents[3]
CONTENT, STYLE = content_paths()[0], style_paths()[0]
SMALL = Params(max_side=64)
MORE_THAN_CONNECTIONS = 130  # httpx opens a hundred


def with_queue(service: Service, step: Callable[[AsyncStyleQueue], Awaitable[None]]) -> None:
    async def main() -> None:
        async with AsyncStyleQueue(service.url, api_key=service.key) as queue:
            await step(queue)

    asyncio.run(main())


def test_tasks_beyond_the_connections_wait_for_their_jobs_at_once(service: Service, tmp_path: Path) -> None:
    async def paint(queue: AsyncStyleQueue) -> None:
        content, style = await queue.source(CONTENT), await queue.source(STYLE)

        async def one() -> Path:
            job = await queue.wait(await queue.submit(content, style, params=SMALL), timeout_seconds=60)
            assert job.status is JobStatus.SUCCEEDED
            path = await queue.save(job, tmp_path)
            assert job.result
            assert job.result.sha256 == sha256(path.read_bytes()).hexdigest()
            return path

        assert len(set(await asyncio.gather(*(one() for _ in range(MORE_THAN_CONNECTIONS))))) == 130

    with_queue(service, paint)


def test_a_batch_is_submitted_followed_and_read(service: Service, tmp_path: Path) -> None:
    async def paint(queue: AsyncStyleQueue) -> None:
        content, style = await queue.source(CONTENT.read_bytes()), await queue.source(STYLE)
        jobs = (BatchJob(content=content, style=style, params=SMALL, custom_id=str(n)) for n in range(3))
        batch = await queue.batches.submit(jobs)
        seen: list[int] = []
        ended = await queue.batches.wait(batch, on_change=lambda state: seen.append(state.seq))
        assert ended.counts[JobStatus.SUCCEEDED] == 3
        assert seen == sorted(set(seen))
        async for row in queue.batches.results(batch.id):
            await queue.batches.save(row, tmp_path / f"{row.line}.jpg")
        assert [path.name for path in sorted(tmp_path.iterdir())] == ["1.jpg", "2.jpg", "3.jpg"]
        assert {job.custom_id async for job in queue.batches.jobs(batch.id)} == {"0", "1", "2"}

    with_queue(service, paint)


def test_errors_are_those_of_the_blocking_client(service: Service) -> None:
    async def err(queue: AsyncStyleQueue) -> None:
        with pytest.raises(RequestRefused) as missing:
            await queue.job("job_" + "0" * 32)
        assert (missing.value.status, missing.value.code) == (404, "job-not-found")
        with pytest.raises(RequestRefused) as refused:
            await queue.submit(CONTENT, STYLE, webhook="https://127.0.0.1/hook")
        assert refused.value.pointer == "/webhook/url"
        assert refused.value.detail.endswith("STYLEQUEUE_WEBHOOK_ALLOWED_HOSTS")

    with_queue(service, err)


def test_other_tasks_run_while_one_waits_and_a_canceled_task_leaves_the_client_usable(
    service: Service,
) -> None:
    async def cancel(queue: AsyncStyleQueue) -> None:
        slow = await queue.submit(
            CONTENT, STYLE, params=Params(method="optimize")
        )  # no worker serves its lane
        waiting = asyncio.create_task(queue.wait(slow))
        with pytest.raises(WaitTimeout):
            await queue.wait(slow, timeout_seconds=0.2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await queue.cancel(slow.id)).status is JobStatus.CANCELED

    with_queue(service, cancel)


def test_the_example_of_the_page_paints(service: Service, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "22-clients.md").read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?AsyncStyleQueue.*?)^```", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    (tmp_path / "example.py").write_text(example.replace("http://127.0.0.1:8080", service.url))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "STYLEQUEUE_API_KEY": service.key}
    command = [sys.executable, "example.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (
        len(done.stdout.splitlines()) == len(list((tmp_path / "painted").iterdir())) == len(content_paths())
    )
