"""/v1/batches: many jobs in one request; poll, list, cancel, try again, delete."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from http import HTTPStatus
from itertools import chain
from typing import Any

import structlog
from flask import Response, request
from flask_openapi3 import Tag
from pydantic import BaseModel, Field, TypeAdapter

from api.access.auth import current_owner, known_caller
from api.access.owners import OwnerQuery, batch_owner, noted, reached
from api.http.blueprints import Routes
from api.http.deleted_objects import remove_now
from api.http.json_response import json_response
from api.http.spec import EVENTS, NDJSON, batch_body, json_body, problems, with_etag
from api.intake.batch_forms import Form, form_of, ndjson_lines
from api.intake.batch_intake import Intake
from api.intake.batch_lines import LineCheck
from api.intake.batch_spool import spooled_body
from api.intake.bodies import has_body, idempotency_key, json_bytes, read_json
from api.intake.json_members import check_json
from api.intake.known_uploads import UploadCheck, uploads_of
from api.intake.webhook_headers import webhook_of_headers
from api.services import services
from api.telemetry.request_ids import current_origin
from api.views.events import events
from api.views.polling import Query, Wait, WaitQuery, held, record_response
from api.views.records import batch_json, batch_queue, batch_url, batch_view, job_page, root_url
from shared.policy.idempotency import Idempotency
from shared.policy.webhook_targets import check_receiver
from shared.request_errors import UnsupportedMediaType
from shared.store.batch_reader import BatchSnapshot
from shared.telemetry.tracing import describe, span
from shared.wire.batch_descriptors import BatchOptions, BatchRequest, BatchWebhook, RetryRequest
from shared.wire.batch_records import BatchPage, BatchView
from shared.wire.descriptors import Lane
from shared.wire.job_filter import JobFilter
from shared.wire.records import JobPage, JobStatus

ANSWER_SECONDS = 1.0  # for steps through a batch's jobs; the workers' sweep does the rest
STORAGE_LEASE_SECONDS = 300  # to read the objects that a batch names, before its first line is written
MOST_REMOVED_NOW = 1000  # objects before the response to a deletion; the workers remove the rest
ERRORS = problems(400, 403, 404, 409, 413, 415, 422, 429, 507)
BATCH_REQUEST: TypeAdapter[BatchRequest] = TypeAdapter(BatchRequest)
RETRIED = {
    "failed": (JobStatus.FAILED,),
    "canceled": (JobStatus.CANCELED,),
    "expired": (JobStatus.EXPIRED,),
    "all": (JobStatus.FAILED, JobStatus.CANCELED, JobStatus.EXPIRED),
}

batches = Routes("batches", __name__, url_prefix="/v1/batches", abp_tags=[Tag(name="batches")])


class BatchPath(BaseModel):
    batch_id: str = Field(description="The batch's id.")


class SubmitQuery(Query):
    atomic: bool = Field(False, description="Accept all lines or none.")


class PageQuery(Query):
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=64, description="`next_cursor` of the page before.")


class ListQuery(OwnerQuery, PageQuery):
    pass


class JobsQuery(PageQuery):
    status: JobStatus | None = None


@batches.post(
    "",
    responses={202: with_etag(BatchView, location=True), **ERRORS},
    openapi_extensions=batch_body(),
)
def submit_batch(query: SubmitQuery) -> Response:
    """Submit many jobs at once.

    The body is NDJSON (`application/x-ndjson`) with a job in each line, or JSON with the jobs, combinations,
    the URL of an object with NDJSON, or a prefix with images. An unacceptable line is rejected alone, with
    its number and its pointer; with `atomic=true` the whole batch is rejected instead. All accepted jobs are
    stored before the response. With NDJSON, the headers `Webhook-Url` and `Webhook-Events` (separated by
    commas) set the batch's webhook. With an `Idempotency-Key` the same request may be sent again for a day
    and makes no second batch.
    """
    if request.mimetype == NDJSON:
        batch_id = _submit_ndjson(atomic=query.atomic)
    elif request.is_json:
        batch_id = _submit_json(atomic=query.atomic)
    else:
        raise UnsupportedMediaType(f"The body must be application/json or {NDJSON}")
    snapshot = services().batches.look(batch_id, current_owner())
    structlog.get_logger().info(
        "batch accepted", batch_id=batch_id, jobs=snapshot.batch.total, rejected=snapshot.batch.rejected
    )
    response = record_response(snapshot, batch_json, batch_queue(snapshot), HTTPStatus.ACCEPTED)
    response.headers["Location"] = batch_url(batch_id)
    return response


def _submit_ndjson(*, atomic: bool) -> str:
    settings = services().settings
    with spooled_body(settings.max_batch_bytes, "max_batch_bytes") as (file, digest):
        form, webhook = nullcontext(Form(lambda: ndjson_lines(file, settings))), webhook_of_headers(settings)
        once = _once(f"{digest}{_digest_of(webhook)}", atomic=atomic)
        return _accept(form, BatchOptions(webhook=webhook), once, atomic=atomic)


def _submit_json(*, atomic: bool) -> str:
    parts = services()
    body = json_bytes(parts.settings.max_batch_json_bytes, "max_batch_json_bytes")
    check_json(body, parts.settings.max_batch_jobs, "max_batch_jobs")
    batch: BatchRequest = BATCH_REQUEST.validate_json(body)
    if batch.webhook:
        check_receiver(batch.webhook.url, parts.settings, "/webhook/url")
    form = form_of(batch, current_owner(), parts.settings, parts.storage)
    once = _once(hashlib.sha256(body).hexdigest(), atomic=atomic)
    return _accept(form, batch, once, atomic=atomic)


def _digest_of(webhook: BatchWebhook | None) -> str:
    """Return what the webhook in the headers adds to the digest of a body; nothing without one."""
    return "-" + hashlib.sha256(webhook.model_dump_json().encode()).hexdigest() if webhook else ""


def _once(digest: str, *, atomic: bool) -> Idempotency | None:
    key = idempotency_key()
    digest = f"{digest}{'-atomic' * atomic}"
    return Idempotency.with_digest(current_owner(), key, digest) if key else None


def _accept(
    form: AbstractContextManager[Form],
    options: BatchOptions,
    once: Idempotency | None,
    *,
    atomic: bool,
) -> str:
    """Return the id of the batch, or of the batch that the same request made before."""
    parts, owner, root = services(), current_owner(), root_url()
    with span("submit batch", "producer"):
        batch_id, fresh = parts.batches.begin(
            owner,
            options.metadata,
            once,
            STORAGE_LEASE_SECONDS,
            current_origin(),
            options.webhook,
            root,
            parts.limits.quotas,
        )
        describe(stylequeue__batch_id=batch_id)
        if fresh:
            _write(Intake(parts, owner, batch_id, root), form, options.defaults, atomic=atomic)
    return batch_id


def _write(
    intake: Intake, form: AbstractContextManager[Form], defaults: Mapping[str, Any], *, atomic: bool
) -> None:
    """Write the lines of a new batch, and let its jobs run."""
    parts = intake.parts
    uploads = UploadCheck(parts.known_uploads, intake.owner)
    with intake.nothing_left_on_error(), form as read:
        uploads.look(chain(uploads_of(defaults), read.uploads()))
        intake.take(
            lambda: LineCheck(known_caller(), parts.settings, defaults, uploads).check(read.lines()),
            read.skipped,
            atomic=atomic,
        )
    parts.dispatcher.dispatch_or_leave(intake.lanes)


@batches.get("", responses={200: BatchPage, **problems(422)})
def list_batches(query: ListQuery) -> Response:
    """List batches, newest first."""
    parts, owner = services(), query.whose
    page = parts.batches.page(owner, query.limit, query.cursor)
    found = parts.batches.look_many(page.ids, owner)
    views = tuple(batch_view(snapshot, batch_queue(snapshot)) for snapshot in found)
    body = BatchPage(batches=views, next_cursor=page.cursor)
    return json_response(body)


@batches.get("/<batch_id>", responses={200: with_etag(BatchView), 304: with_etag(None), **problems(404, 422)})
def get_batch(path: BatchPath, query: WaitQuery) -> Response:
    """Poll a batch: 200 in every state, 304 if If-None-Match has its current ETag."""
    look, wait = _ways_to(path.batch_id)
    snapshot = held(query.wait, wait, look)
    noted(snapshot.batch.owner)
    return record_response(snapshot, batch_json, batch_queue(snapshot))


@batches.get("/<batch_id>/events", responses={200: EVENTS, 204: None, **problems(404)})
def follow_batch(path: BatchPath) -> Response:
    """Follow a batch as server-sent events: its state now and after changes, until it has finished."""
    look, wait = _ways_to(path.batch_id)
    first = look()
    noted(first.batch.owner)
    return events(first, wait, lambda snapshot: batch_json(snapshot, batch_queue(snapshot)), "batch")


@batches.get("/<batch_id>/jobs", responses={200: JobPage, **problems(404, 422)})
def list_jobs_of_batch(path: BatchPath, query: JobsQuery) -> Response:
    """List the batch's jobs by line."""
    parts, owner = services(), batch_owner(path.batch_id)
    parts.batches.look(path.batch_id, owner)
    of_batch = JobFilter(status=query.status, batch_id=path.batch_id)
    page = parts.store.page(owner, of_batch, limit=query.limit, cursor=query.cursor)
    return Response(job_page(page.jobs, page.cursor), mimetype="application/json")


