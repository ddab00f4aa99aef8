"""/v1/jobs: submit, poll, list, cancel, try again, delete."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Literal

import structlog
from flask import Response, request
from flask_openapi3 import Tag
from pydantic import BaseModel, Field
from structlog.contextvars import bound_contextvars

from api.access.auth import current_owner, known_caller
from api.access.owners import OwnerQuery, job_owner, noted, owner_of_named, reached
from api.http.blueprints import Routes
from api.http.deleted_objects import remove_now
from api.http.spec import EVENTS, ZIP, problems, streamed, submission_body, with_etag
from api.http.stored_files import LEADS_TO_FILE, FileQuery, lead_to
from api.intake.acceptance import check_job
from api.intake.bodies import Submission, idempotency_key, read_submission
from api.intake.known_uploads import check_uploads
from api.services import services
from api.telemetry.request_ids import current_origin
from api.views.archives import archive, archive_response, path_of
from api.views.events import events
from api.views.polling import MAX_WAIT_SECONDS, Query, Wait, WaitQuery, held, number_of, record_response
from api.views.records import job_json, job_page, job_queue, job_url, root_url
from shared.policy.object_keys import preview_key, thumbnail_key, upload_key
from shared.request_errors import InvalidParameter, JobNotFinished, JobNotFound, NoPreview
from shared.store.job_reader import JobSnapshot
from shared.telemetry.tracing import describe, span
from shared.wire.descriptors import JobRequest
from shared.wire.job_filter import JobFilter
from shared.wire.records import Job, JobPage, JobResult, JobView

MAX_IDS = 100
IDS_PATTERN = rf"^[^,]+(,[^,]+){{0,{MAX_IDS - 1}}}$"

jobs = Routes("jobs", __name__, url_prefix="/v1/jobs", abp_tags=[Tag(name="jobs")])


class JobPath(BaseModel):
    job_id: str = Field(description="The job's id.")


class ListQuery(OwnerQuery, JobFilter):
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=64, description="`next_cursor` of the page before.")
    ids: str | None = Field(
        None,
        json_schema_extra={"pattern": IDS_PATTERN},
        description=f"Instead of a page: these jobs, up to {MAX_IDS} ids separated by commas, in this order. "
        "Unknown ids are left out. An admin need not name the owner.",
    )


class ResultQuery(FileQuery):
    download: Literal["yes"] | None = Field(
        None, description="'yes' lets a browser save the file, named by the custom id, and not show it."
    )


class ArchiveQuery(Query):
    ids: str = Field(
        json_schema_extra={"pattern": IDS_PATTERN}, description=f"Up to {MAX_IDS} ids separated by commas."
    )


@jobs.post(
    "",
    responses={202: with_etag(JobView, location=True), **problems(400, 403, 409, 413, 415, 422, 429, 507)},
    openapi_extensions=submission_body(),
)
def submit_job() -> Response:
    """Submit one job.

    The body is JSON, or multipart/form-data with the files `content` and `style` and any other member of a
    job as a text field. `Prefer: wait=N` holds the response until the job has finished, N seconds at the
    most. With an `Idempotency-Key` the same request may be sent again for a day and makes no second job.
    """
    look, wait = _ways_to(_accept(read_submission(services().settings)))
    snapshot = held(_preferred_wait(), wait, look)
    response = record_response(snapshot, job_json, job_queue(snapshot), HTTPStatus.ACCEPTED)
    response.headers["Location"] = job_url(snapshot.job_id)
    return response


@jobs.get(
    "",
    responses={
        200: JobPage,
        414: {"description": "The URI is too long for a server in front."},
        **problems(422),
    },
)
def list_jobs(query: ListQuery) -> Response:
    """List the jobs that meet all conditions, newest first, or the jobs with the given ids."""
    if query.ids is not None:
        return Response(job_page(_jobs_with(query.ids)), mimetype="application/json")
    page = services().store.page(
        owner_of_named(query, batch_id=query.batch_id),
        query,
        limit=query.limit,
        cursor=query.cursor,
    )
    return Response(job_page(page.jobs, page.cursor), mimetype="application/json")


@jobs.get("/archive", responses={200: streamed(ZIP), **problems(404, 422)})
def get_jobs_archive(query: ArchiveQuery) -> Response:
    """Get the pictures of chosen jobs as one ZIP, with a manifest.json. Their names are the custom ids.

    Jobs without a picture, and unknown ids, are listed in a text file in it. If all ids are unknown, the
    response is 404.
    """
    found = _jobs_with(query.ids)
    if not found:
        raise JobNotFound("There is none of these jobs")
    unknown = set(query.ids.split(",")) - {snapshot.job_id for snapshot in found}
    lines = [f"{job_id}: there is no such job" for job_id in sorted(unknown)]
    jobs = (snapshot.job for snapshot in found)
    return archive_response("pictures", archive(services(), jobs, lines))


def _jobs_with(text: str) -> list[JobSnapshot]:
    """Return the jobs that the caller may see of these ids, in the same order.

    Raises:
        InvalidParameter: there are too many ids, or an empty one.
    """
    ids = text.split(",")
    if len(ids) > MAX_IDS or not all(ids):
        raise InvalidParameter(
            f"There must be 1 to {MAX_IDS} ids separated by commas; these are {len(ids)}", "/ids"
        )
    found = services().store.look_many(ids, reached())
    for owner in {snapshot.owner for snapshot in found}:
        noted(owner)
    return found


@jobs.get("/<job_id>", responses={200: with_etag(JobView), 304: with_etag(None), **problems(404, 422)})
def get_job(path: JobPath, query: WaitQuery) -> Response:
    """Poll a job: 200 in every state, 304 if If-None-Match has its current ETag."""
    look, wait = _ways_to(path.job_id)
    snapshot = held(query.wait, wait, look)
    noted(snapshot.owner)
    return record_response(snapshot, job_json, job_queue(snapshot))


@jobs.get("/<job_id>/events", responses={200: EVENTS, 204: None, **problems(404)})
def follow_job(path: JobPath) -> Response:
    """Follow a job as server-sent events: its state now and after each change, until it has finished."""
    look, wait = _ways_to(path.job_id)
    first = look()
    noted(first.owner)
    return events(first, wait, lambda snapshot: job_json(snapshot, job_queue(snapshot)), "job")


@jobs.get("/<job_id>/result", responses={**LEADS_TO_FILE, **problems(404, 409, 422)})
def get_result(path: JobPath, query: ResultQuery) -> Response:
    """Get the stylized image through a presigned URL."""
    job, result = _job_and_result(path)
    name = path_of(job).name if query.download else None
    return lead_to(query, result.key, result.content_type, result.bucket, name)


@jobs.get("/<job_id>/thumbnail", responses={**LEADS_TO_FILE, **problems(404, 409, 422)})
def get_thumbnail(path: JobPath, query: FileQuery) -> Response:
    """Get a small JPEG of the result through a presigned URL, or the result itself if it has none."""
    job, result = _job_and_result(path)
    if result.thumbnail is None:
        return lead_to(query, result.key, result.content_type, result.bucket)
    return lead_to(query, thumbnail_key(job.folder, job.id), "image/jpeg")


@jobs.get("/<job_id>/preview", responses={**LEADS_TO_FILE, **problems(404, 409, 422)})
def get_preview(path: JobPath, query: FileQuery) -> Response:
    """Get the picture so far of a job with the method 'optimize', through a presigned URL."""
    parts = services()
    job = parts.store.get(path.job_id, job_owner(path.job_id))
    if job.result:
        return lead_to(query, job.result.key, job.result.content_type, job.result.bucket)
    if not job.progress or not job.progress.preview:
        raise NoPreview(f"The job is {job.status}; it has no preview" + _reason(job))
    return lead_to(query, preview_key(job.folder, job.id), "image/jpeg")


@jobs.post("/<job_id>/cancel", responses={200: JobView, 202: JobView, **problems(404, 409)})
def cancel_job(path: JobPath) -> Response:
    """Cancel a job: 200 if it is canceled now, 202 if its worker must still stop it."""
    snapshot = services().store.cancel(path.job_id, job_owner(path.job_id))
    return record_response(
        snapshot, job_json, None, HTTPStatus.OK if snapshot.finished else HTTPStatus.ACCEPTED
    )


@jobs.post("/<job_id>/retry", responses={202: JobView, **problems(404, 409)})
def retry_job(path: JobPath) -> Response:
    """Queue a failed, canceled or expired job again."""
    parts = services()
    snapshot = parts.store.retry(path.job_id, job_owner(path.job_id))
    parts.dispatcher.dispatch_or_leave([snapshot.lane])
    return record_response(snapshot, job_json, job_queue(snapshot), HTTPStatus.ACCEPTED)


@jobs.delete("/<job_id>", responses={204: None, **problems(404, 409)})
def delete_job(path: JobPath) -> Response:
    """Delete a job that is not running, with its record, its image, and files that no other job names.

    The image is removed before the response, or a few seconds later if the client chose its key. Files are
    removed a few seconds later too, and an hour after their announcement at the earliest. Objects in the
    client's own bucket stay.
    """
    parts = services()
    remove_now(parts, parts.store.delete(path.job_id, job_owner(path.job_id)))
    return Response(status=HTTPStatus.NO_CONTENT)


def _accept(submission: Submission) -> str:
    """Store the pictures, then the record, then the message, so no accepted job is lost; return its id."""
    parts, owner = services(), current_owner()
    check_job(submission.job, known_caller(), parts.settings)
    check_uploads(submission, parts.known_uploads, owner)
    parts.uploads.announce(owner, {file.upload_id: file.size for file in submission.files})
    for file in submission.files:
        parts.storage.put(upload_key(owner, file.upload_id), file.body, file.content_type)
    parts.known_uploads.note(owner, [file.upload_id for file in submission.files])
    with span("submit job", "producer"):
        job_id = _create(submission.job)
        describe(stylequeue__job_id=job_id, stylequeue__lane=submission.job.lane)
        with bound_contextvars(job_id=job_id):
            structlog.get_logger().info("job accepted", lane=submission.job.lane)
            parts.dispatcher.dispatch_or_leave([submission.job.lane])
    return job_id


def _create(job: JobRequest) -> str:
    """Create the record; return its id, or with an Idempotency-Key that of the same request before."""
    parts, owner, key = services(), current_owner(), idempotency_key()
    max_attempts, origin, root = parts.settings.max_attempts, current_origin(), root_url()
    if key:
        return parts.store.create_once(owner, job, max_attempts, key, parts.limits, origin, root)
    (job_id,) = parts.store.create(owner, [job], max_attempts, parts.limits, origin, root)
    return job_id


def _ways_to(job_id: str) -> tuple[Callable[[], JobSnapshot], Wait[JobSnapshot]]:
    """Return a function that reads the job, and one that waits for its change."""
    store, owner = services().store, reached()
    return partial(store.look, job_id, owner), partial(store.wait, job_id, owner)


def _preferred_wait() -> int:
    """Return N of `Prefer: wait=N` (RFC 7240), within the limit of ?wait=; 0 without it."""
    for preference in request.headers.get("Prefer", "").split(","):
        name, _, value = preference.strip().partition("=")
        if name.lower() == "wait":
            return min(number_of(value) or 0, MAX_WAIT_SECONDS)
    return 0


def _job_and_result(path: JobPath) -> tuple[Job, JobResult]:
    """Return a job that has a result.

    Raises:
        JobNotFinished: it has none, or none yet.
    """
    job = services().store.get(path.job_id, job_owner(path.job_id))
    if job.result is None:
        raise JobNotFinished(f"The job is {job.status}; it has no result" + _reason(job))
    return job, job.result


def _reason(job: Job) -> str:
    return f": {job.error.detail}" if job.error else ""
