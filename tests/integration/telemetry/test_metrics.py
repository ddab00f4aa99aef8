"""The API's metrics: on a real Redis, and under Gunicorn with several processes."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
import redis
from flask import Flask

from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.workers import WorkerRegistry
from shared.telemetry.metrics_folder import VARIABLE
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import Scope
from shared.wire.records import JobStatus, WorkerInfo
from tests.access import as_owner
from tests.jobs import QUEUES, claimed, create, fail, let_time_pass, succeed, worker_info
from tests.scrapes import Scrape, scraped
from tests.stacks.gunicorn import answers, environment, gunicorn
from tests.stacks.ports import free_port
from tests.stacks.servers import running, wait_until
from tests.stacks.service import assert_problem, started

REQUESTS = "stylequeue_api_request_seconds_count"
JOB = "/v1/jobs"


@pytest.fixture
def app(
    module_app: Flask, settings: Settings, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> Flask:
    """The application on an empty Redis, in a process that counts alone, whatever another test
    has imported.
    """
    monkeypatch.delenv(VARIABLE, raising=False)
    started(module_app, settings)
    return module_app


def look(app: Flask) -> Scrape:
    return Scrape.of(app.test_client().get("/metrics").text)


def worker(worker_id: str, lanes: tuple[Lane, ...], *, draining: bool = False) -> WorkerInfo:
    return worker_info(worker_id, host="host", lanes=lanes, draining=draining)


def test_they_are_for_operators(app: Flask) -> None:
    user, admin = as_owner(app, "anna"), as_owner(app, "root", Scope.ADMIN)
    assert_problem(user.get("/metrics"), 403, "forbidden")
    assert admin.get("/metrics").mimetype == "text/plain"


def test_the_queue_is_reported_as_redis_has_it_lane_by_lane(
    app: Flask, store: JobStore, connection: redis.Redis
) -> None:
    for lane in ("high", "high", "bulk", "bulk", "bulk"):
        create(store, lane=lane)
    claimed(store, create(store, lane="normal"))
    connection.sadd("sq:paused", "bulk")
    scrape = look(app)
    waiting = {lane: scrape.value("stylequeue_queue_waiting_jobs", lane=lane) for lane in Lane}
    assert waiting == dict.fromkeys(Lane, 0) | {"high": 2, "bulk": 3}
    assert scrape.value("stylequeue_queue_running_jobs", lane="normal") == 1
    assert scrape.value("stylequeue_queue_oldest_waiting_seconds", lane="bulk") > 0
    assert scrape.value("stylequeue_queue_oldest_waiting_seconds", lane="normal") == 0
    assert (
        scrape.value("stylequeue_queue_paused") == scrape.value("stylequeue_queue_paused", lane="bulk") == 1
    )
    assert scrape.value("stylequeue_redis_up") == 1
    assert scrape.value("stylequeue_redis_memory_bytes") > 0


def test_workers_are_shown_as_they_were_last_seen(app: Flask, connection: redis.Redis) -> None:
    registry = WorkerRegistry(connection)
    registry.announce(worker("a", (Lane.HIGH, Lane.NORMAL)))
    connection.sadd("sq:held:a", "job_1", "job_2", "job_3")
    registry.announce(worker("b", (Lane.NORMAL,)))
    registry.announce(worker("c", (Lane.BULK,), draining=True))
    connection.sadd("sq:held:c", "job_4")
    scrape = look(app)
    assert {state: scrape.value("stylequeue_workers", state=state) for state in ("up", "draining")} == {
        "up": 2,
        "draining": 1,
    }
    assert scrape.value("stylequeue_worker_slots", state="busy") == 4
    assert scrape.value("stylequeue_worker_slots", state="free") == 5
    lanes = {lane: scrape.value("stylequeue_lane_workers", lane=lane) for lane in Lane}
    assert lanes == dict.fromkeys(Lane, 0) | {"high": 1, "normal": 2}


def test_ends_of_jobs_are_counted_whoever_ends_them_and_stay_when_records_go(
    app: Flask, store: JobStore, lanes: Lanes, connection: redis.Redis
) -> None:
    first = create(store)
    succeed(store, first)
    fail(store, create(store, lane="high"))
    store.cancel(create(store), "anna")
    create(store, lane="bulk", start_within=1)
    claimed(store, create(store))
    let_time_pass(connection, "deadlines")
    let_time_pass(connection, "leases")
    lanes.sweep(60, QUEUES)
    store.delete(first, "anna")
    scrape = look(app)
    ended = "stylequeue_jobs_ended_total"
    assert scrape.value(ended, lane="normal", outcome=JobStatus.SUCCEEDED) == 1
    assert scrape.value(ended, lane="normal", outcome=JobStatus.CANCELED) == 1
    assert scrape.value(ended, lane="high", outcome=JobStatus.FAILED) == 1
    assert scrape.value(ended, lane="bulk", outcome=JobStatus.EXPIRED) == 1
    assert scrape.value(ended) == 4
    assert scrape.value("stylequeue_jobs_failed_total", code="image-undecodable") == 1
    assert scrape.value("stylequeue_leases_lost_total", lane="normal") == 1
    assert scrape.value("stylequeue_last_sweep_age_seconds") < 60


def test_an_error_code_of_a_newer_worker_is_counted_as_another(app: Flask, connection: redis.Redis) -> None:
    connection.hset("sq:tallies", "failed:from-the-future", 7)
    scrape = look(app)
    assert scrape.value("stylequeue_jobs_failed_total", code="other") == 7
    assert scrape.value("stylequeue_jobs_failed_total") == 7


def test_labels_are_routes_and_never_what_a_client_sends(app: Flask) -> None:
    client = app.test_client()
    before = look(app)
    for path in ("/v1/jobs/canary-id", "/v1/no/such/canary", "/v1/batches/canary-id/jobs"):
        assert client.get(path).status_code == 404
    client.open(JOB, method="CANARY")
    scrape = look(app)
    assert "canary" not in str(scrape.families).lower()
    for labels in ({"route": "/v1/jobs/<job_id>"}, {"route": "none", "status": "4xx"}, {"method": "other"}):
        assert scrape.value(REQUESTS, **labels) > before.value(REQUESTS, **labels), labels


def test_a_held_request_is_not_a_slow_one(app: Flask, store: JobStore) -> None:
    route = {"route": "/v1/jobs/<job_id>"}
    job_id, before = create(store, owner="anonymous"), look(app)
    assert app.test_client().get(f"{JOB}/{job_id}?wait=1").status_code == 200
    scrape = look(app)
    held = "stylequeue_api_held_request_seconds_count"
    assert scrape.value(held) == before.value(held) + 1
    assert scrape.value(REQUESTS, **route) == before.value(REQUESTS, **route)
    in_progress = "stylequeue_api_requests_in_progress"
    assert scrape.value(in_progress) == before.value(in_progress) >= 1  # the scrape itself, both times


def test_errors_of_redis_and_s3_are_counted_by_operation(app: Flask, settings: Settings) -> None:
    operation = {"operation": "HeadBucket", "reason": "unreachable"}
    before = look(app)
    gone = Storage(settings.model_copy(update={"s3_endpoint_url": f"http://127.0.0.1:{free_port()}"}))
    client = started(app, settings, gone)
    assert client.get("/readyz").status_code == 503
    scrape = look(app)
    errors = "stylequeue_s3_errors_total"
    assert scrape.value(errors, **operation) == before.value(errors, **operation) + 1


def test_every_process_of_the_api_counts_and_nothing_is_forgotten_when_one_is_killed(
    settings: Settings, connection: redis.Redis, tmp_path: Path
) -> None:
    port = free_port()
    url, told = f"http://127.0.0.1:{port}", environment(settings)

    def polls() -> float:
        return scraped(url).value(REQUESTS, method="GET", route="/v1/jobs/<job_id>", status="4xx")

    with running(gunicorn(f"127.0.0.1:{port}", "--workers", "2"), tmp_path / "log", told) as master:
        wait_until(lambda: len(psutil.Process(master).children()) == 2, what="two processes")
        wait_until(lambda: answers(url), what="an answer")
        with ThreadPoolExecutor(8) as threads, httpx.Client(base_url=url, trust_env=False) as client:
            list(threads.map(lambda _: client.get(f"{JOB}/job_x"), range(60)))
        assert polls() == 60
        victims = psutil.Process(master).children()
        for victim in victims:
            os.kill(victim.pid, signal.SIGKILL)
            wait_until(lambda: answers(url), what="an answer")
            wait_until(
                lambda dead=victim: not dead.is_running() and len(psutil.Process(master).children()) == 2
            )
        assert polls() == 60
        (one, _) = psutil.Process(master).children()
        (folder,) = {Path(file.path).parent for file in one.open_files() if file.path.endswith(".db")}
        wait_until(lambda: not any(list(folder.glob(f"*_{victim.pid}.db")) for victim in victims))
    assert not folder.exists()
