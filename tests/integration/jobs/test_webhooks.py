"""Webhooks from a job's end to a real receiver, which verifies them with the library."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from werkzeug.serving import make_server

from shared.errors import WebhookTargetForbidden, WebhookTargetUnavailable
from shared.policy.queue_limits import NO_LIMITS
from shared.settings import Settings
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.webhooks.deliveries import Deliveries
from shared.store.webhooks.secrets import WebhookSecrets
from shared.wire.batch_descriptors import BatchWebhook
from shared.wire.records import JobStatus
from shared.wire.webhook_records import BatchOutcome, DeliveryStatus, DeliveryView, JobOutcome
from tests.integration.guarded_http.servers import Network
from tests.jobs import MAX_ATTEMPTS, OWNER, RESULT, bulk, fail, finalize, job_ids, request, succeed
from tests.stacks.receiver import Handler, Receiver, holds, running_receiver, says
from tests.stacks.servers import wait_until
from worker.upkeep.periodic import Periodic
from worker.webhooks.payload import Payloads
from worker.webhooks.post import SHOWN_BYTES, WebhookPost
from worker.webhooks.sender import WebhookSender, signed_headers

ROOT = "https://api.example.org/"
TIMEOUT_SECONDS = 1.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def deliveries(connection: redis.Redis) -> Deliveries:
    return Deliveries(connection, 100)


@pytest.fixture
def secret(connection: redis.Redis) -> str:
    return WebhookSecrets(connection).get(OWNER).secret


@pytest.fixture
def send(connection: redis.Redis) -> Iterator[Callable[..., None]]:
    """Run a webhook sender that may send to these hosts."""
    running: list[tuple[WebhookSender, Periodic]] = []

    def start(
        *hosts: str,
        timeout_seconds: float = 20,
        delays: tuple[float, ...] = (0.05,) * 5,
        public_url: str | None = None,
    ) -> None:
        settings = Settings(
            webhook_allowed_hosts=hosts,
            webhook_retry_seconds=delays,
            webhook_timeout_seconds=timeout_seconds,
            public_url=public_url,
        )
        sender = WebhookSender(
            Deliveries(connection, 100),
            WebhookSecrets(connection),
            Payloads(JobStore(connection), BatchStore(connection), settings.public_url),
            WebhookPost(settings),
            settings,
        )
        sender.start()
        running.append((sender, Periodic("webhooks", 0.05, sender.deliver)))
        running[-1][1].start()

    yield start
    for sender, periodic in running:
        sender.stop()
        periodic.stop()


def hooked(store: JobStore, url: str, **members: object) -> str:
    wanted = [request(webhook={"url": url}, **members)]
    (job_id,) = store.create(OWNER, wanted, MAX_ATTEMPTS, root=ROOT)
    return job_id


def ended(deliveries: Deliveries, subject: str) -> DeliveryView:
    """Return the newest delivery of a job or batch once no attempt is left."""

    def view() -> DeliveryView:
        return deliveries.look(deliveries.page(OWNER, limit=1, subject=subject).deliveries[0].id, OWNER)

    wait_until(lambda: view().status is not DeliveryStatus.PENDING, what="the delivery's end")
    return view()


def test_the_webhook_of_a_jobs_end_is_signed_and_has_no_secrets(
    store: JobStore, deliveries: Deliveries, receiver: Receiver, send: Callable[..., None], secret: str
) -> None:
    job_id = hooked(store, receiver.url(), custom_id="a-1", tags=["blue"], metadata={"a": "b"})
    send(receiver.host)
    succeed(store, job_id)
    (received,) = receiver.until(1)
    event = received.event(secret)
    assert isinstance(event.data, JobOutcome)
    job = store.get(job_id)
    assert (event.type, event.timestamp) == ("job.succeeded", job.finished_at)
    assert (event.data.id, event.data.status, event.data.custom_id) == (job_id, JobStatus.SUCCEEDED, "a-1")
    assert (event.data.tags, event.data.metadata) == (("blue",), {"a": "b"})
    assert event.data.result is not None
    assert event.data.result.sha256 == RESULT.sha256
    assert event.data.links.self == f"{ROOT}v1/jobs/{job_id}"
    assert event.data.result.url == f"{ROOT}v1/jobs/{job_id}/result"
    assert RESULT.key.encode() not in received.body
    assert b"owner" not in received.body
    assert received.headers["content-type"] == "application/json"
    assert ended(deliveries, job_id).status is DeliveryStatus.DELIVERED


def test_links_lead_to_the_public_url_and_not_to_where_the_job_was_submitted(
    store: JobStore, batches: BatchStore, receiver: Receiver, send: Callable[..., None], secret: str
) -> None:
    public = "https://public.example/paint"
    batch_id, _ = batches.begin(OWNER, {}, None, webhook=BatchWebhook(url=receiver.url()), root=ROOT)
    batches.add(batch_id, OWNER, [(1, bulk(1)[0])], MAX_ATTEMPTS, NO_LIMITS)
    batches.commit(batch_id)
    succeed(store, *job_ids(batch_id, 1), job_id := hooked(store, receiver.url()))
    finalize(batches)
    send(receiver.host, public_url=public)
    links = {received.event(secret).data.links.self for received in receiver.until(2)}
    assert links == {f"{public}/v1/jobs/{job_id}", f"{public}/v1/batches/{batch_id}"}


def test_a_delivery_with_response_500_is_retried_with_the_same_id_and_body(
    store: JobStore, deliveries: Deliveries, receiver: Receiver, send: Callable[..., None], secret: str
) -> None:
    receiver.answers["/hook"] = [says(500, b"out of order"), says(503), says(200)]
    job_id = hooked(store, receiver.url())
    send(receiver.host)
    succeed(store, job_id)
    view = ended(deliveries, job_id)
    assert view.status is DeliveryStatus.DELIVERED
    assert [attempt.status_code for attempt in view.log] == [500, 503, 200]
    assert view.log[0].reason == "The receiver returned 500"
    assert view.log[0].answer == "out of order"
    received = receiver.at()
    assert {each.id for each in received} == {view.id}
    assert len({each.body for each in received}) == 1
    assert all(each.is_signed_with(secret) for each in received)


def test_a_redirect_is_refused(
    store: JobStore, deliveries: Deliveries, receiver: Receiver, send: Callable[..., None]
) -> None:
    receiver.answers["/hook"] = [says(status, Location=receiver.url("/elsewhere")) for status in (302, 307)]
    job_id = hooked(store, receiver.url())
    send(receiver.host, delays=(0.05,))
    succeed(store, job_id)
    view = ended(deliveries, job_id)
    assert view.status is DeliveryStatus.FAILED
    assert [attempt.status_code for attempt in view.log] == [302, 307]
    assert "redirects are not followed" in str(view.log[0].reason)
    assert receiver.at("/elsewhere") == []


def test_a_receiver_that_is_gone_is_sent_nothing_more_until_somebody_asks(
    store: JobStore, deliveries: Deliveries, receiver: Receiver, send: Callable[..., None]
) -> None:
    receiver.answers["/hook"] = [says(410), says(200)]
    job_id = hooked(store, receiver.url())
    send(receiver.host)
    succeed(store, job_id)
    gone = ended(deliveries, job_id)
    assert (gone.status, gone.attempts) == (DeliveryStatus.FAILED, 1)
    deliveries.redeliver(gone.id, OWNER)
    wait_until(lambda: deliveries.look(gone.id, OWNER).status is DeliveryStatus.DELIVERED)
    assert [each.id for each in receiver.at()] == [gone.id, gone.id]


def test_a_private_address_is_refused_in_the_url_and_behind_a_name(
    store: JobStore,
    deliveries: Deliveries,
    receiver: Receiver,
    send: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send()  # to public hosts only
    job_id = hooked(store, receiver.url())
    succeed(store, job_id)
    view = ended(deliveries, job_id)
    assert (view.status, view.attempts) == (DeliveryStatus.FAILED, 1)
    assert "https:// only" in str(view.log[0].reason)
    network = Network(monkeypatch)
    network.names["hooks.example.org"] = [["10.0.0.7"]]
    with pytest.raises(
        WebhookTargetForbidden, match=r"hooks\.example\.org leads to an address that is not public"
    ):
        WebhookPost(Settings()).send("https://hooks.example.org/in", {}, b"{}")
    assert ("10.0.0.7", 443) not in network.destinations
    assert receiver.received == []


def test_a_receiver_that_does_not_answer_holds_up_no_other(
    store: JobStore, receiver: Receiver, send: Callable[..., None]
) -> None:
    silence = threading.Event()
    receiver.answers["/hook"] = [holds(silence)]
    with running_receiver() as other:
        slow = [hooked(store, receiver.url()) for _ in range(10)]
        quick = [hooked(store, other.url()) for _ in range(10)]
        send(receiver.host, other.host)
        succeed(store, *slow)
        receiver.until(1)
        succeed(store, *quick)
        assert len(other.until(10)) == 10
        assert not silence.is_set()
        held = len(receiver.received)
        silence.set()
        receiver.until(10)
    assert held < 10


def test_an_answer_that_does_not_end_is_cut_and_read_no_further_than_is_shown(receiver: Receiver) -> None:
    def drip(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.05)

    def endless(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(b"e\n" * 1000)

    receiver.answers |= {"/drip": [drip], "/endless": [endless]}
    settings = Settings(webhook_allowed_hosts=(receiver.host,), webhook_timeout_seconds=TIMEOUT_SECONDS)
    post = WebhookPost(settings)
    with pytest.raises(WebhookTargetUnavailable, match=r"took longer than 1 s \(webhook_timeout_seconds\)"):
        post.send(receiver.url("/drip"), {}, b"{}")
    answer = post.send(receiver.url("/endless"), {}, b"{}")
    assert answer.status_code == 200
    assert answer.text == "e " * (SHOWN_BYTES // 2 - 1) + "e"


def test_while_a_secret_is_replaced_both_verify(
    store: JobStore, connection: redis.Redis, receiver: Receiver, send: Callable[..., None], secret: str
) -> None:
    new = WebhookSecrets(connection).rotate(OWNER).secret
    send(receiver.host)
    succeed(store, hooked(store, receiver.url()))
    (received,) = receiver.until(1)
    assert received.is_signed_with(secret)
    assert received.is_signed_with(new)
    assert not received.is_signed_with(WebhookSecrets(connection).get("bert").secret)


def test_the_webhook_of_a_job_that_was_retried_meanwhile_reports_the_first_end(
    store: JobStore, receiver: Receiver, send: Callable[..., None], secret: str
) -> None:
    job_id = hooked(store, receiver.url())
    fail(store, job_id)
    store.retry(job_id, OWNER)
    send(receiver.host)
    (received,) = receiver.until(1)
    event = received.event(secret)
    assert isinstance(event.data, JobOutcome)
    assert (event.type, event.data.status, event.data.attempt) == ("job.failed", JobStatus.FAILED, 1)
    assert event.data.error is not None
    assert event.data.error.code == "image-undecodable"
    succeed(store, job_id)
    assert [each.event(secret).type for each in receiver.until(2)] == ["job.failed", "job.succeeded"]


def test_the_webhook_of_a_batchs_end_has_its_counts(
    store: JobStore, batches: BatchStore, receiver: Receiver, send: Callable[..., None], secret: str
) -> None:
    batch_id, _ = batches.begin(OWNER, {"a": "b"}, None, webhook=BatchWebhook(url=receiver.url()), root=ROOT)
    batches.add(batch_id, OWNER, list(enumerate(bulk(3), 1)), MAX_ATTEMPTS, NO_LIMITS)
    batches.commit(batch_id)
    first, second, third = job_ids(batch_id, 3)
    succeed(store, first, second)
    fail(store, third)
    finalize(batches)
    send(receiver.host)
    (received,) = receiver.until(1)
    event = received.event(secret)
    assert isinstance(event.data, BatchOutcome)
    assert (event.type, event.data.id, event.data.total) == ("batch.completed", batch_id, 3)
    assert event.data.counts == {"succeeded": 2, "failed": 1, "canceled": 0, "expired": 0}
    assert event.data.metadata == {"a": "b"}
    assert event.data.links.output == f"{ROOT}v1/batches/{batch_id}/output"


def test_a_job_deleted_before_its_webhook_was_sent_is_not_told(
    store: JobStore, deliveries: Deliveries, receiver: Receiver, send: Callable[..., None]
) -> None:
    deleted, kept = hooked(store, receiver.url()), hooked(store, receiver.url())
    succeed(store, deleted, kept)
    store.delete(deleted, OWNER)
    send(receiver.host)
    assert ended(deliveries, kept).status is DeliveryStatus.DELIVERED
    assert len(receiver.at()) == 1


def test_the_receiver_in_the_docs_takes_what_is_ours_once_and_nothing_else(
    store: JobStore,
    deliveries: Deliveries,
    send: Callable[..., None],
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (Path(__file__).resolve().parents[3] / "docs/9-webhooks.md").read_text("utf-8")
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    program: dict[str, Any] = {"__name__": "receiver"}
    exec(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], program)
    server = make_server("127.0.0.1", 0, program["app"], threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/in"
    job_id = hooked(store, url)
    send(f"127.0.0.1:{server.server_port}")
    succeed(store, job_id)
    view = ended(deliveries, job_id)
    deliveries.redeliver(view.id, OWNER)
    wait_until(lambda: deliveries.look(view.id, OWNER).attempts == 2)
    assert deliveries.look(view.id, OWNER).status is DeliveryStatus.DELIVERED
    assert program["seen"] == {view.id}
    assert capsys.readouterr().out.count("job.succeeded {") == 1
    forged = signed_headers("msg_forged", datetime.now(UTC), b"{}", ["whsec_" + "A" * 32])
    assert httpx.post(url, content=b"{}", headers=forged).status_code == 401
    server.shutdown()
    server.server_close()
