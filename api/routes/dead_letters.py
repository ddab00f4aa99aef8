"""/v1/dead-letters: failed jobs, and queueing them again."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response
from flask_openapi3 import Tag

from api.access.audit import describe_action
from api.access.owners import OwnerQuery, noted, owner_of_named, reached
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import json_body, problems
from api.intake.bodies import has_body, read_json
from api.routes.batches import PageQuery
from api.routes.jobs import JobPath
from api.services import services
from api.views.polling import record_response
from api.views.records import job_json, job_page, job_queue
from shared.wire.dead_letter_records import Replayed, ReplayRequest
from shared.wire.descriptors import Lane
from shared.wire.job_filter import Conditions
from shared.wire.records import JobPage, JobView

dead_letters = Routes(
    "dead_letters", __name__, url_prefix="/v1/dead-letters", abp_tags=[Tag(name="dead letters")]
)


class DeadLetterQuery(OwnerQuery, PageQuery, Conditions):
    pass


@dead_letters.get("", responses={200: JobPage, **problems(422)})
def list_dead_letters(query: DeadLetterQuery) -> Response:
    """List the failed jobs that meet all conditions, each with its error, the newest submission first."""
    owner = owner_of_named(query, batch_id=query.batch_id)
    page = services().dead_letters.page(owner, query, limit=query.limit, cursor=query.cursor)
    return Response(job_page(page.jobs, page.cursor), mimetype="application/json")


@dead_letters.post(
    "/replay",
    responses={202: Replayed, **problems(400, 413, 415, 422)},
    openapi_extensions=json_body(ReplayRequest, required=False),
)
def replay_dead_letters(query: OwnerQuery) -> Response:
    """Queue all failed jobs again, or those with one error code, with all their attempts."""
    wanted = read_json(ReplayRequest) if has_body() else ReplayRequest()
    parts = services()
    replayed = parts.dead_letters.replay_all(query.whose, wanted.code)
    describe_action(replayed=replayed, code=wanted.code)
    parts.dispatcher.dispatch_or_leave(Lane)
    return json_response(Replayed(replayed=replayed), HTTPStatus.ACCEPTED)


@dead_letters.post("/<job_id>/replay", responses={202: JobView, **problems(404, 409)})
def replay_dead_letter(path: JobPath) -> Response:
    """Queue one failed job again."""
    parts = services()
    snapshot = parts.dead_letters.replay(path.job_id, reached())
    noted(snapshot.owner)
    parts.dispatcher.dispatch_or_leave([snapshot.lane])
    return record_response(snapshot, job_json, job_queue(snapshot), HTTPStatus.ACCEPTED)
