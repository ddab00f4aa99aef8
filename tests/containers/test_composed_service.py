"""docker-compose.yml as it really runs: containers, their rights, batches through them, in this order."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import httpx
import pytest

from client import StyleQueue
from samples import style_paths
from shared.wire.descriptors import Lane
from shared.wire.records import JobView, WorkerInfo
from tests.containers.composed_service import ComposedService, container
from tests.containers.conftest import REPORT
from tests.containers.engine import Engine
from tests.files.pictures import photo
from tests.stacks.compose_stack import BIN
from tests.stacks.servers import wait_until

GOING_ON = ("redis", "seaweedfs", "api", "worker")
USERS = {"redis": "redis", "seaweedfs": "seaweed", "api": "stylequeue", "worker": "stylequeue"}
SIDE = 384
MANY = 200
BATCH_SECONDS = 240
ANSWER_SECONDS = 60  # while other programs take the processors

pytestmark = pytest.mark.timeout(1800)  # the first test waits for all images


@pytest.fixture(scope="module")
def service(
    engine: Engine, images: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComposedService]:
    """Everything that `up --scale worker=2` starts but worker-optimize, with a first key."""
    composed = ComposedService(engine, tmp_path_factory.mktemp("composed"))
    try:
        composed.key = composed.operator("stylequeue", "keys", "create", "me", "--admin")
        composed.start("api")
        composed.start("worker", scale=2)
        composed.wait_for_health("api")
        composed.wait_for_health("worker", scale=2)
        wait_until(lambda: answered(f"{composed.url}/readyz").status_code == 200, 120, "readiness")
        yield composed
        times = (f"{name} {seconds:.0f} s" for name, seconds in composed.seconds.items())
        REPORT.append(f"healthy after: {', '.join(times)}")
    finally:
        for name in composed.containers():
            (tmp_path_factory.getbasetemp() / f"{name}.log").write_text(
                engine.podman("logs", name, check=False)
            )


def answered(url: str, key: str = "") -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.get(url, headers=headers, follow_redirects=True, timeout=ANSWER_SECONDS)


class Batch:
    """Photographs of different sizes that `stylequeue submit` sends from outside, in the background."""

    def __init__(self, service: ComposedService, folder: Path, number: int) -> None:
        self._queue = StyleQueue(service.url, api_key=service.key)
        self._others = {job.id for job in self._queue.jobs(limit=1).jobs}
        self._out = folder / "out"
        self.number = number
        (folder / "photos").mkdir()
        for index in range(number):
            photo(SIDE, SIDE - index % 200).save(folder / "photos" / f"{index}.png")
        options = ["--style", str(style_paths()[0]), "--out", str(self._out), "--max-side", str(SIDE)]
        self._process = subprocess.Popen(
            [str(BIN / "stylequeue"), "submit", str(folder / "photos"), *options],
            env={"PATH": str(BIN), "STYLEQUEUE_API": service.url, "STYLEQUEUE_API_KEY": service.key},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def paint_when_all_wait(self) -> None:
        """Let no job start before all are there, so that each worker has some in hand."""
        self._queue.operations.pause(Lane.BULK)
        wait_until(lambda: len(self.jobs()) == self.number, 120, "all jobs")
        self._queue.operations.resume(Lane.BULK)
        wait_until(lambda: self.has_painted(5), 120, "the first pictures")

    def jobs(self) -> list[JobView]:
        """Return this batch's jobs, newest first."""
        return list(takewhile(lambda job: job.id not in self._others, self._queue.iter_jobs(page_size=100)))

    def busiest_worker(self) -> WorkerInfo | None:
        """Return the worker with most jobs, whose host is its container's id; None while all are idle."""
        worker = max(self._queue.operations.workers(), key=lambda worker: worker.busy)
        return worker if worker.busy else None

    def has_painted(self, number: int) -> bool:
        return sum(job.status == "succeeded" for job in self.jobs()) >= number

    def attempts(self) -> list[int]:
        """Wait for the end; check that each photograph was painted once; return how often each was begun."""
        printed, _ = self._process.communicate(timeout=BATCH_SECONDS)
        assert self._process.returncode == 0, printed
        jobs = self.jobs()
        assert [job.status for job in jobs] == ["succeeded"] * self.number
        assert len({job.result.key for job in jobs if job.result}) == self.number
        assert len(list(self._out.glob("*.jpg"))) == self.number
        return [job.attempt for job in jobs]


