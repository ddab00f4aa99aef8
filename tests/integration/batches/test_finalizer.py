"""The files of a batch whose jobs have ended, on a real Redis and a real S3 server."""

from __future__ import annotations

import json
import threading
from typing import IO, Any

import pytest
import redis

from shared.errors import StorageUnavailable
from shared.policy.object_keys import results_key
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.wire.batch_records import BatchStatus, RejectedLine
from shared.wire.loss_records import LossReport, Spread
from tests.jobs import (
    OWNER,
    RESULT,
    accept_batch,
    bulk,
    claimed,
    end_job,
    fail,
    job_ids,
    let_time_pass,
    now_ms,
    read_batch,
    rejected,
    request,
    succeed,
)
from tests.losses import report
from tests.stacks.ports import free_port
from worker.upkeep.finalizer import FINALIZE_SECONDS, RETRY_SECONDS, Finalizer

MEGABYTE = 1_000_000
PROMISED_SECONDS = 30  # from S3's return to the end of a batch that only lacks its results


@pytest.fixture
def storage(s3_settings: Settings) -> Storage:
    return Storage(s3_settings)


@pytest.fixture
def finalizer(batches: BatchStore, store: JobStore, storage: Storage) -> Finalizer:
    return Finalizer(batches, store, storage)


pytestmark = pytest.mark.usefixtures("counters_agree")


def written(storage: Storage, batch_id: str, name: str) -> list[dict[str, Any]]:
    body = storage.get(results_key(OWNER, batch_id, name), max_bytes=100 * MEGABYTE)
    return [json.loads(line) for line in body.splitlines()]


def test_every_line_is_in_one_of_the_two_objects(
    finalizer: Finalizer, batches: BatchStore, store: JobStore, storage: Storage
) -> None:
    lines = [request(lane="bulk", custom_id=f"id {line}", tags=("t",)) for line in range(1, 451)]
    batch_id = read_batch(batches, lines)
    batches.reject(batch_id, [rejected(line) for line in range(451, 651)])
    batches.reject(batch_id, [rejected(line) for line in range(651, 701)])
    batches.commit(batch_id)
    ids = job_ids(batch_id, 450)
    succeed(store, *ids[300:], *ids[:100])
    fail(store, *ids[100:200])
    batches.cancel(batch_id, OWNER)
    finalizer.finalize()
    batch = batches.look(batch_id, OWNER).batch
    assert batch.status is BatchStatus.CANCELED
    assert batch.output_key == results_key(OWNER, batch_id, "output")
    assert batch.errors_key == results_key(OWNER, batch_id, "errors")
    output, errors = written(storage, batch_id, "output"), written(storage, batch_id, "errors")
    assert [row["line"] for row in output] == [*range(1, 101), *range(301, 451)]
    assert [row["line"] for row in errors] == [*range(101, 301), *range(451, 701)]
    assert [row.get("status", row.get("code")) for row in errors] == (
        ["failed"] * 100 + ["canceled"] * 100 + ["malformed-json"] * 250
    )
    assert (output[0]["custom_id"], output[0]["tags"], output[0]["job_id"]) == ("id 1", ["t"], ids[0])
    assert output[0]["result"]["key"] == "results/anna/x.jpg"
    assert not {"url", "cursor"} & {*output[0], *output[0]["result"]}
    assert errors[0]["error"]["code"] == "image-undecodable"


def test_objects_without_a_line_are_written_too(
    finalizer: Finalizer, batches: BatchStore, store: JobStore, storage: Storage
) -> None:
    batch_id = accept_batch(batches, bulk(1))
    succeed(store, *job_ids(batch_id, 1))
    finalizer.finalize()
    assert len(written(storage, batch_id, "output")) == 1
    assert written(storage, batch_id, "errors") == []


