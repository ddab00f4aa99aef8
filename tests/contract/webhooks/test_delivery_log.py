"""The log of webhook deliveries: its end, its pages, and deletion with what it is about."""

from __future__ import annotations

import pytest
import redis

from shared.policy.queue_limits import NO_LIMITS
from shared.request_errors import DeliveryNotFound
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.objects.retention import ExpiredRecords
from shared.store.webhooks.deliveries import MOST_ATTEMPTS, Deliveries
from shared.wire.batch_descriptors import BatchWebhook
from shared.wire.webhook_records import DeliveryStatus
from tests.checks.agreement import keys
from tests.contract.webhooks.delivery_steps import DELIVERED, GIVEN_UP, HOOK, WEBHOOK, take, types
from tests.jobs import MAX_ATTEMPTS, OWNER, bulk, create, fail, finalize, job_ids, succeed

pytestmark = pytest.mark.usefixtures("counters_agree")


def test_deliveries_go_with_what_they_tell_of_even_while_they_are_sent(
    connection: redis.Redis, store: JobStore, batches: BatchStore, deliveries: Deliveries
) -> None:
    deleted, retired = create(store, webhook=WEBHOOK), create(store, webhook=WEBHOOK)
    batch_id, _ = batches.begin(OWNER, {}, None, webhook=BatchWebhook(url=HOOK))
    batches.add(batch_id, OWNER, [(1, bulk(1, webhook=WEBHOOK)[0])], MAX_ATTEMPTS, NO_LIMITS)
    batches.commit(batch_id)
    succeed(store, deleted, retired, *job_ids(batch_id, 1))
    finalize(batches)
    sent = take(deliveries)
    assert len(sent) == 4
    store.delete(deleted, OWNER)
    ExpiredRecords(connection).retire(0, 10)
    ExpiredRecords(connection).remove([retired])
    batches.discard(batch_id)
    assert not any(deliveries.settle(due, DELIVERED) for due in sent)
    assert types(deliveries) == take(deliveries) == []
    assert keys(connection, "sq:*deliver*") == keys(connection, "sq:outbox:*") == []


def test_the_log_of_an_owner_and_of_one_delivery_has_an_end(connection: redis.Redis, store: JobStore) -> None:
    deliveries = Deliveries(connection, 2)
    for _ in range(4):
        succeed(store, create(store, webhook=WEBHOOK))
        deliveries.settle(take(deliveries)[0], DELIVERED)
    succeed(store, create(store, webhook=WEBHOOK))
    assert len(types(deliveries)) == 3  # what is to be sent does not count
    (due,) = take(deliveries)
    deliveries.settle(due, GIVEN_UP)
    for _ in range(MOST_ATTEMPTS + 5):
        deliveries.redeliver(due.id, OWNER)
        deliveries.settle(take(deliveries)[0], DELIVERED)
    view = deliveries.look(due.id, OWNER)
    assert (view.attempts, len(view.log)) == (MOST_ATTEMPTS + 6, MOST_ATTEMPTS)


def test_a_job_that_is_tried_again_for_ever_leaves_only_its_last_deliveries(
    store: JobStore, deliveries: Deliveries
) -> None:
    job_id = create(store, webhook=WEBHOOK)
    for _ in range(25):
        fail(store, job_id)
        store.retry(job_id, OWNER)
    assert len(types(deliveries, subject=job_id)) == 20


def test_pages_and_filters_are_an_owners_own(store: JobStore, deliveries: Deliveries) -> None:
    jobs = [create(store, webhook=WEBHOOK) for _ in range(5)]
    others = create(store, "bert", webhook=WEBHOOK)
    succeed(store, *jobs, others)
    found, cursor = [], None
    while not found or cursor:
        page = deliveries.page(OWNER, limit=2, cursor=cursor)
        found += [delivery.job_id for delivery in page.deliveries]
        cursor = page.next_cursor
    assert set(found) == set(jobs)
    assert len(found) == 5
    first = deliveries.page(OWNER, limit=9, subject=jobs[0]).deliveries[0]
    assert deliveries.page(OWNER, limit=9, subject=others).deliveries == ()
    assert deliveries.page(OWNER, limit=9, status=DeliveryStatus.FAILED).deliveries == ()
    for wrong in (lambda: deliveries.look(first.id, "bert"), lambda: deliveries.redeliver(first.id, "bert")):
        with pytest.raises(DeliveryNotFound):
            wrong()
