"""/v1/usage: how much an owner uses of each quota."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from flask_openapi3 import Tag
from pydantic import Field

from api.access.owners import OwnerQuery
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import problems
from api.services import services
from shared.wire.operations.api_key import OWNER_IN_WORDS, OWNER_PATTERN
from shared.wire.operations.usage_records import Usage
from shared.wire.words import in_words

usage = Routes("usage", __name__, url_prefix="/v1/usage", abp_tags=[Tag(name="operations")])


class UsageQuery(OwnerQuery):
    owner: Annotated[
        str | None,
        Field(pattern=OWNER_PATTERN, description="For admins: show this owner's usage and not your own."),
        in_words(OWNER_IN_WORDS),
    ] = None


@usage.get("", responses={200: Usage, **problems(422)})
def get_usage(query: UsageQuery) -> Response:
    """See how much you use of each quota, and its limit."""
    return json_response(services().usage.of(query.whose))