def test_work_that_a_failing_storage_left_is_repeated_after_a_while(
    finalizer: Finalizer,
    batches: BatchStore,
    store: JobStore,
    storage: Storage,
    s3_settings: Settings,
    connection: redis.Redis,
) -> None:
    batch_id = accept_batch(batches, bulk(2))
    succeed(store, *job_ids(batch_id, 2))
    gone = s3_settings.model_copy(update={"s3_endpoint_url": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(StorageUnavailable):
        Finalizer(batches, store, Storage(gone)).finalize()
    finalizer.finalize()
    batch = batches.look(batch_id, OWNER).batch
    assert (batch.status, batch.error and batch.error.code) == (BatchStatus.FINALIZING, "storage-unavailable")
    delay_ms = connection.zscore("sq:finalizing", batch_id) - now_ms(connection)
    assert delay_ms <= RETRY_SECONDS * 1000
    assert RETRY_SECONDS + FINALIZE_SECONDS < PROMISED_SECONDS
    let_time_pass(connection, "finalizing")
    finalizer.finalize()
    batch = batches.look(batch_id, OWNER).batch
    assert (batch.status, batch.error) == (BatchStatus.COMPLETED, None)
    assert len(written(storage, batch_id, "output")) == 2


class DistractedStorage(Storage):
    """A storage during whose first write a client deletes a job."""

    def __init__(self, settings: Settings, store: JobStore, job_id: str) -> None:
        super().__init__(settings)
        self._store = store
        self._to_delete = [job_id]

    def put_file(self, key: str, file: IO[bytes], content_type: str) -> None:
        super().put_file(key, file, content_type)
        while self._to_delete:
            self._store.delete(self._to_delete.pop(), OWNER)


def test_a_change_while_results_are_written_has_them_written_again(
    batches: BatchStore, store: JobStore, s3_settings: Settings
) -> None:
    batch_id = accept_batch(batches, bulk(3))
    ids = job_ids(batch_id, 3)
    succeed(store, *ids)
    storage = DistractedStorage(s3_settings, store, ids[1])
    Finalizer(batches, store, storage).finalize()
    assert batches.look(batch_id, OWNER).batch.status is BatchStatus.COMPLETED
    assert [row["line"] for row in written(storage, batch_id, "output")] == [1, 3]


def test_a_retry_after_the_end_is_in_the_results_that_are_written_then(
    finalizer: Finalizer, batches: BatchStore, store: JobStore, storage: Storage
) -> None:
    batch_id = accept_batch(batches, bulk(2))
    one, two = job_ids(batch_id, 2)
    succeed(store, one)
    fail(store, two)
    finalizer.finalize()
    assert [row["line"] for row in written(storage, batch_id, "errors")] == [2]
    store.retry(two, OWNER)
    finalizer.finalize()
    assert batches.look(batch_id, OWNER).batch.status is BatchStatus.RUNNING
    succeed(store, two)
    finalizer.finalize()
    assert [row["line"] for row in written(storage, batch_id, "output")] == [1, 2]
    assert written(storage, batch_id, "errors") == []


def test_several_finalizers_at_a_time_end_every_batch(
    batches: BatchStore, store: JobStore, s3_settings: Settings
) -> None:
    ids = [accept_batch(batches, bulk(2)) for _ in range(12)]
    for batch_id in ids:
        succeed(store, *job_ids(batch_id, 2))
    finalizers = [Finalizer(batches, store, Storage(s3_settings)) for _ in range(4)]
    threads = [threading.Thread(target=finalizer.finalize) for finalizer in finalizers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = batches.look_many(ids, OWNER)
    assert {placed.batch.status for placed in ended} == {BatchStatus.COMPLETED}
    assert len({placed.batch.output_key for placed in ended}) == 12


def test_a_large_object_goes_in_parts_and_comes_back_whole(
    finalizer: Finalizer, batches: BatchStore, store: JobStore, storage: Storage
) -> None:
    batch_id = read_batch(batches, bulk(1))
    for start in range(2, 22, 2):
        batches.reject(
            batch_id,
            [
                RejectedLine(line=line, code="malformed-json", detail=f"{line}" * (MEGABYTE // 2))
                for line in (start, start + 1)
            ],
        )
    batches.commit(batch_id)
    succeed(store, *job_ids(batch_id, 1))
    finalizer.finalize()
    errors = written(storage, batch_id, "errors")
    assert [row["line"] for row in errors] == list(range(2, 22))
    assert all(row["detail"] == f"{row['line']}" * (MEGABYTE // 2) for row in errors)
    assert sum(len(row["detail"]) for row in errors) > 8 * MEGABYTE


def succeed_with(store: JobStore, job_id: str, losses: LossReport | None) -> None:
    end_job(store, claimed(store, job_id), RESULT.model_copy(update={"losses": losses}))


def test_the_losses_of_a_batch_are_those_of_the_pictures_that_have_any(
    finalizer: Finalizer, batches: BatchStore, store: JobStore
) -> None:
    batch_id = accept_batch(batches, bulk(4, params={"losses": True}))
    ids = job_ids(batch_id, 4)
    succeed_with(store, ids[0], report(2.0, 1.0))
    succeed_with(store, ids[1], report(6.0, 2.0))
    succeed_with(store, ids[2], None)
    fail(store, ids[3])
    assert batches.look(batch_id, OWNER).batch.losses is None
    finalizer.finalize()
    losses = batches.look(batch_id, OWNER).batch.losses
    assert losses is not None
    assert losses.jobs == 2
    assert losses.content == Spread(mean=4.0, standard_deviation=2.0)
    assert losses.style_per_element == Spread(mean=6.0, standard_deviation=2.0)
    assert losses.total == Spread(mean=1504.0, standard_deviation=502.0)


def test_a_batch_that_runs_again_has_no_losses_until_it_has_new_ones(
    finalizer: Finalizer, batches: BatchStore, store: JobStore
) -> None:
    batch_id = accept_batch(batches, bulk(2))
    one, two = job_ids(batch_id, 2)
    succeed_with(store, one, report(2.0, 1.0))
    fail(store, two)
    finalizer.finalize()
    assert batches.look(batch_id, OWNER).batch.losses is not None
    store.retry(two, OWNER)
    assert batches.look(batch_id, OWNER).batch.losses is None
    succeed_with(store, two, report(4.0, 3.0))
    finalizer.finalize()
    losses = batches.look(batch_id, OWNER).batch.losses
    assert losses is not None
    assert (losses.jobs, losses.style.mean) == (2, 2.0)


def test_a_batch_that_measured_nothing_has_no_losses(
    finalizer: Finalizer, batches: BatchStore, store: JobStore
) -> None:
    batch_id = accept_batch(batches, bulk(1))
    succeed(store, *job_ids(batch_id, 1))
    finalizer.finalize()
    assert batches.look(batch_id, OWNER).batch.losses is None
