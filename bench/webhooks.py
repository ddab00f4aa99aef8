"""Compare a worker's processor time for one webhook with a bare POST of the same body by the same library."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from datetime import UTC, datetime
from pathlib import Path

import requests

from bench.measures.report import Pair, Report, alternately, median_ratio
from bench.measures.scratch import scratch_folder
from bench.stacks.servers import Servers, running_servers
from shared.settings import Settings
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.redis.connection import connect
from shared.store.webhooks.deliveries import Deliveries
from shared.store.webhooks.secrets import WebhookSecrets
from shared.telemetry.logs import configure_logs
from shared.wire.descriptors import JobRequest, JobWebhook
from shared.wire.sources import UploadSource
from shared.wire.webhook_records import DeliveryStatus
from worker.webhooks.payload import Payloads
from worker.webhooks.post import WebhookPost
from worker.webhooks.sender import WebhookSender, signed_headers

WEBHOOKS, ROUNDS = 1000, 3
OWNER = "bench"
GIVE_UP_SECONDS = 120


class Senders:
    """A webhook sender in this process, and the bare loop; the receiver is another process."""

    def __init__(self, servers: Servers, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/hook"
        settings = servers.settings.model_copy(update={"webhook_allowed_hosts": (f"127.0.0.1:{port}",)})
        self._redis = connect(settings.redis_url)
        self._store = JobStore(self._redis)
        self._deliveries = Deliveries(self._redis, 2 * WEBHOOKS)
        self._payloads = Payloads(self._store, BatchStore(self._redis), settings.public_url)
        self._sender = self._make_sender(settings)
        self._sender.start()
        self.redis_ms: list[float] = []
        self.rates: list[float] = []

    def _make_sender(self, settings: Settings) -> WebhookSender:
        secrets, post = WebhookSecrets(self._redis), WebhookPost(settings)
        return WebhookSender(self._deliveries, secrets, self._payloads, post, settings)

    def ours(self, _: int) -> float:
        """Return the milliseconds of this process for one webhook."""
        self._end_jobs()
        begin, redis_begin = time.perf_counter(), self._redis_seconds()
        spent = _milliseconds(self._sender.deliver)
        self.rates.append(WEBHOOKS / (time.perf_counter() - begin))
        self.redis_ms.append(1000 * (self._redis_seconds() - redis_begin) / WEBHOOKS)
        page = self._deliveries.page(OWNER, limit=1, status=DeliveryStatus.PENDING)
        assert not page.deliveries, "not all were delivered"
        return spent

    def theirs(self, _: int) -> float:
        """Return the same for a bare POST."""
        self._end_jobs(1)
        (due,) = self._deliveries.take(1, lease_seconds=0)
        body = self._payloads.of(due) or b""
        headers = signed_headers(due.id, datetime.now(UTC), body, [])
        with requests.Session() as session:

            def post_all() -> None:
                for _ in range(WEBHOOKS):
                    session.post(self._url, data=body, headers=headers, timeout=20).close()

            return _milliseconds(post_all)

    def _end_jobs(self, number: int = WEBHOOKS) -> None:
        source = UploadSource(upload_id="0" * 64)
        request = JobRequest(content=source, style=source, webhook=JobWebhook(url=self._url))
        for job_id in self._store.create(OWNER, [request] * number, max_attempts=1):
            self._store.cancel(job_id, OWNER)

    def _redis_seconds(self) -> float:
        cpu = self._redis.info("cpu")
        return float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])

    def close(self) -> None:
        self._sender.stop()
        self._redis.close()


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Log a line for each webhook, as a worker does."""
    with path.open("w") as log, redirect_stderr(log):
        configure_logs(Settings(log_format="json"), "worker")
        yield


def _milliseconds(step: Callable[[], None]) -> float:
    """Return this process' processor time for each webhook."""
    begin = time.process_time()
    step()
    return 1000 * (time.process_time() - begin) / WEBHOOKS


def main() -> None:
    report = Report("webhooks")
    with scratch_folder() as folder, running_servers(folder, {}) as servers, _log_to(folder / "log"):
        receiver = subprocess.Popen(
            [sys.executable, "-m", "bench.clients.webhook_receiver"], stdout=subprocess.PIPE, text=True
        )
        try:
            assert receiver.stdout
            senders = Senders(servers, int(receiver.stdout.readline()))
            pairs = alternately(senders.ours, senders.theirs, ROUNDS, lambda *round_: _say(report, *round_))
            senders.close()
        finally:
            receiver.kill()
            receiver.wait()
    redis_ms, rate = sorted(senders.redis_ms)[ROUNDS // 2], sorted(senders.rates)[ROUNDS // 2]
    report.say(f"Redis: {redis_ms:.2f} ms a webhook; one process, one host: {rate:.0f} webhooks/s")
    report.finish(median_ratio(pairs), pairs, redis_ms=redis_ms, webhooks_per_second=rate)


def _say(report: Report, number: int, pair: Pair) -> None:
    figures = f"{pair.ours:.2f} ms a webhook, {pair.theirs:.2f} ms a bare POST, ratio {pair.ratio:.2f}"
    report.say(f"round {number + 1}: {figures} (others took {pair.others:.2f} cores)")


if __name__ == "__main__":
    main()
