"""The parts that the views use, passed into `create_app` and found again through Flask's current app."""

from __future__ import annotations

from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import cast

from flask import current_app

from api.arrivals import Arrivals
from api.forecasts import Forecasts
from api.keyring import Keyring
from api.queue_looks import QueueLooks
from api.queue_metrics import QueueMetrics
from api.readiness import ReadinessChecks
from api.redis_room import RedisRoom
from shared.batch_store import BatchStore
from shared.dead_letters import DeadLetters
from shared.deliveries import Deliveries
from shared.job_store import JobStore
from shared.lanes import Lanes
from shared.queue import Dispatcher
from shared.queue_limits import QueueLimits
from shared.recent import Recent
from shared.settings import Settings
from shared.storage import Storage
from shared.unwanted import Unwanted
from shared.upload_register import UploadRegister
from shared.usage import UsageLook
from shared.webhook_secrets import WebhookSecrets
from shared.worker_registry import WorkerRegistry

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
    unwanted: Unwanted
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
    held_requests: BoundedSemaphore  # ?wait= requests and event streams


def services() -> Services:
    return cast("Services", current_app.extensions[EXTENSION])
