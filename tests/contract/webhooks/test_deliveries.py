"""Deliveries of webhooks: in any order of steps, none is missing and none is doubled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis

from shared.errors import QueueUnavailable
from shared.policy.queue_limits import NO_LIMITS
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.webhooks.deliveries import MOST_TO_ONE_HOST, Deliveries
from shared.store.webhooks.secrets import MOST_SECRETS, WebhookSecrets
from shared.wire.batch_descriptors import BatchWebhook
from shared.wire.records import JobStatus
from shared.wire.webhook_records import DeliveryStatus
from tests.checks.agreement import assert_counters_agree
from tests.contract.webhooks.delivery_steps import DELIVERED, GIVEN_UP, HOOK, WEBHOOK, settled, take, types
from tests.jobs import (
    ERROR,
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    OWNER,
    QUEUES,
    RESULT,
    accept_batch,
    bulk,
    claimed,
    create,
    end_job,
    fail,
    finalize,
    job_ids,
    let_time_pass,
    next_millisecond,
    succeed,
)
from tests.stacks.servers import configured

ROOT = "https://api.example.org/"


pytestmark = pytest.mark.usefixtures("counters_agree")


# --- what makes one -------------------------------------------------------------------------------


def test_each_way_in_which_a_job_ends_makes_one_delivery_and_no_other_change_does(
    connection: redis.Redis, store: JobStore, lanes: Lanes, deliveries: Deliveries
) -> None:
    expired = create(store, webhook=WEBHOOK, start_within=60)
    painted, failed, canceled, let_go, lost = (
        create(store, webhook=WEBHOOK, max_attempts=1) for _ in range(5)
    )
    quiet = create(store)
    succeed(store, painted, quiet)
    fail(store, failed)
    store.cancel(canceled, OWNER)
    held = claimed(store, let_go)
    store.release(held, counts=True)
    held = claimed(store, let_go)
    store.cancel(let_go, OWNER)
    assert len(types(deliveries)) == 3
    store.release(held, counts=True)
    store.claim(lost, LEASE_SECONDS)
    let_time_pass(connection, "leases")
    let_time_pass(connection, "deadlines")
    lanes.sweep(LEASE_SECONDS, QUEUES)
    made = {delivery.job_id: delivery.type for delivery in deliveries.page(OWNER, limit=100).deliveries}
    assert made == {
        painted: "job.succeeded",
        failed: "job.failed",
        canceled: "job.canceled",
        let_go: "job.canceled",
        lost: "job.failed",
        expired: "job.expired",
    }


def test_only_wanted_events_make_one(store: JobStore, deliveries: Deliveries) -> None:
    wanted = {"url": HOOK, "events": ["job.failed", "job.expired"]}
    succeed(store, create(store, webhook=wanted))
    fail(store, create(store, webhook=wanted))
    assert types(deliveries) == ["job.failed"]


def test_an_end_that_is_reported_twice_is_one_delivery_and_each_further_end_another(
    connection: redis.Redis, store: JobStore, deliveries: Deliveries
) -> None:
    job_id = create(store, webhook=WEBHOOK)
    claim = claimed(store, job_id)
    end_job(store, claim, ERROR)
    assert end_job(store, claim, ERROR) is None  # a lost response, or a zombie
    assert end_job(store, claim, RESULT) is None
    assert types(deliveries, subject=job_id) == ["job.failed"]
    next_millisecond(connection)
    store.retry(job_id, OWNER)
    succeed(store, job_id)
    assert types(deliveries, subject=job_id) == ["job.failed", "job.succeeded"]
    assert len({due.id for due in take(deliveries)}) == 2


def test_the_payload_keeps_values_that_a_later_attempt_would_change(
    store: JobStore, deliveries: Deliveries
) -> None:
    job_id = create(store, webhook=WEBHOOK)
    fail(store, job_id)
    store.retry(job_id, OWNER)
    (due,) = take(deliveries)
    assert due.facts["error"] == ERROR.model_dump_json()
    assert due.facts["attempt"] == "1"
    assert store.get(job_id).error is None


def test_a_batch_makes_one_when_its_results_are_written_and_once_more_after_a_retry(
    connection: redis.Redis, store: JobStore, batches: BatchStore, deliveries: Deliveries
) -> None:
    batch_id, _ = batches.begin(OWNER, {}, None, webhook=BatchWebhook(url=HOOK), root=ROOT)
    batches.add(batch_id, OWNER, list(enumerate(bulk(2), 1)), MAX_ATTEMPTS, NO_LIMITS)
    batches.commit(batch_id)
    first, second = job_ids(batch_id, 2)
    succeed(store, first)
    fail(store, second)
    assert types(deliveries) == []
    finalize(batches)
    (due,) = take(deliveries)
    assert (due.type, due.facts["succeeded"], due.facts["failed"]) == ("batch.completed", "1", "1")
    assert due.root == ROOT
    next_millisecond(connection)
    batches.retry(batch_id, OWNER, [JobStatus.FAILED])
    batches.cancel(batch_id, OWNER)
    finalize(batches)
    assert types(deliveries, subject=batch_id) == ["batch.completed", "batch.canceled"]


def test_a_batch_whose_reading_was_interrupted_makes_one_too(
    connection: redis.Redis, batches: BatchStore, deliveries: Deliveries
) -> None:
    batch_id, _ = batches.begin(OWNER, {}, None, webhook=BatchWebhook(url=HOOK))
    let_time_pass(connection, "validating")
    batches.sweep()
    batches.sweep()
    assert types(deliveries, subject=batch_id) == ["batch.failed"]


def test_lines_of_a_batch_have_their_own(
    store: JobStore, batches: BatchStore, deliveries: Deliveries
) -> None:
    batch_id = accept_batch(batches, [*bulk(1, webhook=WEBHOOK), *bulk(1)])
    succeed(store, *job_ids(batch_id, 2))
    finalize(batches)
    assert [each.job_id for each in deliveries.page(OWNER, limit=9).deliveries] == job_ids(batch_id, 1)


# --- sending --------------------------------------------------------------------------------------


def test_a_delivery_is_one_senders_until_its_lease_ends_and_then_anothers_with_the_same_id(
    connection: redis.Redis, store: JobStore, deliveries: Deliveries
) -> None:
    succeed(store, create(store, webhook=WEBHOOK))
    (first,) = take(deliveries)
    assert take(deliveries) == []
    for kind in ("outbox", "sending"):
        let_time_pass(connection, kind)
    (second,) = take(deliveries)
    assert second.id == first.id
    assert second.tries == 0
    assert not deliveries.settle(first, GIVEN_UP)
    assert deliveries.settle(second, DELIVERED)
    assert not deliveries.settle(second, GIVEN_UP)  # the first response was lost
    view = deliveries.look(first.id, OWNER)
    assert (view.status, view.attempts, view.next_attempt_at) == (DeliveryStatus.DELIVERED, 1, None)
    assert view.last_attempt == DELIVERED.attempt
    assert take(deliveries) == []


def test_a_failed_delivery_is_due_after_its_delay_and_not_before(
    connection: redis.Redis, store: JobStore, deliveries: Deliveries
) -> None:
    succeed(store, create(store, webhook=WEBHOOK))
    (due,) = take(deliveries)
    deliveries.settle(due, settled(DeliveryStatus.PENDING, 500, delay_seconds=300))
    assert take(deliveries) == []
    view = deliveries.look(due.id, OWNER)
    assert view.next_attempt_at is not None
    assert view.next_attempt_at - datetime.now(UTC) > timedelta(seconds=250)
    let_time_pass(connection, "outbox")
    (again,) = take(deliveries)
    assert (again.id, again.tries) == (due.id, 1)
    deliveries.settle(again, GIVEN_UP)
    log = deliveries.look(due.id, OWNER).log
    assert [attempt.status_code for attempt in log] == [500, 410]


def test_hosts_take_turns_and_none_gets_more_than_a_few_at_a_time(
    store: JobStore, deliveries: Deliveries
) -> None:
    urls = [f"https://{name}.example.org/in" for name in "ab"]
    for url in urls:
        succeed(store, *(create(store, webhook={"url": url}) for _ in range(MOST_TO_ONE_HOST + 2)))
    first = take(deliveries, MOST_TO_ONE_HOST + 1)
    assert {due.url for due in first} == set(urls)
    rest = take(deliveries)
    assert len(first) + len(rest) == 2 * MOST_TO_ONE_HOST
    assert take(deliveries) == []
    deliveries.settle(first[0], DELIVERED)
    (next_one,) = take(deliveries)
    assert next_one.url == first[0].url


def test_a_host_that_gives_no_answer_is_sent_one_at_a_time_until_it_does(
    store: JobStore, deliveries: Deliveries
) -> None:
    succeed(store, *(create(store, webhook=WEBHOOK) for _ in range(MOST_TO_ONE_HOST + 3)))
    for due in take(deliveries):
        deliveries.settle(due, settled(DeliveryStatus.PENDING, None, delay_seconds=300))
    (only,) = take(deliveries)
    assert take(deliveries) == []
    deliveries.settle(only, settled(DeliveryStatus.PENDING, 500, delay_seconds=300))
    assert len(take(deliveries)) == 2


def test_one_that_is_delivered_is_sent_again_on_request_with_the_same_id_and_all_attempts(
    store: JobStore, deliveries: Deliveries
) -> None:
    succeed(store, create(store, webhook=WEBHOOK))
    (due,) = take(deliveries)
    assert deliveries.redeliver(due.id, OWNER).status is DeliveryStatus.PENDING
    assert take(deliveries) == []  # it is being sent
    deliveries.settle(due, GIVEN_UP)
    deliveries.redeliver(due.id, OWNER)
    deliveries.redeliver(due.id, OWNER)
    (again,) = take(deliveries)
    assert (again.id, again.tries) == (due.id, 0)
    assert deliveries.settle(again, DELIVERED)
    assert deliveries.look(due.id, OWNER).attempts == 2


def test_a_test_is_a_delivery_about_nothing(deliveries: Deliveries) -> None:
    made = deliveries.test(OWNER, HOOK, ROOT)
    (due,) = take(deliveries)
    assert (due.id, due.type, due.subject) == (made.id, "webhook.test", None)


# --- a full Redis ---------------------------------------------------------------------------------


def test_on_a_full_redis_a_job_ends_with_its_delivery_which_is_sent_and_settled(
    connection: redis.Redis, store: JobStore, deliveries: Deliveries
) -> None:
    painted, canceled = create(store, webhook=WEBHOOK), create(store, webhook=WEBHOOK)
    claim = claimed(store, painted)
    with configured(connection, "maxmemory", "1", "0"):
        assert end_job(store, claim, RESULT) is JobStatus.SUCCEEDED
        store.cancel(canceled, OWNER)
        first, second = take(deliveries)
        assert deliveries.settle(first, DELIVERED)
        assert deliveries.settle(second, settled(DeliveryStatus.PENDING, 500, delay_seconds=300))
        assert WebhookSecrets(connection).signing(OWNER)
        with pytest.raises(QueueUnavailable, match="full"):
            deliveries.test(OWNER, HOOK, ROOT)
        assert deliveries.redeliver(first.id, OWNER).status is DeliveryStatus.PENDING
        assert_counters_agree(connection)


# --- secrets --------------------------------------------------------------------------------------


def test_a_secret_is_made_once_and_an_old_one_signs_for_a_while_after_a_rotation(
    connection: redis.Redis,
) -> None:
    secrets = WebhookSecrets(connection)
    first = secrets.get(OWNER)
    assert secrets.get(OWNER) == first
    assert first.old_secret_signs_until is None
    assert secrets.get("bert").secret != first.secret
    second = secrets.rotate(OWNER, overlap_seconds=3600)
    assert second.old_secret_signs_until is not None
    assert secrets.signing(OWNER) == [second.secret, first.secret]
    connection.zadd(f"sq:webhook_secrets:{OWNER}", {first.secret: 0})
    assert secrets.signing(OWNER) == [second.secret]
    for _ in range(5):
        last = secrets.rotate(OWNER)
    signing = secrets.signing(OWNER)
    assert signing[0] == last.secret
    assert len(signing) == MOST_SECRETS
