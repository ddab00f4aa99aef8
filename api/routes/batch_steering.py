"""/v1/batches/{id}/...: pause, resume and move a batch, change its lane, and see why its jobs failed."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response
from flask_openapi3 import Tag
from pydantic import Field

from api.access.audit import describe_action
from api.access.auth import known_caller
from api.access.owners import batch_owner
from api.access.scopes import check_lane
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import json_body, problems, with_etag
from api.intake.bodies import read_json
from api.routes.batches import ANSWER_SECONDS, BatchPath
from api.services import services
from api.views.polling import Query, record_response
from api.views.records import batch_json, batch_queue
from shared.store.batches import Steering
from shared.wire.batch_descriptors import LaneRequest
from shared.wire.batch_records import BatchFailures, BatchView
from shared.wire.descriptors import Lane

batch_steering = Routes(
    "batch_steering", __name__, url_prefix="/v1/batches/<batch_id>", abp_tags=[Tag(name="batches")]
)


class FailuresQuery(Query):
    cursor: str | None = Field(None, max_length=64, description="`next_cursor` of the response before.")


@batch_steering.post("/pause", responses={200: with_etag(BatchView), **problems(404, 409)})
def pause_batch(path: BatchPath) -> Response:
    """Pause a batch: none of its jobs starts until it is resumed. Running jobs go on."""
    return _steered(path.batch_id, "pause")


@batch_steering.post("/resume", responses={200: with_etag(BatchView), **problems(404, 409)})
def resume_batch(path: BatchPath) -> Response:
    """Resume a paused batch."""
    return _steered(path.batch_id, "resume")


@batch_steering.post("/first", responses={200: with_etag(BatchView), **problems(404, 409)})
def move_batch_first(path: BatchPath) -> Response:
    """Let a batch go before its owner's other jobs that wait now. Other owners are not affected."""
    return _steered(path.batch_id, "first")


@batch_steering.post(
    "/lane",
    responses={
        200: with_etag(BatchView),
        202: with_etag(BatchView),
        **problems(400, 403, 404, 409, 413, 415, 422),
    },
    openapi_extensions=json_body(LaneRequest),
)
def move_batch_to_lane(path: BatchPath) -> Response:
    """Let a batch's waiting jobs go to another lane, in their order. Running jobs keep theirs.

    200: all have gone. 202: many wait, and the workers move the rest within seconds; `moving_to` is present
    until then. Jobs with the method 'optimize' can use no other lane than the one of this name.
    """
    parts, owner = services(), batch_owner(path.batch_id)
    parts.batches.look(path.batch_id, owner)  # what is wrong with the body is told to its owner alone
    lane = read_json(LaneRequest).lane
    check_lane(lane, known_caller().lanes)
    done = parts.batches.move(path.batch_id, owner, lane, ANSWER_SECONDS)
    describe_action(lane=lane)
    parts.dispatcher.dispatch_or_leave(Lane)
    snapshot = parts.batches.look(path.batch_id, owner)
    status = HTTPStatus.OK if done else HTTPStatus.ACCEPTED
    return record_response(snapshot, batch_json, batch_queue(snapshot), status)


@batch_steering.get("/failures", responses={200: BatchFailures, **problems(404, 422)})
def get_failures(path: BatchPath, query: FailuresQuery) -> Response:
    """Count the batch's failed jobs by error code, 2,000 of them at a time; add the counts of all pages."""
    found = services().batches.failures(path.batch_id, batch_owner(path.batch_id), query.cursor)
    return json_response(found)


def _steered(batch_id: str, step: Steering) -> Response:
    parts, owner = services(), batch_owner(batch_id)
    parts.batches.steer(batch_id, owner, step)
    if step != "pause":
        parts.dispatcher.dispatch_or_leave(Lane)
    snapshot = parts.batches.look(batch_id, owner)
    return record_response(snapshot, batch_json, batch_queue(snapshot), HTTPStatus.OK)