def test_a_batch_is_painted(service: ComposedService, tmp_path: Path) -> None:
    assert Batch(service, tmp_path, 8).attempts() == [1] * 8


@pytest.mark.parametrize("name", GOING_ON)
def test_a_container_succeeds_at_its_own_health_check(service: ComposedService, name: str) -> None:
    assert service.is_healthy(container(name))


@pytest.mark.parametrize("name", GOING_ON)
def test_nothing_runs_as_root(service: ComposedService, engine: Engine, name: str) -> None:
    _, *users = engine.podman("top", container(name), "user").split()
    assert set(users) == {USERS[name]}


@pytest.mark.parametrize("name", GOING_ON)
def test_a_process_has_no_rights_and_writes_only_where_it_may(
    service: ComposedService, engine: Engine, name: str
) -> None:
    status = engine.podman("exec", container(name), "cat", "/proc/1/status")
    assert re.findall(r"^Cap(?:Prm|Eff|Bnd):\s+(\w+)", status, re.MULTILINE) == ["0" * 16] * 3
    assert re.findall(r"^NoNewPrivs:\s+(\d)", status, re.MULTILINE) == ["1"]
    assert not engine.succeeds("exec", container(name), "touch", "/etc/mine")


def test_redis_has_no_way_out_and_meets_no_storage(service: ComposedService, engine: Engine) -> None:
    routes = engine.podman("exec", container("redis"), "cat", "/proc/net/route").splitlines()[1:]
    assert routes
    assert "00000000" not in {route.split()[1] for route in routes}
    assert "redis" in engine.podman("exec", container("worker"), "getent", "hosts", "redis")
    assert not engine.succeeds("exec", container("seaweedfs"), "getent", "hosts", "redis")


def test_a_killed_worker_of_three_loses_nothing(
    service: ComposedService, engine: Engine, tmp_path: Path
) -> None:
    service.start("worker", scale=3)
    service.wait_for_health("worker", scale=3)
    batch = Batch(service, tmp_path, MANY)
    batch.paint_when_all_wait()
    killed = wait_until(batch.busiest_worker, 60, "a worker with jobs in hand")
    engine.podman("kill", killed.host)
    attempts = batch.attempts()
    REPORT.append(
        f"{MANY} pictures: the worker of 3 that was killed held {killed.busy}, and all were painted"
    )
    assert set(attempts) <= {1, 2}  # an attempt counts only for a job that was alone in its process
    engine.podman("rm", killed.host)


def test_workers_are_replaced_one_by_one_and_no_job_begins_twice(
    service: ComposedService, tmp_path: Path
) -> None:
    """Two workers are there; each stops amid a batch that the other finishes."""
    number = 100
    for stopped in [name for name in service.containers() if "_worker_" in name]:
        folder = tmp_path / stopped
        folder.mkdir()
        batch = Batch(service, folder, number)
        batch.paint_when_all_wait()
        service.remove(stopped)
        assert batch.attempts() == [1] * number
        service.start("worker", scale=2)
        service.wait_for_health("worker", scale=2)


def test_down_and_up_keep_jobs_pictures_and_keys(service: ComposedService, tmp_path: Path) -> None:
    with StyleQueue(service.url, api_key=service.key) as queue:
        before = queue.jobs(limit=1).jobs[0]
    service.down()
    assert service.containers() == []
    service.start("api")
    service.wait_for_health("api")
    with StyleQueue(service.url, api_key=service.key) as queue:
        assert queue.job(before.id) == before
    assert before.result
    picture = answered(before.result.url, service.key)
    assert picture.headers["content-type"] == "image/jpeg"
    service.start("worker")
    assert Batch(service, tmp_path, 4).attempts() == [1] * 4
