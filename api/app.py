"""The Flask application."""

from __future__ import annotations

from importlib.metadata import version
from threading import BoundedSemaphore

import redis
from flask import request
from flask_openapi3 import Info, OpenAPI

from api.arrivals import Arrivals
from api.auth import register_admission, register_identification
from api.batches import batches
from api.dead_letters import dead_letters
from api.description import Description
from api.errors import register_error_handlers, validation_problem
from api.forecasts import Forecasts
from api.growth import register_growth_check
from api.hosts import HostCheck
from api.jobs import jobs
from api.keyring import Keyring
from api.lanes import lanes
from api.operations import operations
from api.queries import register_query_check
from api.queue import queue
from api.queue_looks import QueueLooks
from api.queue_metrics import QueueMetrics
from api.rate_limits import RateLimits
from api.readiness import ReadinessChecks
from api.redis_room import RedisRoom
from api.request_ids import register_request_ids
from api.request_log import register_request_log
from api.request_metrics import register_request_metrics
from api.results import results
from api.security_headers import register_security_headers
from api.services import EXTENSION, Services
from api.spec import BEARER, complete_spec
from api.uploads import uploads
from api.usage import usage
from api.webhooks import webhooks
from api.workers import workers
from shared.batch_store import BatchStore
from shared.dead_letters import DeadLetters
from shared.deliveries import Deliveries
from shared.job_store import JobStore
from shared.key_store import KeyStore
from shared.lanes import Lanes
from shared.queue import Dispatcher
from shared.queue_limits import QueueLimits
from shared.queue_state import QueueState
from shared.quotas import Quotas
from shared.recent import Recent
from shared.records import Problem
from shared.redis_fitness import RedisFitness
from shared.settings import Settings
from shared.storage import Storage
from shared.unwanted import Unwanted
from shared.upload_register import UploadRegister
from shared.usage import UsageLook
from shared.webhook_secrets import WebhookSecrets
from shared.worker_registry import WorkerRegistry

FORM_MARGIN_BYTES = 600_000  # the text fields of a multipart submission
MAX_FORM_PARTS = 32


def show_docs() -> str:
    """Lead a browser to the page by a relative URL, which also holds where a proxy removes a prefix."""
    place = "docs/swagger" if request.path == "/docs" else "swagger"
    return f'<meta http-equiv="refresh" content="0; url={place}">'


def create_app(
    connection: redis.Redis, dispatcher: Dispatcher, storage: Storage, settings: Settings
) -> OpenAPI:
    """An application on these parts; it opens no connection before its first request."""
    app = OpenAPI(
        "stylequeue",
        info=Info(
            title="stylequeue", version=version("stylequeue"), summary="Photographs into paintings, in bulk."
        ),
        security_schemes={"bearer": BEARER},
        doc_prefix="/docs",
        validation_error_callback=validation_problem,
        validation_error_model=Problem,
    )
    app.config["MAX_CONTENT_LENGTH"] = 2 * settings.max_upload_bytes + FORM_MARGIN_BYTES
    app.config["MAX_FORM_PARTS"] = MAX_FORM_PARTS
    registry, store = WorkerRegistry(connection), JobStore(connection)
    lane_store = Lanes(connection)
    fitness = RedisFitness(connection, evicting_is_accepted=settings.redis_may_evict)
    app.extensions[EXTENSION] = Services(
        settings=settings,
        store=store,
        batches=BatchStore(connection),
        dead_letters=DeadLetters(connection, store),
        deliveries=Deliveries(connection, settings.max_webhook_deliveries),
        webhook_secrets=WebhookSecrets(connection),
        dispatcher=dispatcher,
        storage=storage,
        uploads=UploadRegister(connection, Quotas.from_settings(settings)),
        arrivals=Arrivals(storage),
        unwanted=Unwanted(connection),
        lanes=lane_store,
        workers=registry,
        forecasts=Forecasts(lane_store, registry, settings.worker_seen_seconds),
        queue_looks=QueueLooks(QueueState(connection), registry, settings.worker_seen_seconds),
        recent=Recent(connection),
        limits=QueueLimits.from_settings(settings),
        keyring=Keyring(KeyStore(connection)),
        queue_metrics=QueueMetrics(connection, registry, settings.worker_seen_seconds),
        readiness=ReadinessChecks(fitness, storage, registry, settings.worker_seen_seconds),
        redis_room=RedisRoom(connection, settings.max_redis_percent),
        usage=UsageLook(connection, Quotas.from_settings(settings)),
        held_requests=BoundedSemaphore(settings.max_waiting_requests),
    )
    for blueprint in (
        jobs,
        batches,
        dead_letters,
        results,
        uploads,
        webhooks,
        queue,
        lanes,
        workers,
        operations,
        usage,
    ):
        app.register_api(blueprint)
    complete_spec(app, settings)
    register_error_handlers(app)
    app.add_url_rule("/openapi.json", "openapi_json", Description(app))
    app.add_url_rule("/docs", "docs", show_docs)
    app.view_functions["openapi.openapi"] = show_docs  # /docs/
    register_request_log(app, settings)
    register_request_ids(app)
    register_request_metrics(app)
    HostCheck(app, settings)
    register_identification(app)
    RateLimits(app, connection, settings)
    register_admission(app)
    register_growth_check(app)
    register_query_check(app)
    register_security_headers(app)
    return app
