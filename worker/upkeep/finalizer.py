"""Writes the results of a batch to S3 after its last job: an NDJSON of pictures, and one of all else."""

from __future__ import annotations

from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

import structlog
from pydantic import BaseModel

from shared.disk import translated_disk_errors
from shared.errors import StyleQueueError
from shared.policy.object_keys import results_key
from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.codecs.result_row import row_of
from shared.store.jobs import JobStore
from shared.wire.batch_records import Batch, BatchError
from shared.wire.job_filter import JobFilter
from shared.wire.loss_records import LossSummary
from shared.wire.records import JobStatus
from worker.model.loss_statistics import LossStatistics

FINALIZE_SECONDS = 1.0  # from the end of a batch's last job to the look that finds it
LEASE_SECONDS = 60  # renewed between pages of rows and before each file
RETRY_SECONDS = 5  # after a failure
ROWS_PER_STEP = 100
NDJSON = "application/x-ndjson"


@dataclass(frozen=True)
class Finalizer:
    """Finalizes batches under a lease; several workers may do so, and writing a batch twice does no harm."""

    batches: BatchStore
    store: JobStore
    storage: Storage

    def finalize(self) -> None:
        """Finalize every batch that is due.

        Raises:
            StyleQueueError: the batch shows the error and is retried after RETRY_SECONDS; if Redis is away,
                it is retried when the lease has ended.
        """
        while batch := self.batches.take_finalizing(LEASE_SECONDS):
            output_key, errors_key = (
                results_key(batch.folder, batch.id, name) for name in ("output", "errors")
            )
            try:
                ended = self._write(batch, output_key, errors_key)
            except StyleQueueError as error:
                why = BatchError(code=error.code, detail=error.detail)
                self.batches.put_off(batch, RETRY_SECONDS, why, (output_key, errors_key))
                raise
            ids = batch.origin.members() if batch.origin else {}
            structlog.get_logger().info("batch finalized", batch_id=batch.id, ended=ended, **ids)

    def _write(self, batch: Batch, output_key: str, errors_key: str) -> bool:
        """Return False if the batch has changed meanwhile."""
        # After a failure an empty object shows whether S3 is back, before any row is read.
        if batch.error:
            self.storage.put(errors_key, b"", NDJSON)
        with translated_disk_errors(), TemporaryFile() as output, TemporaryFile() as errors:
            losses = self._write_rows(batch, output, errors)
            for key, file in ((output_key, output), (errors_key, errors)):
                self.batches.hold_finalizing(batch.id, LEASE_SECONDS)
                self._store_file(key, file)
        return self.batches.end(batch, output_key, errors_key, losses)

    def _write_rows(self, batch: Batch, output: IO[bytes], errors: IO[bytes]) -> LossSummary | None:
        """Write the rows by line, the rejected ones last; return the losses of all pictures together."""
        cursor, losses, of_batch = None, LossStatistics(), JobFilter(batch_id=batch.id)
        while True:
            page = self.store.page(batch.owner, of_batch, limit=ROWS_PER_STEP, cursor=cursor)
            for placed in page.jobs:
                row = row_of(placed.job)
                _write(output if row.status is JobStatus.SUCCEEDED else errors, row)
                if row.result and row.result.losses:
                    losses.add(row.result.losses)
            cursor = page.cursor
            if cursor is None:
                break
            self.batches.hold_finalizing(batch.id, LEASE_SECONDS)
        for line in self.batches.rejected_lines(batch.id):
            _write(errors, line)
        return losses.summary()

    def _store_file(self, key: str, file: IO[bytes]) -> None:
        file.seek(0)
        self.storage.put_file(key, file, NDJSON)


def _write(file: IO[bytes], row: BaseModel) -> None:
    file.write(row.model_dump_json(exclude_none=True).encode() + b"\n")
