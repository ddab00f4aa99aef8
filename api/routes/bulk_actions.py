"""/v1/bulk-actions: cancel, retry or delete all jobs that meet conditions, once their number is confirmed."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus

from flask import Response
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from api.access.audit import describe_action
from api.access.auth import current_owner
from api.access.owners import OwnerQuery, reached
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import json_body, problems
from api.intake.bodies import read_json
from api.services import services
from shared.request_errors import ActionNotFound
from shared.wire.bulk_records import Action, BulkAction, BulkActionList, BulkRequest, Confirmation
from shared.wire.descriptors import Lane

bulk_actions = Routes(
    "bulk_actions", __name__, url_prefix="/v1/bulk-actions", abp_tags=[Tag(name="bulk actions")]
)


class ActionPath(BaseModel):
    action_id: str = Field(description="The bulk action's id.")


@bulk_actions.post(
    "",
    responses={202: BulkAction, **problems(400, 413, 415, 422)},
    openapi_extensions=json_body(BulkRequest),
)
def create_bulk_action(query: OwnerQuery) -> Response:
    """Count the jobs that meet all conditions and that the action can change. Nothing changes yet.

    When it is `counted`, confirm it with its count. It goes on by itself as long as a worker lives, and at
    each `advance`. It is kept for a week.
    """
    wanted, parts = read_json(BulkRequest), services()
    action_id = parts.bulk_actions.create(current_owner(), query.whose, wanted.action, wanted.filter)
    conditions = wanted.filter.model_dump(mode="json", exclude_none=True)
    in_words = ", ".join(f"{name} {value}" for name, value in conditions.items())
    describe_action(subject=action_id, action=wanted.action, filter=in_words or None)
    return _advanced(action_id)


@bulk_actions.get("", responses={200: BulkActionList, **problems()})
def list_bulk_actions() -> Response:
    """List your bulk actions of the last week, newest first."""
    found = services().bulk_actions.of_owner(current_owner())
    return json_response(BulkActionList(bulk_actions=tuple(found)))


@bulk_actions.get("/<action_id>", responses={200: BulkAction, **problems(404)})
def get_bulk_action(path: ActionPath) -> Response:
    """See a bulk action and its progress."""
    return json_response(services().bulk_actions.look(path.action_id, reached()))


@bulk_actions.post(
    "/<action_id>/confirm",
    responses={202: BulkAction, **problems(400, 404, 409, 413, 415, 422)},
    openapi_extensions=json_body(Confirmation),
)
def confirm_bulk_action(path: ActionPath) -> Response:
    """Let a counted action begin. It changes no more jobs than the count."""
    found = services().bulk_actions.look(path.action_id, reached())
    count = read_json(Confirmation).count
    services().bulk_actions.confirm(path.action_id, reached(), count)
    describe_action(owner=found.of, action=found.action, count=count)
    return _advanced(path.action_id)


@bulk_actions.post("/<action_id>/advance", responses={202: BulkAction, **problems(404)})
def advance_bulk_action(path: ActionPath) -> Response:
    """Do the action's next step now, up to 200 jobs, instead of waiting for a worker."""
    services().bulk_actions.look(path.action_id, reached())
    return _advanced(path.action_id)


@bulk_actions.delete("/<action_id>", responses={204: None, **problems(404)})
def delete_bulk_action(path: ActionPath) -> Response:
    """Stop and remove a bulk action. What it has done to jobs stays."""
    store = services().bulk_actions
    with suppress(ActionNotFound):  # a damaged one is removed all the same
        found = store.look(path.action_id, reached())
        describe_action(owner=found.of, action=found.action, changed=found.changed)
    store.forget(path.action_id, reached())
    return Response(status=HTTPStatus.NO_CONTENT)


def _advanced(action_id: str) -> Response:
    parts = services()
    parts.bulk_actions.advance(action_id)
    found = parts.bulk_actions.look(action_id, reached())
    if found.action is Action.RETRY and found.changed:
        parts.dispatcher.dispatch_or_leave(Lane)
    return json_response(found, HTTPStatus.ACCEPTED)
