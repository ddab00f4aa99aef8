"""/v1/lanes: the state of each lane, and pausing and resuming one; for operators."""

from __future__ import annotations

from flask import Response
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from api.access.auth import require_admin
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import problems
from api.services import services
from shared.request_errors import LaneNotFound
from shared.wire.descriptors import Lane
from shared.wire.operations.queue_records import LaneList, LaneState

lanes = Routes("lanes", __name__, url_prefix="/v1/lanes", abp_tags=[Tag(name="lanes")])


class LanePath(BaseModel):
    lane: str = Field(description="The lane's name.", json_schema_extra={"enum": [*Lane]})


@lanes.get("", responses={200: LaneList, **problems()})
def list_lanes() -> Response:
    """List the lanes, the highest first, with the numbers of their jobs."""
    require_admin()
    states = LaneList(lanes=services().queue_state.look())
    return json_response(states)


@lanes.post("/<lane>/pause", responses={200: LaneState, **problems(404)})
def pause_lane(path: LanePath) -> Response:
    """Pause a lane: its jobs start once it is resumed. New jobs are accepted, and running ones go on."""
    require_admin()
    lane = _lane(path.lane)
    services().lanes.pause(lane)
    return _state(lane)


@lanes.post("/<lane>/resume", responses={200: LaneState, **problems(404)})
def resume_lane(path: LanePath) -> Response:
    """Resume a lane: its jobs start again at once."""
    require_admin()
    lane, parts = _lane(path.lane), services()
    parts.lanes.resume(lane)
    parts.dispatcher.dispatch_or_leave([lane])
    return _state(lane)


def _lane(name: str) -> Lane:
    if name in tuple(Lane):
        return Lane(name)
    raise LaneNotFound(f"There is no lane {name[:64]!r}; the lanes are {', '.join(Lane)}")


def _state(lane: Lane) -> Response:
    state = next(state for state in services().queue_state.look() if state.lane is lane)
    return json_response(state)
