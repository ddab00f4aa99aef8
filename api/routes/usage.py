"""/v1/usage: what the caller has of that which is limited per owner."""

from __future__ import annotations

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from api.access.auth import current_owner
from api.http.spec import problems
from api.services import services
from shared.store.usage import Usage

usage = APIBlueprint("usage", __name__, url_prefix="/v1/usage", abp_tags=[Tag(name="operations")])


@usage.get("", responses={200: Usage, **problems()})
def get_usage() -> Response:
    """See how much you have, and how much you may have at a time."""
    return Response(services().usage.of(current_owner()).model_dump_json(), mimetype="application/json")
