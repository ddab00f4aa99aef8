"""The parts that the views use. `create_app` gets them, and views find them through Flask's current app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, cast

import redis
from flask import current_app

from api.access.held_places import HeldPlaces
from api.access.keyring import Keyring
from api.access.redis_room import RedisRoom
from api.fresh import Fresh
from api.intake.known_uploads import KnownUploads
from api.telemetry.queue_metrics import QueueMetrics
from api.telemetry.readiness import ReadinessChecks
from api.views.looks import forecasts, queue_looks
from shared.broker.queue import Dispatcher, create_celery
from shared.policy.queue_limits import QueueLimits
from shared.policy.quotas import Quotas
from shared.scheduling.forecast import Forecast
from shared.scheduling.queue_look import QueueLook
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.api_keys import KeyStore
from shared.store.audit_log import AuditLog
from shared.store.batches import BatchStore
from shared.store.bulk_actions import BulkActions
from shared.store.counts.queue_state import QueueState
from shared.store.counts.recent import Recent
from shared.store.counts.series import Series
from shared.store.counts.usage import UsageLook
from shared.store.dead_letters import DeadLetters
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.objects.object_gc import ObjectGarbage
from shared.store.objects.uploads import UploadRegister
from shared.store.owners.accounts import Accounts
from shared.store.owners.owners import Owners
from shared.store.redis.connection import connect
from shared.store.redis.fitness import RedisFitness
from shared.store.sessions import Sessions
from shared.store.webhooks.deliveries import Deliveries
from shared.store.webhooks.secrets import WebhookSecrets
from shared.store.workers import WorkerRegistry

EXTENSION = "stylequeue"
REDIS_SECONDS = 2  # for a response of Redis; a request may need several, and its client waits


@dataclass(frozen=True)
class Services:
    settings: Settings
    connection: redis.Redis
    store: JobStore
    batches: BatchStore
    dead_letters: DeadLetters
    bulk_actions: BulkActions
    audit_log: AuditLog
    deliveries: Deliveries
    webhook_secrets: WebhookSecrets
    dispatcher: Dispatcher
    storage: Storage
    lanes: Lanes
    uploads: UploadRegister
    known_uploads: KnownUploads
    garbage: ObjectGarbage
    workers: WorkerRegistry
    forecasts: Fresh[Forecast]
    queue_state: QueueState
    queue_looks: Fresh[QueueLook]
    recent: Recent
    series: Series
    limits: QueueLimits
    keyring: Keyring
    queue_metrics: QueueMetrics
    readiness: ReadinessChecks
    redis_room: RedisRoom
    usage: UsageLook
    accounts: Accounts
    owners: Owners
    held_places: HeldPlaces  # for ?wait= requests and event streams

    @classmethod
    def connect(
        cls, settings: Settings, storage: Storage | None = None, dispatcher: Dispatcher | None = None
    ) -> Self:
        """Build all parts, or take those given. No connection is opened before the first request."""
        connection = connect(settings.redis_url, REDIS_SECONDS)
        seen, quotas = settings.worker_seen_seconds, Quotas.from_settings(settings)
        store, workers = JobStore(connection), WorkerRegistry(connection)
        limits = QueueLimits.from_settings(settings)
        lanes = Lanes(connection, settings.max_running_per_owner)
        storage = storage or Storage(settings)
        queue_state = QueueState(connection)
        keys = KeyStore(connection)
        fitness = RedisFitness(connection, evicting_is_accepted=settings.redis_may_evict)
        return cls(
            settings=settings,
            connection=connection,
            store=store,
            batches=BatchStore(connection),
            dead_letters=DeadLetters(connection, store),
            bulk_actions=BulkActions(connection, store),
            audit_log=AuditLog(connection),
            deliveries=Deliveries(connection, settings.max_webhook_deliveries),
            webhook_secrets=WebhookSecrets(connection),
            dispatcher=dispatcher or Dispatcher(lanes, create_celery(settings), settings.dispatch_window),
            storage=storage,
            lanes=lanes,
            uploads=UploadRegister(connection, quotas),
            known_uploads=KnownUploads(storage),
            garbage=ObjectGarbage(connection),
            workers=workers,
            forecasts=forecasts(lanes, workers, seen),
            queue_state=queue_state,
            queue_looks=queue_looks(queue_state, workers, seen),
            recent=Recent(connection),
            series=Series(connection),
            limits=limits,
            keyring=Keyring(keys, Sessions(connection, keys)),
            queue_metrics=QueueMetrics(connection, workers, seen),
            readiness=ReadinessChecks(fitness, storage, workers, seen),
            redis_room=RedisRoom(connection, settings.max_redis_percent),
            usage=UsageLook(connection, quotas),
            accounts=Accounts(connection),
            owners=Owners(connection, limits, settings.max_running_per_owner),
            held_places=HeldPlaces(settings.max_waiting_requests),
        )


def services() -> Services:
    return cast("Services", current_app.extensions[EXTENSION])
