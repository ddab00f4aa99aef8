"""A job as the fields of a Redis hash, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from shared.errors import RecordUnreadable
from shared.policy.inputs import uploads_of
from shared.policy.webhook_targets import decode_receiver, encode_receiver
from shared.request_context import Origin
from shared.scheduling.cost import USUAL_COST, expected_cost
from shared.store.counts.effort import MICROSECONDS
from shared.wire.descriptors import JobRequest, Stylization
from shared.wire.record_version import BASE_VERSION, needed_version
from shared.wire.records import Job

JOB_BYTES = 1500  # of a job in Redis beside its request: its keys, its places in lists, and its result
OF_STYLIZATION = set(Stylization.model_fields)
TAG_BYTES = 200  # of a job's entry in the index by tag, and of the index of a tag that no other job has

Fields = Mapping[str, str]

_TEXTS = TypeAdapter(tuple[str, ...])
_NOTES = TypeAdapter(dict[str, str])
_FIELDS = TypeAdapter(dict[str, Any])


def encode_request(job_id: str, owner: str, request: JobRequest, max_attempts: int, root: str) -> str:
    """Return the fields that the script `create` gets. It does not store `uploads`.

    `root` is where the API is.
    """
    needs, cost = needed_version(request), expected_cost(request.params)
    fields = {
        "id": job_id,
        "lane": request.lane,
        "max_attempts": request.max_attempts or max_attempts,
        "request": request.model_dump_json(include=OF_STYLIZATION, exclude_defaults=True),
        "bytes": JOB_BYTES + TAG_BYTES * len(request.tags),
        "needs": needs if needs > BASE_VERSION else None,
        "cost": cost if cost != USUAL_COST else None,
        "start_within_ms": request.start_within and request.start_within * 1000,
        "custom_id": request.custom_id,
        "tags": request.tags and _TEXTS.dump_json(request.tags).decode(),
        "webhook": request.webhook and encode_receiver(request.webhook, root),
        "metadata": request.metadata and _NOTES.dump_json(request.metadata).decode(),
        "uploads": uploads_of(request, owner),
    }
    return _FIELDS.dump_json({name: value for name, value in fields.items() if value}).decode()


def decode_job(job_id: str, fields: Fields) -> Job:
    return Job(
        id=job_id,
        owner=fields["owner"],
        adopted_from=fields.get("adopted_from"),
        origin=Origin.of_text(fields.get("origin")),
        queued_at=time_of(fields["queued_ms"]),
        request=decode_request(fields["request"]),
        **shown(fields),
    )


def shown(fields: Fields) -> dict[str, Any]:
    """Return the members of a record that its client sees, except the request; no model slows it down."""
    return {member: read(fields) for member, read in SHOWN.items()}


def decode_request(text: str) -> Stylization:
    """Return a stored request without what a newer version added: showing a job does not need it.

    Raises:
        RecordUnreadable: a newer version has put something there that has no meaning here.
    """
    try:
        return Stylization.model_validate_json(text, extra="ignore")
    except ValidationError as error:
        raise RecordUnreadable("The job was accepted by a newer version of the service") from error


def tags_of(fields: Fields) -> tuple[str, ...]:
    return _TEXTS.validate_json(fields["tags"]) if "tags" in fields else ()


def level_of(fields: Fields) -> int:
    """Return the record version that a worker must understand to run the job."""
    return int(fields.get("needs", BASE_VERSION))


def time_or_none(fields: Fields, name: str) -> datetime | None:
    return time_of(fields[name]) if name in fields else None


def time_of(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _number(name: str) -> Callable[[Fields], int]:
    return lambda fields: int(fields[name])


def _text(name: str) -> Callable[[Fields], str | None]:
    return lambda fields: fields.get(name)


def _json(name: str, default: Any = None) -> Callable[[Fields], Any]:
    return lambda fields: from_json(fields[name]) if name in fields else default


def _seconds(name: str) -> Callable[[Fields], float | None]:
    return lambda fields: int(fields[name]) / MICROSECONDS if name in fields else None


def _time(name: str) -> Callable[[Fields], datetime | None]:
    return lambda fields: time_or_none(fields, name)


# How each member of a job that its client sees is read from the record, but for its request.
SHOWN: Mapping[str, Callable[[Fields], Any]] = {
    "batch_id": _text("batch_id"),
    "status": itemgetter("status"),
    "seq": _number("seq"),
    "lane": itemgetter("lane"),
    "attempt": _number("attempt"),
    "max_attempts": _number("max_attempts"),
    "custom_id": _text("custom_id"),
    "tags": _json("tags", ()),
    "metadata": _json("metadata", {}),
    "webhook": decode_receiver,
    "result": _json("result"),
    "error": _json("error"),
    "device_seconds": _seconds("device_us"),
    "bytes_in": _json("bytes_in"),
    "progress": _json("progress"),
    "chosen_side": _json("chosen_side"),
    "created_at": _time("created_ms"),
    "started_at": _time("started_ms"),
    "finished_at": _time("finished_ms"),
    "expires_at": _time("expires_ms"),
}
