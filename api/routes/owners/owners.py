"""/v1/owners: each owner's use of the service, and its limits; for operators."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from api.access.audit import describe_action
from api.access.auth import require_admin
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import json_body, problems
from api.intake.bodies import read_json
from api.routes.owners.days import DaysQuery
from api.services import services
from shared.request_errors import OwnerNotFound
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import OWNER_IN_WORDS, OWNER_PATTERN
from shared.wire.operations.owner_records import OwnerLimits, OwnerPage, OwnerView
from shared.wire.words import in_words

owners = Routes("owners", __name__, url_prefix="/v1/owners", abp_tags=[Tag(name="operations")])

OwnerName = Annotated[str, Field(pattern=OWNER_PATTERN, description="The owner."), in_words(OWNER_IN_WORDS)]


class OwnerPath(BaseModel):
    owner: OwnerName


class OwnersQuery(DaysQuery):
    limit: int = Field(20, ge=1, le=50)
    cursor: str | None = Field(None, max_length=64, description="`next_cursor` of the page before.")


@owners.get("", responses={200: OwnerPage, **problems(422)})
def list_owners(query: OwnersQuery) -> Response:
    """List the owners by name, with what they have, what their jobs took, and their limits."""
    require_admin()
    span = query.span() if query.first or query.last else None
    page, cursor = services().owners.page(query.cursor, query.limit, span)
    first, last = span or (None, None)
    return json_response(OwnerPage(owners=tuple(page), first_day=first, last_day=last, next_cursor=cursor))


@owners.get("/<owner>", responses={200: OwnerView, **problems(404, 422)})
def get_owner(path: OwnerPath) -> Response:
    """See one owner."""
    require_admin()
    if path.owner not in services().owners.names():
        raise OwnerNotFound(f"No owner {path.owner!r} has a key, records, limits or usage")
    return _view(path.owner)


@owners.put(
    "/<owner>/limits",
    responses={200: OwnerView, **problems(400, 413, 415, 422)},
    openapi_extensions=json_body(OwnerLimits),
)
def put_limits(path: OwnerPath) -> Response:
    """Set an owner's own limits, whole: an absent member stands for the service's limit."""
    require_admin()
    limits, parts = read_json(OwnerLimits), services()
    parts.owners.limits.put(path.owner, limits)
    describe_action(owner=path.owner, **limits.model_dump())
    parts.dispatcher.dispatch_or_leave(Lane)  # more jobs may run now
    return _view(path.owner)


def _view(owner: str) -> Response:
    (found,) = services().owners.look([owner])
    return json_response(found)
