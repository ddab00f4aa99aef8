"""A job as the fields of a Redis hash, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from shared.errors import RecordUnreadable
from shared.policy.inputs import uploads_of
from shared.policy.object_keys import chosen_place
from shared.policy.webhook_targets import decode_receiver, encode_receiver
from shared.request_context import Origin
from shared.scheduling.cost import USUAL_COST, expected_cost
from shared.wire.descriptors import JobRequest, Lane, Stylization
from shared.wire.loss_records import JobProgress
from shared.wire.record_version import BASE_LEVEL, needed_level
from shared.wire.records import Job, JobError, JobResult, JobStatus

JOB_BYTES = 1500  # of a job in Redis beside what its request says: its keys, places in lists, and result
TAG_BYTES = 200  # of a job's entry in the index by tag, and of the index of a tag that no other job has

_TEXTS = TypeAdapter(tuple[str, ...])
_NOTES = TypeAdapter(dict[str, str])
_FIELDS = TypeAdapter(dict[str, Any])


def encode_request(job_id: str, owner: str, request: JobRequest, max_attempts: int, root: str) -> str:
    """The fields that the script `create` is given; `uploads` and `place` are for its eyes only.

    `root` is where the API is.
    """
    needs, cost = needed_level(request), expected_cost(request.params)
    fields = {
        "id": job_id,
        "lane": request.lane,
        "max_attempts": request.max_attempts or max_attempts,
        "request": request.model_dump_json(include=set(Stylization.model_fields), exclude_defaults=True),
        "bytes": JOB_BYTES + TAG_BYTES * len(request.tags),
        "needs": needs if needs > BASE_LEVEL else None,
        "cost": cost if cost != USUAL_COST else None,
        "start_within_ms": request.start_within and request.start_within * 1000,
        "custom_id": request.custom_id,
        "tags": request.tags and _TEXTS.dump_json(request.tags).decode(),
        "webhook": request.webhook and encode_receiver(request.webhook, root),
        "metadata": request.metadata and _NOTES.dump_json(request.metadata).decode(),
        "uploads": uploads_of(request, owner),
        "place": chosen_place(request.output, owner),
    }
    return _FIELDS.dump_json({name: value for name, value in fields.items() if value}).decode()


def decode_job(job_id: str, fields: Mapping[str, str]) -> Job:
    return Job(
        id=job_id,
        batch_id=fields.get("batch_id"),
        owner=fields["owner"],
        adopted_from=fields.get("adopted_from"),
        origin=Origin.of_text(fields.get("origin")),
        status=JobStatus(fields["status"]),
        seq=int(fields["seq"]),
        lane=Lane(fields["lane"]),
        attempt=int(fields["attempt"]),
        max_attempts=int(fields["max_attempts"]),
        request=decode_request(fields["request"]),
        result=JobResult.model_validate_json(fields["result"]) if "result" in fields else None,
        error=JobError.model_validate_json(fields["error"]) if "error" in fields else None,
        progress=JobProgress.model_validate_json(fields["progress"]) if "progress" in fields else None,
        custom_id=fields.get("custom_id"),
        tags=tags_of(fields),
        metadata=_NOTES.validate_json(fields.get("metadata", "{}")),
        webhook=decode_receiver(fields),
        created_at=time_of(fields["created_ms"]),
        queued_at=time_of(fields["queued_ms"]),
        started_at=time_or_none(fields, "started_ms"),
        finished_at=time_or_none(fields, "finished_ms"),
        expires_at=time_or_none(fields, "expires_ms"),
    )


def decode_request(text: str) -> Stylization:
    """A stored request. What a newer version added is left out: to show a job, it need not be understood.

    Raises:
        RecordUnreadable: a newer version has put something there that has no meaning here.
    """
    try:
        return Stylization.model_validate_json(text, extra="ignore")
    except ValidationError as error:
        raise RecordUnreadable("The job was accepted by a newer version of the service") from error


def tags_of(fields: Mapping[str, str]) -> tuple[str, ...]:
    return _TEXTS.validate_json(fields["tags"]) if "tags" in fields else ()


def level_of(fields: Mapping[str, str]) -> int:
    """What a worker must understand to run the job."""
    return int(fields.get("needs", BASE_LEVEL))


def json_of(fields: Mapping[str, str], name: str, default: Any = None) -> Any:
    """What a field that holds JSON says; `default` if it is not there."""
    return from_json(fields[name]) if name in fields else default


def time_or_none(fields: Mapping[str, str], name: str) -> datetime | None:
    return time_of(fields[name]) if name in fields else None


def time_of(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
