"""/v1/estimates: what jobs would cost and when they would end, before they are submitted."""

from __future__ import annotations

from flask import Response
from flask_openapi3 import Tag

from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import json_body, problems
from api.intake.bodies import read_json
from api.intake.size_rules import check_size
from api.services import services
from shared.scheduling.cost import USUAL_COST, expected_cost
from shared.wire.estimate_records import EstimateRequest, EstimateView
from shared.wire.records import JobStatus

estimates = Routes("estimates", __name__, url_prefix="/v1/estimates", abp_tags=[Tag(name="jobs")])


@estimates.post(
    "",
    responses={200: EstimateView, **problems(400, 413, 415, 422)},
    openapi_extensions=json_body(EstimateRequest),
)
def estimate_jobs() -> Response:
    """Estimate the cost of jobs, and when the last of them would end. Nothing is submitted."""
    wanted, parts = read_json(EstimateRequest), services()
    check_size(wanted.params, parts.settings)
    forecast, lane = parts.forecasts.latest(), wanted.chosen_lane
    position = forecast.load[lane][JobStatus.QUEUED] + wanted.jobs
    view = EstimateView(
        relative_cost=expected_cost(wanted.params) / USUAL_COST, queue=forecast.of(lane, position)
    )
    return json_response(view)
