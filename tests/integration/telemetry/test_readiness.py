"""Probes of /readyz: their cost, and their response while a check takes long, on a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from api.telemetry.readiness import FRESH_SECONDS, PENDING
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.workers import WorkerRegistry
from tests.faults.wires.http_proxy import HttpProxy, S3Fault, proxy_before
from tests.jobs import worker_info
from tests.stacks.servers import wait_until
from tests.stacks.service import started

PROBES = 20


@pytest.fixture
def s3_proxy(s3_settings: Settings) -> Iterator[HttpProxy]:
    with proxy_before(s3_settings) as proxy:
        yield proxy


@pytest.fixture
def probe(app: Flask, settings: Settings, connection: redis.Redis, s3_proxy: HttpProxy) -> FlaskClient:
    """A client of a service that reaches S3 through the proxy and has a worker."""
    WorkerRegistry(connection).announce(worker_info())
    storage = Storage(settings.model_copy(update={"s3_endpoint_url": f"http://127.0.0.1:{s3_proxy.port}"}))
    return started(app, settings.model_copy(update={"worker_seen_seconds": 60}), storage)


def test_many_probes_cost_one_check(probe: FlaskClient, s3_proxy: HttpProxy) -> None:
    asked: list[str] = []
    s3_proxy.own_answer = lambda request: asked.append(request.method)
    assert [probe.get("/readyz").status_code for _ in range(PROBES)] == [200] * PROBES
    assert len(asked) < PROBES / 2  # one a second


def test_probes_wait_for_no_check_that_hangs(probe: FlaskClient, s3_proxy: HttpProxy) -> None:
    s3_proxy.inject(S3Fault.HOLD)
    with ThreadPoolExecutor(PROBES) as threads:
        first = threads.submit(lambda: probe.application.test_client().get("/readyz"))
        wait_until(lambda: s3_proxy.held == 1, what="a check that hangs")
        others = [probe.get("/readyz") for _ in range(PROBES)]
        assert {(answer.status_code, (answer.json or {})["bucket"]) for answer in others} == {(503, PENDING)}
        assert s3_proxy.held == 1
        s3_proxy.heal()
        assert first.result().status_code == 200
    assert probe.get("/readyz").status_code == 200


def test_a_change_is_seen_after_a_second(probe: FlaskClient, s3_proxy: HttpProxy) -> None:
    assert probe.get("/readyz").status_code == 200
    s3_proxy.inject(S3Fault.ERROR)
    wait_until(lambda: probe.get("/readyz").status_code == 503, FRESH_SECONDS + 20, "a 503")
    s3_proxy.heal()
    wait_until(lambda: probe.get("/readyz").status_code == 200, FRESH_SECONDS + 20, "a 200")
