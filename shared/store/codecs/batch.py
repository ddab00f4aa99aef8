"""A batch as the fields of a Redis hash."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import TypeAdapter

from shared.policy.webhook_targets import decode_receiver
from shared.request_context import Origin
from shared.store.codecs.job import time_of, time_or_none
from shared.wire.batch_records import Batch, BatchError, BatchStatus, SkippedFiles
from shared.wire.descriptors import Lane
from shared.wire.loss_records import LossSummary
from shared.wire.records import JobStatus

_NOTES = TypeAdapter(dict[str, str])
_SKIPPED = TypeAdapter(tuple[SkippedFiles, ...])


def encode_skipped(skipped: Mapping[str, int]) -> str:
    """Return the numbers of skipped files by kind as JSON; empty if no file was skipped."""
    files = tuple(SkippedFiles(kind=kind, count=count) for kind, count in sorted(skipped.items()))
    return _SKIPPED.dump_json(files).decode() if files else ""


def decode_batch(batch_id: str, fields: Mapping[str, str], rejected: int) -> Batch:
    counts = {status: int(fields.get(status, 0)) for status in JobStatus}
    return Batch(
        id=batch_id,
        owner=fields["owner"],
        adopted_from=fields.get("adopted_from"),
        origin=Origin.of_text(fields.get("origin")),
        status=BatchStatus(fields["status"]),
        seq=int(fields["seq"]),
        total=sum(counts.values()),
        counts=counts,
        rejected=rejected,
        skipped=_SKIPPED.validate_json(fields.get("skipped", "[]")),
        metadata=_NOTES.validate_json(fields.get("metadata", "{}")),
        error=BatchError.model_validate_json(fields["error"]) if "error" in fields else None,
        webhook=decode_receiver(fields),
        created_at=time_of(fields["created_ms"]),
        finished_at=time_or_none(fields, "finished_ms"),
        cancel_requested_at=time_or_none(fields, "cancel_ms"),
        paused_at=time_or_none(fields, "paused_ms"),
        moving_to=Lane(fields["lane_to"]) if "lane_to" in fields else None,
        losses=LossSummary.model_validate_json(fields["losses"]) if "losses" in fields else None,
        output_key=fields.get("output_key"),
        errors_key=fields.get("errors_key"),
    )
