"""A job is followed from its submission to its end, through every process, by its lines and by its spans."""

from __future__ import annotations

import json
import random
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from local.api_server import api_answers, api_url
from shared.policy.object_keys import upload_key
from shared.wire.records import FINAL
from tests.faults.mixtures.crowd import Crowd, ndjson
from tests.faults.stand_ins.orders import ModelAction, Order
from tests.stacks.fault_stack import FaultStack, running_stack
from tests.stacks.otlp_receiver import Collector, Received, running_collector
from tests.stacks.ports import free_port
from tests.stacks.programs import Program
from tests.stacks.servers import wait_until
from tests.stacks.service import NDJSON, OWNER

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CANARY = "canary5eb1f0c2"
KEY = f"sq_0123456789ab_{CANARY}{'x' * 29}"
EVIL = {  # headers that a client may send
    "X-Request-Id": [KEY, "x" * 8000, "a b", "\x1b[2J"],
    "traceparent": [KEY, "0" * 8000, f"00-{TRACE}-{SPAN}-01-{CANARY}", "00-" + "0" * 32 + f"-{SPAN}-01"],
    "tracestate": [f"a={KEY}", f"a={'x' * 8000}", "a=\x1b[2J", ","],
}
MEMBERS = {"timestamp", "level", "event", "logger", "service", "version", "host", "pid"}
STAGES = {"fetch", "decode", "style", "model", "encode", "put"}


