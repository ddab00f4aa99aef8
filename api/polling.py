"""How a client waits: ETag, If-None-Match, ?wait= and Retry-After, written once."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, request
from pydantic import BaseModel, Field

from api.auth import current_owner
from api.services import services
from api.views import job_view
from shared.records import Job

MAX_WAIT_SECONDS = 60
MAX_DIGITS = 18
POLL_SECONDS = 1


class WaitQuery(BaseModel):
    wait: int = Field(
        0,
        ge=0,
        le=MAX_WAIT_SECONDS,
        description="Seconds to hold the request until the job has finished, or, with If-None-Match, until "
        "it changes. While the service holds as many requests as it can, the answer comes at once.",
    )


def wait_for_job(job_id: str, wait_seconds: int) -> Job:
    """The job, now or after a change that is worth an answer."""
    parts, owner = services(), current_owner()
    if wait_seconds and parts.waiting_requests.acquire(blocking=False):
        try:
            seconds = min(wait_seconds, parts.settings.max_wait_seconds)
            return parts.store.wait(job_id, owner, _seen_seq(), seconds)
        finally:
            parts.waiting_requests.release()
    return parts.store.get(job_id, owner)


def answer(job: Job, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """The job with its ETag; 304 without a body if the client has this version already."""
    if status is HTTPStatus.OK and request.method == "GET" and _seen_seq() == job.seq:
        response = Response(status=HTTPStatus.NOT_MODIFIED)
    else:
        response = Response(job_view(job).model_dump_json(), status, mimetype="application/json")
    response.set_etag(str(job.seq), weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    if not job.finished:
        response.headers["Retry-After"] = str(POLL_SECONDS)
    return response


def _seen_seq() -> int | None:
    """The version in If-None-Match, or None."""
    tags = request.if_none_match
    version = next(iter(tags.as_set(include_weak=True)), "")
    return number_of(version)


def number_of(text: str) -> int | None:
    """The number that a header's text is; None if it is none, or has more digits than any of ours."""
    return int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else None
