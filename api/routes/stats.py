"""/v1/stats: what the service did in the last hour or day; for operators."""

from __future__ import annotations

from flask import Response
from flask_openapi3 import Tag
from pydantic import Field

from api.access.auth import require_admin
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import problems
from api.services import services
from api.views.polling import Query
from shared.wire.operations.api_key import Scope
from shared.wire.operations.stats_records import Stats, Window

stats = Routes("stats", __name__, url_prefix="/v1/stats", abp_tags=[Tag(name="operations")])


class StatsQuery(Query):
    window: Window = Field(Window.HOUR, description="hour: a point a minute; day: one each 15 minutes.")


@stats.get("", responses={200: Stats, **problems(422)})
def get_stats(query: StatsQuery) -> Response:
    """See how many jobs of all owners ended, failed and waited, point by point; for operators."""
    require_admin(Scope.METRICS)
    return json_response(services().series.look(query.window))
