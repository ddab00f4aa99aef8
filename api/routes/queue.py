"""/v1/queue: what the lanes hold, and how many workers that calls for."""

from __future__ import annotations

from flask import Response
from flask_openapi3 import Tag
from pydantic import Field

from api.access.auth import current_owner, require_admin
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import problems
from api.services import services
from api.views.polling import Query
from shared.scheduling.scaling import Target
from shared.settings import Settings
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import Scope
from shared.wire.operations.queue_records import QueueOverview, RecentEnds, ScaleView

queue = Routes("queue", __name__, url_prefix="/v1/queue", abp_tags=[Tag(name="operations")])

LANES_PATTERN = f"^({'|'.join(Lane)})(,({'|'.join(Lane)}))*$"
MOST_WORKERS = 10_000


class ScaleQuery(Query):
    target_seconds: float | None = Field(
        None,
        ge=1,
        le=86_400,
        description="Time in which all jobs should end; unset: STYLEQUEUE_SCALE_TARGET_SECONDS.",
    )
    min_workers: int | None = Field(
        None,
        ge=0,
        le=MOST_WORKERS,
        description="Fewest workers; unset: STYLEQUEUE_SCALE_MIN_WORKERS. The maximum takes precedence.",
    )
    max_workers: int | None = Field(
        None,
        ge=1,
        le=MOST_WORKERS,
        description="Most workers. Default and upper limit: STYLEQUEUE_SCALE_MAX_WORKERS.",
    )
    lanes: str = Field(
        ",".join(Lane),
        pattern=LANES_PATTERN,
        max_length=100,
        description="Count only jobs of these lanes and workers that serve one of them; separated by commas.",
    )

    def target(self, settings: Settings) -> Target:
        most = min(self.max_workers or settings.scale_max_workers, settings.scale_max_workers)
        least = settings.scale_min_workers if self.min_workers is None else self.min_workers
        return Target(self.target_seconds or settings.scale_target_seconds, min(least, most), most)


@queue.get("", responses={200: QueueOverview, **problems()})
def get_queue() -> Response:
    """See the waiting and running jobs by lane, the workers they need, and your own jobs by status."""
    parts = services()
    own = parts.queue_state.own(current_owner())
    overview = parts.queue_looks.latest().overview(own, ScaleQuery().target(parts.settings))
    return json_response(overview)


@queue.get("/scale", responses={200: ScaleView, **problems(422)})
def get_scale(query: ScaleQuery) -> Response:
    """See how many workers there should be; for autoscalers, with a metrics or admin key."""
    require_admin(Scope.METRICS)
    parts = services()
    lanes = [Lane(lane) for lane in query.lanes.split(",")]
    view = parts.queue_looks.latest().scale(query.target(parts.settings), lanes)
    return json_response(view)


@queue.get("/recent", responses={200: RecentEnds, **problems()})
def get_recent() -> Response:
    """See how jobs of all owners ended in the last minute and quarter of an hour; for operators."""
    require_admin(Scope.METRICS)
    return json_response(services().recent.look())