@dataclass
class Followed:
    """A stack that was used, and all that it wrote."""

    stack: FaultStack
    api: Program
    collector: Collector
    url: str
    crowd: Crowd
    jobs: dict[str, str] = field(default_factory=dict)  # ids by request id
    batch: str = ""

    def submit(self, request_id: str, order: Order, **members: Any) -> str:
        headers = {"X-Request-Id": request_id}
        if request_id == "traced":
            headers |= {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=1"}
        body = self.crowd.line(order.picture(), **members)
        answer = self.client().post("/v1/jobs", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        assert answer.headers["X-Request-Id"] == request_id
        self.jobs[request_id] = answer.json()["id"]
        return self.jobs[request_id]

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def until_ended(self, *request_ids: str) -> None:
        def all_have() -> bool:
            with self.client() as client:
                jobs = [client.get(f"/v1/jobs/{self.jobs[each]}").json() for each in request_ids]
            return all(job["status"] in FINAL for job in jobs)

        self.stack.until(all_have, 60)

    def lines(self) -> list[str]:
        """Return the lines of both programs."""
        return [line for log in (self.api.log, *self.worker_logs()) for line in log.splitlines()]

    def worker_logs(self) -> list[str]:
        return [worker.log for worker in self.stack.workers]

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines()]

    def of_job(self, request_id: str) -> list[dict[str, Any]]:
        job_id = self.jobs[request_id]
        return [line for line in self.events() if line.get("job_id") == job_id]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    chance, port = random.Random(1), free_port()
    with running_collector() as collector, running_stack(tmp_path_factory.mktemp("logs"), chance) as stack:
        told = {
            "STYLEQUEUE_LOG_FORMAT": "json",
            "STYLEQUEUE_LOG_LEVEL": "debug",
            "STYLEQUEUE_RETENTION_SECONDS": "3600",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        api = stack.start_api(port, name="json-api", **told)
        try:
            wait_until(lambda: api_answers(port, "/healthz"), 60, "an answer from the API")
            followed = Followed(stack, api, collector, api_url(port), Crowd(stack))
            _use(followed, told)
            yield followed
        finally:
            api.kill()


def _use(followed: Followed, told: dict[str, str]) -> None:
    """Let a job end in every possible way."""
    stack = followed.stack
    stack.start_workers(1, **told)
    stack.until_workers_are_there()
    followed.submit("traced", Order(variant=1))
    followed.submit("plain", Order(variant=2))
    followed.submit("no-room", Order(ModelAction.NO_ROOM), max_attempts=2)
    followed.submit(
        "no-picture", Order(variant=3), style={"url": f"s3://stylequeue/{upload_key(OWNER, '0' * 64)}"}
    )
    lines = ndjson(followed.crowd.lines(3))
    headers = {"X-Request-Id": "batch", "Content-Type": NDJSON}
    with followed.client() as client:
        followed.batch = client.post("/v1/batches", content=lines, headers=headers).json()["id"]
    followed.until_ended("traced", "plain", "no-room", "no-picture")
    followed.submit("killer", Order(ModelAction.KILL), max_attempts=1)
    followed.until_ended("killer")
    _be_evil(followed)
    stack.until(lambda: len(followed.collector.named("run job", batch_id=followed.batch)) == 3)
    (worker,) = stack.workers
    worker.send(signal.SIGTERM)
    wait_until(lambda: not worker.alive, 30, "the worker's end")
    followed.api.stop(20)


def _be_evil(followed: Followed) -> None:
    with followed.client() as client:
        for name, values in EVIL.items():
            for value in values:
                headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", name: value}
                answer = client.get("/v1/jobs/none", headers={k: v.encode() for k, v in headers.items()})
                assert answer.status_code in (400, 404)
    port = int(followed.url.rpartition(":")[2])
    for header in (f"X-Request-Id: a\n{CANARY}: {KEY}", f"X-Request-Id: a\r\n forged {KEY}", f"X {KEY}"):
        with socket.create_connection(("127.0.0.1", port), 10) as wire:
            wire.sendall(
                f"GET /nowhere HTTP/1.1\r\nHost: a\r\n{header}\r\nConnection: close\r\n\r\n".encode()
            )
            assert wire.recv(65536)


def test_every_line_of_every_process_is_json(followed: Followed) -> None:
    lines = followed.lines()
    assert len(lines) > 50
    for line in lines:
        assert line.isprintable()
        assert set(json.loads(line)) >= MEMBERS, line
    services = {line["service"] for line in followed.events()}
    assert services == {"api", "worker"}


@pytest.mark.parametrize(
    ("request_id", "events"),
    [
        ("plain", ["job accepted", "job started", "stage ended", "job ended"]),
        (
            "no-room",
            ["job accepted", "job started", "attempt ended", "job ended"],
        ),
        ("no-picture", ["job accepted", "job started", "job ended"]),
        ("killer", ["job accepted", "job started", "recovery action"]),
    ],
)
def test_every_line_of_a_jobs_path_says_which_job_and_which_request(
    followed: Followed, request_id: str, events: list[str]
) -> None:
    lines = followed.of_job(request_id)
    assert {line["event"] for line in lines} >= set(events)
    for line in lines:
        polled = line["event"] == "request" and line["method"] == "GET"  # a request of its own
        assert polled or line["request_id"] == request_id, line
    mentioned = [line for line in followed.lines() if followed.jobs[request_id] in line]
    assert len(mentioned) == len(lines)  # no line mentions it only in another member


def test_a_worker_writes_two_lines_for_each_attempt_at_a_job(followed: Followed) -> None:
    expected = {
        "plain": [("job started", "info"), ("job ended", "info")],
        "no-picture": [("job started", "info"), ("job ended", "warning")],
        "no-room": [
            ("job started", "info"),
            ("attempt ended", "warning"),
            ("job started", "info"),
            ("job ended", "warning"),
        ],
    }
    for request_id, events in expected.items():
        lines = [line for line in followed.of_job(request_id) if line["service"] == "worker"]
        assert [(line["event"], line["level"]) for line in lines if line["level"] != "debug"] == events
    (ended,) = [line for line in followed.of_job("no-picture") if line["event"] == "job ended"]
    assert (ended["outcome"], ended["code"], ended["stage"]) == ("failed", "source-not-found", "style")


def test_the_sweep_logs_a_lost_worker(followed: Followed) -> None:
    repaired = [line for line in followed.of_job("killer") if line["event"] == "recovery action"]
    (line,) = [line for line in repaired if line["action"] == "worker-lost"]
    assert (line["level"], line["service"]) == ("error", "worker")


def test_jobs_of_a_batch_say_its_request(followed: Followed) -> None:
    lines = [line for line in followed.events() if line.get("batch_id") == followed.batch]
    assert {line["event"] for line in lines} >= {"batch accepted", "job started", "job ended"}
    assert {line["request_id"] for line in lines} == {"batch"}
    assert len({line["job_id"] for line in lines if "job_id" in line}) == 3


def test_the_clients_trace_is_on_every_line_of_its_job(followed: Followed) -> None:
    own = [line for line in followed.of_job("traced") if line["request_id"] == "traced"]
    assert {line["service"] for line in own} == {"api", "worker"}
    assert {line["trace_id"] for line in own} == {TRACE}


def test_no_line_and_no_span_has_what_a_header_should_not_have_had(followed: Followed) -> None:
    everything = "\n".join(followed.lines()) + str(followed.collector.spans)
    assert CANARY not in everything
    assert "[hidden]" in everything
    assert not any(line.get("event") == "forged" for line in followed.events())
    assert max(map(len, followed.lines())) < 20_000


def _one(spans: list[Received]) -> Received:
    (span,) = spans
    return span


def test_a_job_is_one_trace_from_its_client_to_the_worker(followed: Followed) -> None:
    collector, job_id = followed.collector, followed.jobs["traced"]
    request = _one(collector.named("POST /v1/jobs", request_id="traced"))
    submit = _one(collector.named("submit job", job_id=job_id))
    run = _one(collector.named("run job", job_id=job_id))
    stages = [span for span in collector.spans if span.parent_id == run.span_id]
    assert (request.service, run.service) == ("stylequeue-api", "stylequeue-worker")
    assert (request.parent_id, submit.parent_id, run.parent_id) == (SPAN, request.span_id, submit.span_id)
    assert {span.name for span in stages} == STAGES
    assert {span.trace_id for span in (request, submit, run, *stages)} == {TRACE}
    assert {request.state, run.state} == {"a=1"}
    assert run.attributes["stylequeue.outcome"] == "succeeded"
    reads = [span for span in collector.named("get upload") if span.trace_id == TRACE]
    fetch = _one([span for span in stages if span.name == "fetch"])
    assert fetch.span_id in {span.parent_id for span in reads}


def test_a_retry_is_a_trace_of_its_own_that_names_the_submission(followed: Followed) -> None:
    collector, job_id = followed.collector, followed.jobs["no-room"]
    submit = _one(collector.named("submit job", job_id=job_id))
    first, second = (_one(collector.named("run job", job_id=job_id, attempt=attempt)) for attempt in (1, 2))
    assert (first.parent_id, first.links) == (submit.span_id, [])
    assert (second.parent_id, second.links) == ("", [(submit.trace_id, submit.span_id)])
    assert second.trace_id != submit.trace_id
    assert second.failed
    assert {line["trace_id"] for line in followed.of_job("no-room") if line.get("attempt") == 2} == {
        second.trace_id
    }


def test_jobs_of_a_batch_are_traces_of_their_own_that_name_its_submission(followed: Followed) -> None:
    submit = _one(followed.collector.named("submit batch", batch_id=followed.batch))
    runs = followed.collector.named("run job", batch_id=followed.batch)
    assert {tuple(run.links) for run in runs} == {((submit.trace_id, submit.span_id),)}
    assert len({run.trace_id for run in runs} | {submit.trace_id}) == 4


def test_an_error_is_a_code_without_its_words(followed: Followed) -> None:
    style = _one([span for span in followed.collector.named("style") if span.failed])
    assert style.attributes["error.type"] == "source-not-found"
    assert {span.events for span in followed.collector.spans} == {0}


def test_probes_are_no_spans(followed: Followed) -> None:
    assert not [span for span in followed.collector.spans if "health" in span.name or "ready" in span.name]
