"""/v1/workers: the living workers, and draining one; for operators."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from api.access.auth import require_admin
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import problems
from api.services import services
from shared.wire.records import WorkerInfo, WorkerList

workers = Routes("workers", __name__, url_prefix="/v1/workers", abp_tags=[Tag(name="workers")])


class WorkerPath(BaseModel):
    worker_id: str = Field(description="The worker's id.")


@workers.get("", responses={200: WorkerList, **problems()})
def list_workers() -> Response:
    """List the living worker processes by id."""
    require_admin()
    parts = services()
    alive = parts.workers.alive(parts.settings.worker_seen_seconds)
    return json_response(WorkerList(workers=tuple(alive)))


@workers.get("/<worker_id>", responses={200: WorkerInfo, **problems(404)})
def get_worker(path: WorkerPath) -> Response:
    """See one living worker process."""
    require_admin()
    return _answer(_find(path.worker_id))


@workers.post("/<worker_id>/drain", responses={202: WorkerInfo, **problems(404)})
def drain_worker(path: WorkerPath) -> Response:
    """Drain a worker: it finishes its jobs, claims no more, and ends.

    The worker learns of it at its next heartbeat. Draining cannot be undone; start another worker instead.
    """
    require_admin()
    services().workers.drain([_find(path.worker_id).id])
    return _answer(_find(path.worker_id), HTTPStatus.ACCEPTED)


def _find(worker_id: str) -> WorkerInfo:
    parts = services()
    return parts.workers.find(worker_id, parts.settings.worker_seen_seconds)


def _answer(worker: WorkerInfo, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return json_response(worker, status)
