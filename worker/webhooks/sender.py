"""Sends the webhooks that are due, signed and at least once each."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import SimpleQueue

import structlog
from standardwebhooks import Webhook

from shared.errors import StyleQueueError, WebhookTargetForbidden, WebhookTargetUnavailable
from shared.ids import JOB
from shared.settings import Settings
from shared.store.webhooks.deliveries import Deliveries, Outcome
from shared.store.webhooks.delivery_codec import DueDelivery
from shared.store.webhooks.secrets import WebhookSecrets
from shared.wire.webhook_records import Attempt
from worker.webhooks.payload import Payloads
from worker.webhooks.post import Answer, WebhookPost
from worker.webhooks.schedule import SUCCESS, outcome_of

SENDERS = 12  # threads of a process; they mostly wait
LOOK_SECONDS = 1.0  # between two looks for due deliveries
LEASE_MARGIN_SECONDS = 5.0  # for the steps around an attempt; if they take longer, it is sent twice
REDIRECTS = range(300, 400)
PATIENCE_SECONDS = 2.0  # for attempts in progress when the process stops


class WebhookSender:
    """Sends from several threads. When a lease ends, another process sends the delivery again."""

    def __init__(
        self,
        deliveries: Deliveries,
        secrets: WebhookSecrets,
        payloads: Payloads,
        post: WebhookPost,
        settings: Settings,
    ) -> None:
        self._deliveries = deliveries
        self._secrets = secrets
        self._payloads = payloads
        self._post = post
        self._delays = settings.webhook_retry_seconds
        self._lease_seconds = settings.webhook_timeout_seconds + LEASE_MARGIN_SECONDS
        self._leased: SimpleQueue[DueDelivery] = SimpleQueue()
        self._in_hand = 0
        self._lock = threading.Lock()
        self._one_ended = threading.Event()
        self._stopping = False
        self._senders = [
            threading.Thread(target=self._send_all, name=f"webhook-{number}", daemon=True)
            for number in range(SENDERS)
        ]

    def start(self) -> None:
        for sender in self._senders:
            sender.start()

    def stop(self) -> None:
        """Lease no more deliveries, and wait a moment for attempts in progress; the other leases end."""
        self._stopping = True
        end = time.monotonic() + PATIENCE_SECONDS
        while self._in_hand and time.monotonic() < end:
            self._one_ended.wait(0.1)
            self._one_ended.clear()

    def deliver(self) -> None:
        """Send all due deliveries; return when none is left.

        Raises:
            QueueUnavailable: Redis does not respond.
        """
        while not self._stopping:
            self._one_ended.clear()
            busy = self._in_hand  # read first: these attempts may lead to further due deliveries
            leased = self._deliveries.take(SENDERS - busy, self._lease_seconds) if busy < SENDERS else []
            with self._lock:
                self._in_hand += len(leased)
            for due in leased:
                self._leased.put(due)
            if not leased and not busy:
                return
            self._one_ended.wait(LOOK_SECONDS)

    # --- in the senders' threads --------------------------------------------------------------------

    def _send_all(self) -> None:
        while True:
            due = self._leased.get()
            with self._counted():
                self._try(due)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        finally:
            with self._lock:
                self._in_hand -= 1
            self._one_ended.set()

    def _try(self, due: DueDelivery) -> None:
        log = structlog.get_logger(delivery_id=due.id, type=due.type, **_subject(due))
        try:
            outcome = self._attempt(due)
            if outcome and self._deliveries.settle(due, outcome):
                attempt = outcome.attempt
                log.info(
                    "webhook sent",
                    status=outcome.status,
                    status_code=attempt.status_code,
                    reason=attempt.reason,
                    ms=attempt.duration_ms,
                )
        except StyleQueueError as error:  # the lease ends, and the delivery is sent again
            log.warning("webhook not settled", code=error.code, detail=error.detail)
        except Exception:
            log.exception("webhook not settled")

    def _attempt(self, due: DueDelivery) -> Outcome | None:
        """Send the webhook; return None if its job or batch is deleted."""
        body = self._payloads.of(due)
        if body is None:
            return None
        secrets = self._secrets.signing(due.owner)
        now, begin = datetime.now(UTC), time.monotonic()
        answer, error = self._answer(due.url, signed_headers(due.id, now, body, secrets), body)
        attempt = Attempt(
            at=now,
            duration_ms=round((time.monotonic() - begin) * 1000, 1),
            status_code=answer and answer.status_code,
            reason=error.detail if error else _reason(answer),
            answer=(answer and answer.text) or None,
        )
        return outcome_of(
            attempt,
            due.tries,
            self._delays,
            hopeless=isinstance(error, WebhookTargetForbidden),
            wish_seconds=answer.retry_after_seconds if answer else 0,
        )

    def _answer(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[Answer | None, StyleQueueError | None]:
        """Return the receiver's response, or the reason why none came."""
        try:
            return self._post.send(url, headers, body), None
        except (WebhookTargetForbidden, WebhookTargetUnavailable) as error:
            return None, error


def signed_headers(delivery_id: str, now: datetime, body: bytes, secrets: Sequence[str]) -> Mapping[str, str]:
    """Return the headers of Standard Webhooks, with one signature for each secret."""
    text = body.decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(delivery_id, now, text) for secret in secrets),
    }


def _subject(due: DueDelivery) -> dict[str, str]:
    if due.subject is None:
        return {}
    return {"job_id" if due.subject.startswith(JOB) else "batch_id": due.subject}


def _reason(answer: Answer | None) -> str | None:
    if answer is None or answer.status_code in SUCCESS:
        return None
    hint = ": redirects are not followed" if answer.status_code in REDIRECTS else ""
    return f"The receiver returned {answer.status_code}{hint}"
