"""/v1/usage: how much an owner uses of each quota, and what the owner's jobs took."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from flask_openapi3 import Tag
from pydantic import Field

from api.access.owners import OwnerQuery
from api.http.blueprints import Routes
from api.http.spec import problems
from api.routes.owners.days import DaysQuery
from api.services import services
from shared.wire.operations.account_records import By
from shared.wire.operations.api_key import OWNER_IN_WORDS, OWNER_PATTERN
from shared.wire.operations.usage_records import Usage
from shared.wire.words import in_words

usage = Routes("usage", __name__, url_prefix="/v1/usage", abp_tags=[Tag(name="operations")])


class UsageQuery(OwnerQuery, DaysQuery):
    owner: Annotated[
        str | None,
        Field(pattern=OWNER_PATTERN, description="For admins: show this owner's usage and not your own."),
        in_words(OWNER_IN_WORDS),
    ] = None
    by: By | None = Field(None, description="Rows of the account: by day or by API key; 'day' if absent.")


@usage.get("", responses={200: Usage, **problems(422)})
def get_usage(query: UsageQuery) -> Response:
    """See how much you use of each quota, and its limit; and what your jobs took by day or by API key."""
    parts, owner = services(), query.whose
    used = parts.usage.of(owner)
    if query.first or query.last or query.by:
        account = parts.accounts.of(owner, *query.span(), query.by or By.DAY)
        used = used.model_copy(update={"account": account})
    return Response(used.model_dump_json(exclude_none=True), mimetype="application/json")
