"""Health, readiness, metrics, and what this service accepts."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response
from flask_openapi3 import Tag

from api.access.auth import require_admin
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import problems, streamed
from api.services import Services, services
from shared.policy.image_formats import CONTENT_TYPES
from shared.telemetry.scrape import MEDIA_TYPE, scrape
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import Scope
from shared.wire.params import MAX_SIDE, METHODS
from shared.wire.records import Capabilities, Health, Readiness

operations = Routes("operations", __name__, abp_tags=[Tag(name="operations")])


@operations.get("/healthz", responses={200: Health})
def healthz() -> Response:
    """Check that this process responds. It checks nothing else."""
    return json_response(Health())


@operations.get("/readyz", responses={200: Readiness, 503: Readiness})
def readyz() -> Response:
    """Check that jobs can run: Redis and the bucket respond, and a worker was seen lately."""
    readiness = services().readiness.latest()
    ready = {readiness.redis, readiness.bucket, readiness.worker} == {"ok"}
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return json_response(readiness, status)


@operations.get("/v1/capabilities", responses={200: Capabilities, **problems()})
def get_capabilities() -> Response:
    """Get what this service accepts, and its limits."""
    parts = services()
    alive = parts.workers.alive(parts.settings.worker_seen_seconds)
    capabilities = Capabilities(
        formats_in=tuple(each.removeprefix("image/") for each in CONTENT_TYPES),
        formats_out=("jpeg", "png", "webp"),
        sources=("multipart", "data", "upload_id", "https", "s3"),
        lanes=tuple(Lane),
        methods=METHODS,
        models=tuple(sorted({worker.model for worker in alive})),
        optimize_rate=min((worker.optimize_rate for worker in alive if worker.optimize_rate), default=None),
        limits=_limits(parts),
    )
    return json_response(capabilities)


@operations.get("/metrics", responses={200: streamed("text/plain"), **problems()})
def metrics() -> Response:
    """Scrape the metrics of the API and the queue; for operators and metrics keys."""
    require_admin(Scope.METRICS)
    return Response(scrape(services().queue_metrics), content_type=MEDIA_TYPE)


def _limits(parts: Services) -> dict[str, float]:
    names = (
        "max_upload_bytes", "max_data_uri_bytes", "max_pixels", "max_image_side", "min_image_side",
        "max_aspect_ratio", "max_attempts", "max_wait_seconds", "source_timeout_seconds",
        "presigned_url_seconds", "upload_retention_seconds",
        "optimize_max_side", "optimize_seconds", "optimize_target_seconds",
    )  # fmt: skip
    limits = {name: float(getattr(parts.settings, name)) for name in names}
    return limits | {"max_side": float(MAX_SIDE)}
