"""/v1/batches/{id}/...: a batch's results so far, as rows, as files, and as one ZIP."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Literal

from flask import Response, stream_with_context
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from api.access.owners import batch_owner
from api.http.blueprints import Routes
from api.http.spec import NDJSON, ZIP, problems, streamed
from api.http.stored_files import LEADS_TO_FILE, FileQuery, lead_to
from api.routes.batches import BatchPath
from api.services import services
from api.views.archives import archive, archive_response
from api.views.batch_results import ended_jobs, result_rows
from api.views.polling import Query
from shared.request_errors import BatchNotFinished
from shared.wire.batch_records import Batch, RejectedLine, ResultRow
from shared.wire.records import JobStatus

results = Routes("results", __name__, url_prefix="/v1/batches/<batch_id>", abp_tags=[Tag(name="batches")])


class ResultsQuery(Query):
    status: Literal["succeeded", "failed", "canceled", "expired"] | None = None
    after: int = Field(0, ge=0, le=2**53, description="`cursor` of the last row read so far.")
    limit: int | None = Field(None, ge=1, le=2**53, description="Most rows; unset: all.")


class RejectedQuery(Query):
    after: int = Field(0, ge=0, le=2**53, description="`line` of the last line read so far.")
    limit: int | None = Field(None, ge=1, le=2**53, description="Most lines; unset: all.")


@results.get("/results", responses={200: streamed(NDJSON, ResultRow), **problems(404, 422)})
def get_results(path: BatchPath, query: ResultsQuery) -> Response:
    """Read the results so far, as NDJSON in the order in which the jobs ended.

    Each row has a `cursor`, and `after` continues behind it. A job that was retried has a row for each end.
    """
    parts, owner = services(), batch_owner(path.batch_id)
    parts.batches.look(path.batch_id, owner)
    status = JobStatus(query.status) if query.status else None
    found = result_rows(parts, owner, path.batch_id, query.after, status)
    return _ndjson(islice(found, query.limit))


@results.get("/rejected", responses={200: streamed(NDJSON, RejectedLine), **problems(404, 422)})
def get_rejected(path: BatchPath, query: RejectedQuery) -> Response:
    """Read the rejected lines as NDJSON in order; `after` is the last line number that was read."""
    parts = services()
    parts.batches.look(path.batch_id, batch_owner(path.batch_id))
    return _ndjson(islice(parts.batches.rejected_lines(path.batch_id, query.after), query.limit))


@results.get("/archive", responses={200: streamed(ZIP), **problems(404)})
def get_archive(path: BatchPath) -> Response:
    """Get the pictures so far as one ZIP, with a manifest.json. Their names are the custom ids."""
    parts, owner = services(), batch_owner(path.batch_id)
    batch = parts.batches.look(path.batch_id, owner).batch
    jobs = (job for _, job in ended_jobs(parts, owner, batch.id))
    return archive_response(batch.id, archive(parts, jobs))


@results.get("/output", responses={**LEADS_TO_FILE, **problems(404, 409, 422)})
def get_output(path: BatchPath, query: FileQuery) -> Response:
    """Get the NDJSON of the jobs that succeeded, once all jobs have ended."""
    return _lead_to_object(query, path.batch_id, lambda batch: batch.output_key)


@results.get("/errors", responses={**LEADS_TO_FILE, **problems(404, 409, 422)})
def get_errors(path: BatchPath, query: FileQuery) -> Response:
    """Get the NDJSON of the other jobs and the rejected lines, once all jobs have ended."""
    return _lead_to_object(query, path.batch_id, lambda batch: batch.errors_key)


def _lead_to_object(query: FileQuery, batch_id: str, key_of: Callable[[Batch], str | None]) -> Response:
    batch = services().batches.look(batch_id, batch_owner(batch_id)).batch
    key = key_of(batch)
    if key is None:
        raise BatchNotFinished(f"The batch is {batch.status}; its results so far are at /results")
    return lead_to(query, key, NDJSON)


def _ndjson(rows: Iterable[BaseModel]) -> Response:
    lines = (row.model_dump_json(exclude_none=True) + "\n" for row in rows)
    return Response(stream_with_context(lines), mimetype=NDJSON)
