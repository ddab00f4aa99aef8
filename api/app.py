"""The Flask application."""

from __future__ import annotations

from importlib.metadata import version

import redis
from flask import request
from flask_openapi3 import Info

from api.access.auth import register_admission, register_identification
from api.access.growth import register_growth_check
from api.access.held_places import HeldPlaces
from api.access.keyring import Keyring
from api.access.rate_limits import RateLimits
from api.access.redis_room import RedisRoom
from api.http.blueprints import Application
from api.http.description import Description
from api.http.errors import register_error_handlers, validation_problem
from api.http.hosts import HostCheck
from api.http.queries import register_query_check
from api.http.security_headers import register_security_headers
from api.http.spec import BEARER, complete_spec
from api.intake.arrivals import Arrivals
from api.routes.batches import batches
from api.routes.dead_letters import dead_letters
from api.routes.jobs import jobs
from api.routes.lanes import lanes
from api.routes.operations import operations
from api.routes.queue import queue
from api.routes.results import results
from api.routes.uploads import uploads
from api.routes.usage import usage
from api.routes.webhooks import webhooks
from api.routes.workers import workers
from api.services import EXTENSION, Services
from api.telemetry.queue_metrics import QueueMetrics
from api.telemetry.readiness import ReadinessChecks
from api.telemetry.request_ids import register_request_ids
from api.telemetry.request_log import register_request_log
from api.telemetry.request_metrics import register_request_metrics
from api.views.forecasts import Forecasts
from api.views.queue_looks import QueueLooks
from shared.broker.queue import Dispatcher
from shared.policy.queue_limits import QueueLimits
from shared.policy.quotas import Quotas
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.api_keys import KeyStore
from shared.store.batches import BatchStore
from shared.store.counts.queue_state import QueueState
from shared.store.counts.recent import Recent
from shared.store.counts.usage import UsageLook
from shared.store.dead_letters import DeadLetters
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.objects.object_gc import ObjectGarbage
from shared.store.objects.uploads import UploadRegister
from shared.store.redis.fitness import RedisFitness
from shared.store.webhooks.deliveries import Deliveries
from shared.store.webhooks.secrets import WebhookSecrets
from shared.store.workers import WorkerRegistry
from shared.wire.records import Problem

FORM_MARGIN_BYTES = 600_000  # the text fields of a multipart submission
MAX_FORM_PARTS = 32


def show_docs() -> str:
    """Lead a browser to the page by a relative URL, which also holds where a proxy removes a prefix."""
    place = "docs/swagger" if request.path == "/docs" else "swagger"
    return f'<meta http-equiv="refresh" content="0; url={place}">'


def create_app(
    connection: redis.Redis, dispatcher: Dispatcher, storage: Storage, settings: Settings
) -> Application:
    """An application on these parts; it opens no connection before its first request."""
    app = Application(
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
        unwanted=ObjectGarbage(connection),
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
        held_places=HeldPlaces(settings.max_waiting_requests),
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
    register_request_metrics(app)
    register_request_ids(app)
    HostCheck(app, settings)
    register_identification(app)
    RateLimits(app, connection, settings)
    register_admission(app)
    register_growth_check(app)
    register_query_check(app)
    register_security_headers(app)
    return app