@batches.post("/<batch_id>/cancel", responses={200: BatchView, 202: BatchView, **problems(404, 409)})
def cancel_batch(path: BatchPath) -> Response:
    """Cancel a batch: none of its jobs starts from now on.

    200: all jobs have ended. 202: running jobs end as soon as their workers stop, and of a large batch the
    workers end the rest of the waiting jobs within seconds.
    A batch that is `finalizing` with an `error` ends now, without the objects of its results.
    """
    parts, owner = services(), batch_owner(path.batch_id)
    done = parts.batches.cancel(path.batch_id, owner, ANSWER_SECONDS)
    snapshot = parts.batches.look(path.batch_id, owner)
    ended = done and not snapshot.batch.counts[JobStatus.CANCELING]
    return record_response(snapshot, batch_json, None, HTTPStatus.OK if ended else HTTPStatus.ACCEPTED)


@batches.post(
    "/<batch_id>/retry",
    responses={202: with_etag(BatchView), **problems(400, 404, 409, 413, 415, 422)},
    openapi_extensions=json_body(RetryRequest, required=False),
)
def retry_batch(path: BatchPath) -> Response:
    """Queue the batch's failed jobs again, or its canceled or expired ones, with all their attempts."""
    wanted = read_json(RetryRequest) if has_body() else RetryRequest()
    parts, owner = services(), batch_owner(path.batch_id)
    parts.batches.retry(path.batch_id, owner, RETRIED[wanted.only], permanent=wanted.permanent)
    parts.dispatcher.dispatch_or_leave(Lane)
    snapshot = parts.batches.look(path.batch_id, owner)
    return record_response(snapshot, batch_json, batch_queue(snapshot), HTTPStatus.ACCEPTED)


@batches.delete("/<batch_id>", responses={202: None, 204: None, **problems(404, 409)})
def delete_batch(path: BatchPath) -> Response:
    """Delete a batch whose jobs have all ended, with their records and pictures, as each job is deleted.

    204: all is gone. 202: the batch is gone, and the workers remove the rest of its jobs within seconds.
    """
    parts, owner = services(), batch_owner(path.batch_id)
    orphans, done = parts.batches.delete(path.batch_id, owner, ANSWER_SECONDS)
    remove_now(parts, orphans[:MOST_REMOVED_NOW])
    return Response(status=HTTPStatus.NO_CONTENT if done else HTTPStatus.ACCEPTED)


def _ways_to(batch_id: str) -> tuple[Callable[[], BatchSnapshot], Wait[BatchSnapshot]]:
    """Return a function that reads the batch, and one that waits for its change."""
    store, owner = services().batches, reached()
    return partial(store.look, batch_id, owner), partial(store.wait, batch_id, owner)
