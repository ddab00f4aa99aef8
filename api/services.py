"""The parts that the views use. `create_app` gets them, and views find them through Flask's current app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from api.access.held_places import HeldPlaces
from api.access.keyring import Keyring
from api.access.redis_room import RedisRoom
from api.intake.arrivals import Arrivals
from api.telemetry.queue_metrics import QueueMetrics
from api.telemetry.readiness import ReadinessChecks
from api.views.forecasts import Forecasts
from api.views.queue_looks import QueueLooks
from shared.broker.queue import Dispatcher
from shared.policy.queue_limits import QueueLimits
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.counts.recent import Recent
from shared.store.counts.usage import UsageLook
from shared.store.dead_letters import DeadLetters
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.objects.object_gc import ObjectGarbage
from shared.store.objects.uploads import UploadRegister
from shared.store.webhooks.deliveries import Deliveries
from shared.store.webhooks.secrets import WebhookSecrets
from shared.store.workers import WorkerRegistry

EXTENSION = "stylequeue"


@dataclass(frozen=True)
class Services:
    settings: Settings
    store: JobStore
    batches: BatchStore
    dead_letters: DeadLetters
    deliveries: Deliveries
    webhook_secrets: WebhookSecrets
    dispatcher: Dispatcher
    storage: Storage
    lanes: Lanes
    uploads: UploadRegister
    arrivals: Arrivals
    unwanted: ObjectGarbage
    workers: WorkerRegistry
    forecasts: Forecasts
    queue_looks: QueueLooks
    recent: Recent
    limits: QueueLimits
    keyring: Keyring
    queue_metrics: QueueMetrics
    readiness: ReadinessChecks
    redis_room: RedisRoom
    usage: UsageLook
    held_places: HeldPlaces  # for ?wait= requests and event streams


def services() -> Services:
    return cast("Services", current_app.extensions[EXTENSION])
