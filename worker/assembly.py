"""Builds the parts of a worker process; tests put other parts in."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from uuid import uuid4

from celery import Celery

from shared.broker.queue import Dispatcher
from shared.errors import VggUnavailable
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.bulk_actions import BulkActions
from shared.store.counts.series import Series
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.leader_lock import LeaderLock
from shared.store.objects.object_gc import ObjectGarbage
from shared.store.objects.retention import ExpiredRecords
from shared.store.redis.connection import connect
from shared.store.webhooks.deliveries import Deliveries
from shared.store.webhooks.secrets import WebhookSecrets
from shared.store.workers import WorkerRegistry
from shared.wire.record_version import RECORD_VERSION
from shared.wire.records import EngineState, WorkerInfo
from worker.engine.losses import RemoteOriginal
from worker.engine.remote_model import RemoteModel
from worker.images.decoders import DECODER, Decoders
from worker.images.headers import ImageLimits
from worker.images.heap import GIVE_BACK_SECONDS, Heap
from worker.jobs.endings import Endings
from worker.jobs.leases import HeldJob, Leases
from worker.jobs.pipeline import Pipeline
from worker.jobs.previews import Previews
from worker.jobs.runner import JobRunner
from worker.jobs.slots import Slots
from worker.model.bands.limits import Scratch
from worker.model.batched_model import BatchedModel, Model
from worker.model.lazy import Lazily
from worker.model.memory import PictureMemory, model_budget_bytes, picture_budget_bytes
from worker.model.shared_model import ModelCalls, SharedModel
from worker.painting.device_rate import DeviceRate
from worker.painting.original import Original
from worker.painting.painter import OptimizeLimits, Painter
from worker.painting.styles import Styles
from worker.sources.guarded_http import GuardedHttp
from worker.sources.reader import Sources
from worker.telemetry.gpu import gpu_facts
from worker.telemetry.heartbeat import Heartbeat
from worker.upkeep.finalizer import FINALIZE_SECONDS, Finalizer
from worker.upkeep.periodic import Periodic
from worker.upkeep.removal import Removal
from worker.upkeep.retention import RETENTION_SECONDS, Retention
from worker.upkeep.sweeper import Sweeper
from worker.webhooks.payload import Payloads
from worker.webhooks.post import WebhookPost
from worker.webhooks.sender import LOOK_SECONDS, WebhookSender


def without_original(_: Settings) -> Original:
    """Load nothing: this worker has no VGG network.

    Raises:
        VggUnavailable: always.
    """
    raise VggUnavailable("This worker has no VGG network")


class Assembly:
    """The parts of one worker process, each built when it is first needed. Building connects to nothing.

    To use another part, assign it before the first part that needs it is built: `assembly.previews = ...`.
    """

    def __init__(
        self,
        settings: Settings,
        app: Celery,
        load_model: Callable[[Settings], Model],
        load_original: Callable[[Settings], Original] = without_original,
        decoder_module: str = DECODER,
        record_version: int = RECORD_VERSION,
    ) -> None:
        """`load_original` is called when a job first needs it; `record_version` is the one understood."""
        self.settings = settings
        self.record_version = record_version
        self.connection = connect(settings.redis_url)
        most_running = settings.max_running_per_owner
        self.store, self.batches = JobStore(self.connection, most_running), BatchStore(self.connection)
        self.lanes, self.registry = Lanes(self.connection, most_running), WorkerRegistry(self.connection)
        self.worker_id = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
        self._app = app
        self._load_model = load_model
        self._load_original = load_original
        self._decoder_module = decoder_module
        self._model_loads = 0

    @cached_property
    def storage(self) -> Storage:
        return Storage(self.settings)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        return Dispatcher(self.lanes, self._app, self.settings.dispatch_window)

    # --- from files to pictures and back ------------------------------------------------------------

    @cached_property
    def sources(self) -> Sources:
        return Sources(self.storage, GuardedHttp(self.settings), self.settings)

    @cached_property
    def memory(self) -> PictureMemory:
        return PictureMemory(picture_budget_bytes(self.settings.processes_per_host))

    @cached_property
    def decoders(self) -> Decoders:
        limits = ImageLimits.from_settings(self.settings)
        return Decoders(limits, self.settings.decode_timeout_seconds, self.memory, self._decoder_module)

    @cached_property
    def remote_model(self) -> RemoteModel | None:
        """The model in this host's engine, if there is one; it may take minutes to be there."""
        settings = self.settings
        if not settings.engine_socket:
            return None
        return RemoteModel(settings.engine_socket, lambda: self.slots.is_alone, settings.max_pixels)

    @cached_property
    def model(self) -> ModelCalls:
        """The loaded and warmed model; loading it takes seconds to minutes."""
        settings = self.settings
        self._model_loads += 1
        if self.remote_model:
            return self.remote_model
        memory_bytes = model_budget_bytes(settings.memory_budget_bytes, settings.processes_per_host)
        scratch = Scratch(settings.scratch_dir, settings.scratch_bytes)
        return BatchedModel(self._load_model(settings), memory_bytes, scratch=scratch)

    @cached_property
    def shared_model(self) -> SharedModel:
        return SharedModel(self.model, self.settings.style_cache_bytes)

    @cached_property
    def original(self) -> Lazily[Original]:
        remote = self.remote_model
        return Lazily(lambda: RemoteOriginal(remote) if remote else self._load_original(self.settings))

    @cached_property
    def previews(self) -> Previews:
        return Previews(self.storage)

    @cached_property
    def optimize_limits(self) -> OptimizeLimits:
        settings = self.settings
        return OptimizeLimits(
            settings.optimize_max_side,
            settings.optimize_seconds,
            self.model.memory_bytes,
            settings.optimize_target_seconds,
        )

    @cached_property
    def optimize_rate(self) -> DeviceRate:
        gpu = gpu_facts()
        device = f"{self.model.device}, {gpu.name if gpu else f'{os.cpu_count()} cores'}"
        return DeviceRate(self.settings.cache_dir, device)

    @cached_property
    def painter(self) -> Painter:
        styles = Styles(self.sources, self.shared_model, self.decoders)
        return Painter(
            styles, self.shared_model, self.original, self.previews, self.optimize_limits, self.optimize_rate
        )

    # --- jobs ---------------------------------------------------------------------------------------

    @cached_property
    def pipeline(self) -> Pipeline:
        settings, files = self.settings, (self.sources, self.storage, self.painter, self.decoders)
        return Pipeline(*files, self.memory, settings.s3_output_buckets, settings.thumbnails)

    @cached_property
    def slots(self) -> Slots[HeldJob]:
        return Slots(self.settings.slots)

    @cached_property
    def leases(self) -> Leases:
        return Leases(self.store, self.settings.lease_seconds)

    @cached_property
    def runner(self) -> JobRunner:
        return JobRunner(
            self.store,
            self.storage,
            self.pipeline,
            self.leases,
            self.dispatcher,
            self.settings.lease_seconds,
            self.slots,
            Endings(self.store, self.dispatcher.dispatch_or_leave),
            self.worker_id,
            self.record_version,
        )

    # --- work for all workers, and this worker's heartbeat ------------------------------------------

    @cached_property
    def webhook_sender(self) -> WebhookSender:
        return WebhookSender(
            Deliveries(self.connection, self.settings.max_webhook_deliveries),
            WebhookSecrets(self.connection),
            Payloads(self.store, self.batches, self.settings.public_url),
            WebhookPost(self.settings),
            self.settings,
        )

    @cached_property
    def sweeper(self) -> Sweeper:
        lock = LeaderLock(self.connection, "sweep", self.settings.sweep_seconds)
        bulk = BulkActions(self.connection, self.store)
        return Sweeper(
            self.lanes,
            self.batches,
            bulk,
            Series(self.connection),
            self.dispatcher,
            self.registry,
            lock,
            self.settings,
        )

    @cached_property
    def retention(self) -> Retention:
        garbage = ObjectGarbage(self.connection)
        removal = Removal(garbage, self.storage, self.settings.upload_retention_seconds)
        lock = LeaderLock(self.connection, "retention", RETENTION_SECONDS)
        expired = ExpiredRecords(self.connection)
        return Retention(expired, self.batches, removal, lock, self.settings.retention_seconds)

    def upkeep(self) -> list[Periodic]:
        """Return the steps that this process repeats beside its jobs."""
        finalizer = Finalizer(self.batches, self.store, self.storage)
        return [
            Periodic("sweeper", self.settings.sweep_seconds, self.sweeper.sweep),
            Periodic("finalizer", FINALIZE_SECONDS, finalizer.finalize),
            Periodic("retention", RETENTION_SECONDS, self.retention.step),
            Periodic("webhooks", LOOK_SECONDS, self.webhook_sender.deliver),
            Periodic("heap", GIVE_BACK_SECONDS, Heap().give_back),
        ]

    @cached_property
    def heartbeat(self) -> Heartbeat:
        settings, now = self.settings, datetime.now(UTC)
        info = WorkerInfo(
            id=self.worker_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=version("stylequeue"),
            device=self.model.device,
            model=settings.model,
            model_digest=self.model.digest,
            lanes=settings.worker_lanes,
            slots=settings.slots,
            busy=0,
            rate=None,
            rss_bytes=0,
            memory_budget_bytes=self.model.memory_bytes,
            model_loads=self._model_loads,
            level=self.record_version,
            draining=False,
            started_at=now,
            last_seen_at=now,
        )
        rate = self.optimize_rate
        return Heartbeat(self.registry, self.leases, info, self._engine_state, lambda: rate.value)

    def _engine_state(self) -> EngineState | None:
        return self.remote_model.state() if self.remote_model else None
