"""`stylequeue webhooks` and the client's methods for it, against a loopback service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client import RequestRefused
from shared.wire.batch_descriptors import BatchJob, BatchWebhook
from shared.wire.descriptors import JobWebhook
from shared.wire.sources import UrlSource
from tests.unit.batch_service import BatchService, batch_view
from tests.unit.client_server import URL, Answer, Loopback, Request, Wire, job, problem
from tests.unit.command_service import run

HOOK = "https://hooks.example.org/in"
MOMENT = "2026-01-02T03:04:05Z"
REFUSED = {"at": MOMENT, "duration_ms": 12.0, "status_code": 500, "reason": "The receiver returned 500"}
TAKEN = {"at": MOMENT, "duration_ms": 3.0, "status_code": 204}


def delivery(delivery_id: str, status: str = "delivered") -> dict[str, Any]:
    log = [{**REFUSED, "answer": "out of order"}, TAKEN]
    about = {"type": "job.succeeded", "url": HOOK, "job_id": "job_1", "attempts": 2, "created_at": MOMENT}
    return {"id": delivery_id, "status": status, **about, "last_attempt": TAKEN, "log": log}


class Log(Loopback):
    """Three deliveries; it records the requests."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.ids = ["msg_3", "msg_2", "msg_1"]

    def _answer(self, request: Request) -> Answer:
        fixed = {
            "GET /healthz": Answer(200, {}),
            "GET /v1/webhooks/secret": Answer(200, {"secret": "whsec_old", "old_secret_signs_until": None}),
            "POST /v1/webhooks/secret/rotate": Answer(
                200, {"secret": "whsec_new", "old_secret_signs_until": MOMENT}
            ),
            "POST /v1/webhooks/test": Answer(202, delivery("msg_9", "pending")),
        }
        if request.route == "GET /v1/webhooks/deliveries":
            return self._page(request)
        return fixed.get(request.route) or self._one(request)

    def _one(self, request: Request) -> Answer:
        found = request.path.split("/")[4]
        if found not in self.ids:
            return problem(404, "delivery-not-found", f"There is no delivery {found}.")
        return Answer(202 if request.route.startswith("POST") else 200, delivery(found))

    def _page(self, request: Request) -> Answer:
        start = int(request.query.get("cursor", 0))
        end = start + int(request.query["limit"])
        more = {"next_cursor": str(end)} if end < len(self.ids) else {}
        return Answer(200, {"deliveries": list(map(delivery, self.ids[start:end])), **more})


@pytest.fixture
def log() -> Iterator[Log]:
    with Log() as service:
        yield service


def test_the_list_goes_on_to_the_next_page_and_asks_for_what_is_wanted(log: Log) -> None:
    result = run(log.url, "webhooks", "list", "--limit", "2")
    assert [line.split()[0] for line in result.output.splitlines() if "msg_" in line] == ["msg_3", "msg_2"]
    run(log.url, "webhooks", "list", "--job", "job_1", "--batch", "batch_1", "--status", "failed")
    asked = log.asked("GET /v1/webhooks/deliveries")[-1].query
    assert asked == {"limit": "20", "status": "failed", "job_id": "job_1", "batch_id": "batch_1"}
    log.ids.clear()
    assert run(log.url, "webhooks", "list").output == "No deliveries.\n"


def test_a_delivery_is_shown_with_its_attempts(log: Log) -> None:
    output = run(log.url, "webhooks", "show", "msg_2").output
    for word in ("job.succeeded", "job_1", HOOK, "The receiver returned 500", "out of order", "204"):
        assert word in output
    as_json = json.loads(run(log.url, "webhooks", "show", "msg_2", "--json").output)
    assert [attempt["status_code"] for attempt in as_json["log"]] == [500, 204]
    missing = run(log.url, "webhooks", "show", "msg_0")
    assert (missing.exit_code, missing.output) == (1, "Error: There is no delivery msg_0.\n")


def test_deliveries_are_sent_again(log: Log) -> None:
    output = run(log.url, "webhooks", "redeliver", "msg_1", "msg_2").output
    assert output == "2 delivery(s) will be sent again.\n"
    assert len(log.asked("POST /v1/webhooks/deliveries/msg_1/redeliver")) == 1


def test_the_secret_is_printed_and_nothing_else_unless_another_one_signs_too(log: Log) -> None:
    assert run(log.url, "webhooks", "secret").stdout == "whsec_old\n"
    rotated = run(log.url, "webhooks", "secret", "--rotate")
    assert rotated.stdout == "whsec_new\n"
    assert "also signed with the previous secret" in rotated.stderr


def test_a_test_event_is_sent(log: Log) -> None:
    assert "stylequeue webhooks show msg_9" in run(log.url, "webhooks", "test", HOOK).output
    assert json.loads(log.asked("POST /v1/webhooks/test")[0].body) == {"url": HOOK}


def test_a_test_event_to_what_is_no_url_is_refused_before_anything_is_sent(log: Log, wire: Wire) -> None:
    result = run(log.url, "webhooks", "test", "receiver")
    assert (result.exit_code, log.requests) == (2, [])
    assert "receiver is not an https:// URL" in result.output
    with pytest.raises(RequestRefused, match="/url"):
        wire.queue.webhooks.test("receiver")


def test_a_job_and_a_batch_show_their_webhook(wire: Wire) -> None:
    wire.service.on("POST /v1/jobs", Answer(202, job()), Answer(202, job()))
    wire.service.on("POST /v1/batches", Answer(202, batch_view()))
    wire.queue.submit(URL, URL, webhook=HOOK)
    wire.queue.submit(URL, URL, webhook=JobWebhook(url=HOOK, events=("job.failed",)))  # type: ignore[arg-type]
    sent = [json.loads(request.body)["webhook"] for request in wire.service.asked("POST /v1/jobs")]
    assert [each["url"] for each in sent] == [HOOK, HOOK]
    assert sent[1]["events"] == ["job.failed"]
    source = UrlSource(url=URL)
    wire.queue.batches.submit([BatchJob(content=source, style=source)], webhook=BatchWebhook(url=HOOK))
    headers = wire.service.asked("POST /v1/batches")[0].headers
    assert headers["webhook-url"] == HOOK
    assert headers["webhook-events"] == "batch.completed,batch.canceled,batch.failed"


def test_submit_shows_its_webhook_and_makes_no_picture_again_for_another_receiver(
    bulk: BatchService, photos: Path, tmp_path: Path
) -> None:
    command = ["submit", photos / "cat.jpg", "--style", URL, "--out", tmp_path / "out"]
    assert run(bulk.url, *command, "--webhook", HOOK).exit_code == 0
    (post,) = bulk.asked("POST /v1/batches")
    assert post.headers["webhook-url"] == HOOK
    assert "Nothing to submit" in run(bulk.url, *command, "--webhook", HOOK).output
    assert "1 are already there" in run(bulk.url, *command).output
    wrong = run(bulk.url, *command, "--webhook", "mailto:a@example.org")
    assert (wrong.exit_code, "is not an https:// URL" in wrong.output) == (2, True)
