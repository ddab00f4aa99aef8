"""Jobs and real worker processes whose model waits for the test."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from PIL import Image

from shared.broker.queue import Dispatcher, create_celery
from shared.policy.object_keys import upload_key
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.workers import WorkerRegistry
from shared.wire.descriptors import JobRequest
from shared.wire.records import FINAL, Job, JobStatus
from tests.files.pictures import saved
from tests.stacks.servers import wait_until
from tests.workers.slow_worker import ALWAYS_OPEN, CALLS, OPEN

OWNER = "anna"
START_SECONDS = 60
CELERY = (sys.executable, "-m", "celery", "-A")
QUIET = ("worker", "--loglevel", "WARNING", "--without-mingle", "--without-gossip", "--without-heartbeat")


class WorkerBench:
    """The jobs that a test submits, and its view of the workers."""

    def __init__(self, settings: Settings, connection: redis.Redis, folder: Path) -> None:
        self.settings, self.connection, self.folder = settings, connection, folder
        self.store, self.registry = JobStore(connection), WorkerRegistry(connection)
        self.storage = Storage(settings)
        self._celery = create_celery(settings)
        self.dispatcher = Dispatcher(Lanes(connection), self._celery, settings.dispatch_window)

    def submit(self, number: int, owner: str = OWNER, **members: object) -> list[str]:
        picture, style = (
            self.upload(saved(Image.new("RGB", (64, 48), color)), owner) for color in ("teal", "red")
        )
        return self.submit_pictures([picture] * number, style, owner, **members)

    def submit_pictures(
        self, contents: list[dict[str, str]], style: dict[str, str], owner: str = OWNER, **members: object
    ) -> list[str]:
        requests = [
            JobRequest.model_validate({"content": content, "style": style, **members}) for content in contents
        ]
        ids = self.store.create(owner, requests, max_attempts=3)
        self.dispatcher.dispatch()
        return ids

    def upload(self, data: bytes, owner: str = OWNER) -> dict[str, str]:
        upload_id = hashlib.sha256(data).hexdigest()
        self.storage.put(upload_key(owner, upload_id), data, "image/png")
        return {"upload_id": upload_id}

    @contextmanager
    def worker(
        self, name: str = "first", app: str = "tests.workers.slow_worker", **settings: object
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a process that takes jobs; kill it at the end if it lives."""
        own = self.settings.model_copy(update=settings)
        before = {worker.id for worker in self.registry.alive(60)}
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                [*CELERY, app, *QUIET, "--hostname", f"{name}@%h"],
                stdout=log,
                stderr=log,
                env={**os.environ, **own.to_environment()},
            )
        try:
            wait_until(
                lambda: (
                    {worker.id for worker in self.registry.alive(60)} - before or process.poll() is not None
                ),
                START_SECONDS,
                "a worker",
            )
            yield process
        finally:
            process.kill()
            process.wait()

    def log(self, name: str = "first") -> Path:
        return self.folder / f"{name}.log"

    def calls(self, number: int) -> None:
        """Wait until the model has been called so often."""
        wait_until(lambda: self.connection.llen(CALLS) >= number, what=f"{number} calls of the model")

    def let_end(self, number: int) -> None:
        self.connection.rpush(OPEN, *[""] * number)

    def let_all_end(self) -> None:
        self.connection.set(ALWAYS_OPEN, "")
        self.let_end(100)

    def jobs(self, ids: list[str]) -> list[Job]:
        return [self.store.get(job_id) for job_id in ids]

    def with_status(self, ids: list[str], status: JobStatus) -> int:
        return sum(job.status is status for job in self.jobs(ids))

    def wait_for_ends(self, ids: list[str], seconds: float = 60) -> list[Job]:
        wait_until(lambda: all(job.status in FINAL for job in self.jobs(ids)), seconds, "the jobs' ends")
        return self.jobs(ids)

    def close(self) -> None:
        self._celery.close()


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
