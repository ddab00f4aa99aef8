"""Workers are killed while they send webhooks: each webhook arrives at least once, and always with one id."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import pytest

from shared.store.jobs import JobStore
from shared.store.webhooks.deliveries import Deliveries
from shared.store.webhooks.secrets import WebhookSecrets
from shared.wire.webhook_records import DeliveryPage, DeliveryStatus
from tests.jobs import MAX_ATTEMPTS, OWNER, request
from tests.stacks.fault_stack import FaultStack
from tests.stacks.receiver import Receiver, holds, running_receiver

JOBS, KILLS = 60, 3
FORBIDDEN = {"url": "https://127.0.0.1/a.jpg"}  # a job that fails at once, without a picture
QUICK = {"STYLEQUEUE_WEBHOOK_TIMEOUT_SECONDS": "3", "STYLEQUEUE_WEBHOOK_RETRY_SECONDS": "0.2,0.2,0.2,0.2,0.2"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


def submit(stack: FaultStack, url: str, number: int) -> set[str]:
    wanted = request(content=FORBIDDEN, webhook={"url": url})
    return set(JobStore(stack.connection).create(OWNER, [wanted] * number, MAX_ATTEMPTS))


def log_of(stack: FaultStack) -> DeliveryPage:
    return Deliveries(stack.connection, 1000).page(OWNER, limit=1000)


def all_are_settled(stack: FaultStack, number: int) -> bool:
    found = log_of(stack).deliveries
    return len(found) == number and all(each.status is not DeliveryStatus.PENDING for each in found)


def test_kills_at_any_moment_leave_no_end_untold(
    stack: FaultStack, receiver: Receiver, chance: random.Random
) -> None:
    silence = threading.Event()
    receiver.answers["/held"] = [holds(silence)]
    (first,) = stack.start_workers(1, STYLEQUEUE_WEBHOOK_ALLOWED_HOSTS=receiver.host, **QUICK)
    stack.until_workers_are_there()
    jobs = submit(stack, receiver.url("/held"), 1)
    receiver.until(1, "/held")
    first.die()  # during the attempt; another sender has the delivery when the lease ends
    silence.set()
    stack.start_workers(1, STYLEQUEUE_WEBHOOK_ALLOWED_HOSTS=receiver.host, **QUICK)
    jobs |= submit(stack, receiver.url(), JOBS)
    for moment in sorted(chance.sample(range(1, JOBS - 10), KILLS)):
        stack.until(lambda moment=moment: len(receiver.at()) >= moment)  # type: ignore[misc]  # bound at once
        stack.until(stack.ready_workers)
        chance.choice(stack.ready_workers()).die()
    stack.until(lambda: all_are_settled(stack, 1 + JOBS), what="all deliveries")
    deliveries = log_of(stack).deliveries
    assert {each.job_id for each in deliveries} == jobs
    assert {each.status for each in deliveries} == {DeliveryStatus.DELIVERED}
    assert {each.id for each in receiver.received} == {each.id for each in deliveries}
    held = receiver.at("/held")
    assert len(held) >= 2
    assert len({each.id for each in held}) == 1
    secret = WebhookSecrets(stack.connection).get(OWNER).secret
    assert {each.event(secret).type for each in receiver.received} == {"job.failed"}
