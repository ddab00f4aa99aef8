"""The log line of each request: its members, what it must not hold, and how many lines there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from flask import Flask

from api.telemetry import request_log
from api.telemetry.request_log import register_request_log
from api.telemetry.request_metrics import register_request_metrics
from shared.settings import Settings
from shared.store.api_keys import KeyStore
from shared.store.redis.connection import connect
from shared.wire.operations.api_key import Scope
from tests.stacks.service import PAIR, accepted, post_lines, rows, service


@pytest.fixture(scope="module")
def app(redis_url: str, s3_settings: Settings) -> Iterator[Flask]:
    connection = connect(redis_url)
    connection.flushdb()
    with service(s3_settings.model_copy(update={"redis_url": redis_url, "access_log": "all"})) as app:
        yield app
    connection.flushdb()
    connection.close()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The logged lines with their bound members; the cached logger may have been used before."""
    captured = structlog.testing.LogCapture()
    structlog.reset_defaults()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, captured])
    monkeypatch.setattr(request_log, "_log", structlog.get_logger())
    yield captured.entries
    structlog.reset_defaults()


def requests_in(lines: list[Any]) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == "request"]


def test_a_poll_is_one_line_without_the_path(app: Flask, lines: list[Any]) -> None:
    job = accepted(app.test_client().post("/v1/jobs", json=PAIR))
    lines.clear()
    answer = app.test_client().get(f"/v1/jobs/{job['id']}?wait=0", headers={"X-Request-Id": "r-1"})
    (line,) = lines
    assert line.pop("duration_ms") > 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "route": "/v1/jobs/<job_id>",
        "status": 200,
        "bytes": len(answer.data),
        "key_id": None,
        "job_id": job["id"],
        "request_id": "r-1",
    }


def test_a_submission_has_its_jobs_id_in_its_lines(app: Flask, lines: list[Any]) -> None:
    job = accepted(app.test_client().post("/v1/jobs", json=PAIR, headers={"X-Request-Id": "r-2"}))
    batch = accepted(post_lines(app.test_client(), PAIR, headers={"X-Request-Id": "r-3"}))
    by_event = {(line["event"], line["request_id"]): line for line in lines}
    assert by_event["job accepted", "r-2"]["job_id"] == job["id"]
    assert by_event["batch accepted", "r-3"]["batch_id"] == batch["id"]
    assert by_event["batch accepted", "r-3"]["jobs"] == 1


def test_a_stream_is_logged_at_its_end_with_all_its_bytes(app: Flask, lines: list[Any]) -> None:
    batch = accepted(post_lines(app.test_client(), PAIR, {"no": "job"}))
    lines.clear()
    answer = app.test_client().get(batch["links"]["rejected"])
    assert requests_in(lines) == []
    assert len(rows(answer)) == 1
    answer.close()
    (line,) = requests_in(lines)
    assert (line["bytes"], line["batch_id"]) == (len(answer.data), batch["id"])
    assert line["request_id"] == answer.headers["X-Request-Id"]


def test_a_key_is_known_by_its_id_and_never_shown(app: Flask, lines: list[Any], redis_url: str) -> None:
    connection = connect(redis_url)
    keys = KeyStore(connection)
    text, key = keys.create("anna", Scope.ADMIN)
    answer = app.test_client().get("/v1/jobs", headers={"Authorization": f"Bearer {text}"})
    keys.revoke(key.id)
    connection.delete("sq:keys")
    connection.close()
    assert answer.status_code == 200
    assert [line["key_id"] for line in requests_in(lines)] == [key.id]
    assert text[16:] not in str(lines)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere/canary", 404), ("GET", "/v1/jobs/canary", 404), ("BREW", "/v1/jobs", 405)],
)
def test_an_unknown_path_is_logged_without_the_clients_words(
    app: Flask, lines: list[Any], method: str, path: str, status: int
) -> None:
    app.test_client().open(path, method=method)
    (line,) = requests_in(lines)
    assert line["status"] == status
    assert "canary" not in str(lines)


def test_probes_are_heard_of_at_debug_level_only(app: Flask, lines: list[Any]) -> None:
    for probe in ("/healthz", "/readyz", "/metrics"):
        app.test_client().get(probe)
    assert {line["log_level"] for line in requests_in(lines)} == {"debug"}
    assert len(requests_in(lines)) == 3


@pytest.mark.parametrize(("wanted", "events"), [("all", 3), ("writes", 2), ("off", 0)])
def test_the_setting_says_which_requests_have_a_line(lines: list[Any], wanted: str, events: int) -> None:
    app = Flask(__name__)
    register_request_log(app, Settings.from_environment({"STYLEQUEUE_ACCESS_LOG": wanted}))
    register_request_metrics(app)  # which note when a request began
    app.add_url_rule("/", "root", lambda: "fine", methods=["GET", "POST"])
    for method, path in (("GET", "/"), ("POST", "/"), ("GET", "/nowhere")):
        app.test_client().open(path, method=method).close()
    assert len(requests_in(lines)) == events


def test_no_line_is_left_with_the_ids_of_a_request_that_is_over(app: Flask, lines: list[Any]) -> None:
    app.test_client().get("/v1/jobs")
    structlog.get_logger().info("later")
    assert "request_id" not in lines[-1]
