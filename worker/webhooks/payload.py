"""Builds the body of a webhook from the record, and from the facts that the delivery kept of its event."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shared.ids import JOB
from shared.links import batch_links, job_links
from shared.request_errors import BatchNotFound, JobNotFound
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from shared.store.webhooks.delivery_codec import DueDelivery
from shared.wire.batch_records import BatchError, BatchLinks
from shared.wire.records import FINAL, Job, JobError, JobLinks, JobStatus
from shared.wire.webhook_records import BatchOutcome, JobOutcome, SentResult, TestOutcome, WebhookEvent

Found = TypeVar("Found")


class Payloads:
    """Reads the jobs and batches that deliveries are about."""

    def __init__(self, store: JobStore, batches: BatchStore, public_url: str | None) -> None:
        self._store = store
        self._batches = batches
        self._public_root = f"{public_url}/" if public_url else None

    def of(self, due: DueDelivery) -> bytes | None:
        """Return the body as JSON; None if the job or batch is deleted, and the delivery with it.

        Raises:
            QueueUnavailable: Redis does not respond.
        """
        data = self._data(due)
        if data is None:
            return None
        event = WebhookEvent(type=due.type, timestamp=due.created_at, data=data)
        return event.model_dump_json(exclude_none=True).encode()

    def _root(self, due: DueDelivery) -> str:
        """Return the API's public URL; without one, where its client reached it."""
        return self._public_root or due.root

    def _data(self, due: DueDelivery) -> JobOutcome | BatchOutcome | TestOutcome | None:
        if due.subject is None:
            return TestOutcome()
        try:
            return (
                self._job(due, due.subject) if due.subject.startswith(JOB) else self._batch(due, due.subject)
            )
        except (JobNotFound, BatchNotFound):
            return None

    def _job(self, due: DueDelivery, job_id: str) -> JobOutcome:
        job = self._store.get(job_id, due.owner)
        status = JobStatus(due.type.partition(".")[2])
        links = JobLinks.model_validate(job_links(self._root(due), job_id, job.batch_id))
        when_it_ended = {
            "status": status,
            "attempt": int(due.facts["attempt"]),
            "result": _result(job, links) if status is JobStatus.SUCCEEDED else None,
            "error": _fact(due, JobError.model_validate_json),
            "finished_at": due.created_at,
        }
        return JobOutcome(**job.members_of(JobOutcome) | when_it_ended, links=links)

    def _batch(self, due: DueDelivery, batch_id: str) -> BatchOutcome:
        batch = self._batches.look(batch_id, due.owner).batch
        counts = {status: int(due.facts.get(status, 0)) for status in sorted(FINAL)}
        links = batch_links(self._root(due), batch_id, written=batch.output_key is not None)
        return BatchOutcome(
            id=batch_id,
            status=due.type.partition(".")[2],
            total=sum(counts.values()),
            counts=counts,
            rejected=batch.rejected,
            metadata=batch.metadata,
            error=_fact(due, BatchError.model_validate_json),
            created_at=batch.created_at,
            finished_at=due.created_at,
            links=BatchLinks.model_validate(links),
        )


def _result(job: Job, links: JobLinks) -> SentResult | None:
    return SentResult(**job.result.model_dump(exclude={"key"}), url=links.result) if job.result else None


def _fact(due: DueDelivery, read: Callable[[str], Found]) -> Found | None:
    return read(due.facts["error"]) if "error" in due.facts else None
