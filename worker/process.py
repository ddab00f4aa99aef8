"""One worker process: its parts, put together once, and their life from start to stop."""

from __future__ import annotations

import gc
import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from uuid import uuid4

import structlog
from celery import Celery

from shared.broker.queue import Dispatcher
from shared.errors import ModelUnavailable
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.deliveries import Deliveries
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.store.leader_lock import LeaderLock
from shared.store.object_gc import ObjectGarbage
from shared.store.redis.connection import connect
from shared.store.redis.fitness import refuse_unfit_redis
from shared.store.retention import ExpiredRecords
from shared.store.webhook_secrets import WebhookSecrets
from shared.store.workers import WorkerRegistry
from shared.wire.descriptors import Lane
from shared.wire.record_version import LEVEL
from shared.wire.records import Job, WorkerInfo
from worker.images.decoders import DECODER, Decoders
from worker.images.headers import ImageLimits
from worker.images.heap import Heap
from worker.jobs.leases import Leases
from worker.jobs.pipeline import Pipeline
from worker.jobs.previews import Previews
from worker.jobs.runner import JobRunner
from worker.jobs.watchdog import Watchdog
from worker.model.engine import Engine, Model
from worker.model.lazy import Lazily
from worker.model.memory import MemoryBudget, model_budget_bytes, picture_budget_bytes, rss_bytes
from worker.model.painter import OptimizeLimits, Original, Painter
from worker.sources.guarded_http import GuardedHttp
from worker.sources.reader import Sources
from worker.stopping import EXIT_HANGING, EXIT_MODEL_GONE, Stopping
from worker.telemetry.metrics import MODEL_LOAD_SECONDS, SLOTS
from worker.upkeep.finalizer import Finalizer
from worker.upkeep.periodic import Periodic
from worker.upkeep.removal import Removal
from worker.upkeep.retention import Retention
from worker.upkeep.sweeper import Sweeper
from worker.webhooks.payload import Payloads
from worker.webhooks.post import WebhookPost
from worker.webhooks.sender import LOOK_SECONDS, WebhookSender

FINALIZE_SECONDS = 1.0  # from the end of a batch's last job to the look that finds it
RETENTION_SECONDS = 5.0  # between two steps that remove what is old
GIVE_BACK_SECONDS = 5.0  # between two looks whether freed memory can go back to the system
WATCH_SECONDS = 1.0  # between two looks for jobs that hang
NICENESS = 10  # of a worker for minimizations: somebody waits for what the others do
NEEDED_TO_THE_END = frozenset({"heartbeat", "watchdog", "webhooks"})
HEARTBEATS_PER_WINDOW = 3  # of those in which a worker counts as alive


class WorkerProcess:
    """Made when Celery's app is made; connects and loads nothing before `start`."""

    runner: JobRunner
    stopping: Stopping | None = None  # None while it starts
    unwanted = False  # told to stop while it starts

    def __init__(
        self,
        settings: Settings,
        app: Celery,
        load_model: Callable[[Settings], Model],
        load_original: Callable[[Settings], Original],
        take_no_more: Callable[[int], None],
        decoder_module: str = DECODER,
        level: int = LEVEL,
    ) -> None:
        """`take_no_more` ends the broker's consumer, and the process with an exit code when its jobs have."""
        self._settings = settings
        self._app = app
        self._load_model = load_model
        self._load_original = load_original
        self._take_no_more = take_no_more
        self._decoder_module = decoder_module
        self._level = level
        self._id = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
        self._version = version("stylequeue")
        self._started_at = datetime.now(UTC)
        self._model_loads = 0
        self._periodic: list[Periodic] = []

    def start(self) -> None:
        """Load and warm the model, then let the heartbeat, the leases and the sweeper run.

        Raises:
            ModelUnavailable: the model cannot be loaded; the process must not take jobs.
            QueueRefused: Redis is not fit for them.
            SystemExit: it was told to stop meanwhile.
        """
        settings = self._settings
        refuse_unfit_redis(settings)
        if settings.worker_lanes == (Lane.OPTIMIZE,):
            os.nice(NICENESS)
        self._memory = MemoryBudget(picture_budget_bytes(settings.processes_per_host))
        limits = ImageLimits.from_settings(settings)
        self._decoders = Decoders(limits, settings.decode_timeout_seconds, self._memory, self._decoder_module)
        self._decoders.start()
        begin = time.perf_counter()
        self._model = self._load_model(settings)
        if self.unwanted:
            raise SystemExit(0)
        self._model_loads += 1
        MODEL_LOAD_SECONDS.observe(time.perf_counter() - begin)
        SLOTS.set(settings.slots)
        structlog.get_logger().info(
            "model loaded",
            model=settings.model,
            device=self._model.device,
            seconds=round(time.perf_counter() - begin, 2),
            loads=self._model_loads,
        )
        self._assemble()
        gc.collect()
        gc.freeze()  # TensorFlow's objects stay; walking them at every collection would stop all threads
        for periodic in self._periodic:
            periodic.start()

    def stop(self) -> None:
        """Called when the last job has ended; the heartbeat ends with it."""
        if self._periodic:
            self._courier.stop()
        for periodic in self._periodic:
            periodic.stop()
        if self._periodic:
            self._leases.stop()
            self._decoders.close()
            self._registry.remove(self._id)

    def report(self, error: Exception) -> None:
        """What a task could not deal with; without its model this process stops as on SIGTERM, and fails."""
        structlog.get_logger().error("job interrupted", exc_info=error)
        if isinstance(error, ModelUnavailable) and self.stopping:
            self.stopping.stop(EXIT_MODEL_GONE)

    def _assemble(self) -> None:
        settings = self._settings
        connection = connect(settings.redis_url)
        store = JobStore(connection)
        storage = Storage(settings)
        batches, lanes = BatchStore(connection), Lanes(connection)
        dispatcher = Dispatcher(lanes, self._app, settings.dispatch_window)
        sources = Sources(storage, GuardedHttp(settings), settings)
        self._budget_bytes = model_budget_bytes(settings.memory_budget_bytes, settings.processes_per_host)
        engine = Engine(self._model, settings.style_cache_bytes, self._budget_bytes)
        painter = Painter(
            sources,
            engine,
            self._decoders,
            Lazily(lambda: self._load_original(settings)),
            Previews(storage),
            OptimizeLimits(settings.optimize_max_side, settings.optimize_seconds, self._budget_bytes),
        )
        pipeline = Pipeline(
            sources, storage, painter, self._decoders, self._memory, settings.s3_output_buckets
        )
        self._registry = WorkerRegistry(connection)
        self._leases = Leases(store, settings.lease_seconds)
        self._leases.start()
        self.runner = JobRunner(
            store, storage, pipeline, self._leases, dispatcher, settings.lease_seconds, self._id, self._level
        )
        sweeping = LeaderLock(connection, "sweep", settings.sweep_seconds)
        sweeper = Sweeper(lanes, batches, dispatcher, self._registry, sweeping, settings)
        removing = LeaderLock(connection, "retention", RETENTION_SECONDS)
        unwanted = ObjectGarbage(connection)
        removal = Removal(unwanted, storage, settings.upload_retention_seconds)
        retention = Retention(
            ExpiredRecords(connection), store, batches, removal, removing, settings.retention_seconds
        )
        finalizer = Finalizer(batches, store, storage)
        self._courier = WebhookSender(
            Deliveries(connection, settings.max_webhook_deliveries),
            WebhookSecrets(connection),
            Payloads(store, batches, settings.public_url),
            WebhookPost(settings),
            settings,
        )
        self._courier.start()
        self._dispatcher = dispatcher
        stopping = Stopping(self.runner.gate, settings.stop_seconds, self._begin_to_stop, self._give_back)
        watchdog = Watchdog(
            self._leases,
            self.runner,
            self._job_seconds,
            lambda: stopping.leave_now(EXIT_HANGING),
            settings.stop_seconds,
        )
        stopping.start()
        self.stopping = stopping
        self._periodic = [
            Periodic("heartbeat", settings.worker_seen_seconds / HEARTBEATS_PER_WINDOW, self._heartbeat),
            Periodic("sweeper", settings.sweep_seconds, sweeper.sweep),
            Periodic("finalizer", FINALIZE_SECONDS, finalizer.finalize),
            Periodic("retention", RETENTION_SECONDS, retention.step),
            Periodic("webhooks", LOOK_SECONDS, self._courier.deliver),
            Periodic("watchdog", WATCH_SECONDS, watchdog.look),
            Periodic("heap", GIVE_BACK_SECONDS, Heap().give_back),
        ]

    def _job_seconds(self, job: Job) -> float:
        """The longest that an attempt may take."""
        minimizing = self._settings.optimize_seconds if job.request.params.method == "optimize" else 0
        return self._settings.job_timeout_seconds + minimizing

    def _heartbeat(self) -> None:
        settings = self._settings
        stopping = self.stopping
        to_drain = self._registry.announce(
            WorkerInfo(
                id=self._id,
                host=socket.gethostname(),
                pid=os.getpid(),
                version=self._version,
                device=self._model.device,
                model=settings.model,
                model_digest=self._model.digest,
                lanes=settings.worker_lanes,
                slots=settings.slots,
                busy=len(self._leases),
                rate=self._leases.rate.per_second(),
                rss_bytes=rss_bytes(),
                memory_budget_bytes=self._budget_bytes,
                model_loads=self._model_loads,
                level=self._level,
                draining=bool(stopping and stopping.begun),
                started_at=self._started_at,
                last_seen_at=datetime.now(UTC),
            )
        )
        if to_drain and stopping and not stopping.begun:
            stopping.drain()
            self._heartbeat()

    def _begin_to_stop(self, exit_code: int) -> None:
        self._take_no_more(exit_code)
        for periodic in self._periodic:
            if periodic.name not in NEEDED_TO_THE_END:
                periodic.ask_to_stop()

    def _give_back(self) -> None:
        """All jobs, to be taken by others at once, and this worker's place among those that are alive."""
        lanes = {held.claim.job.lane for held in self._leases.held_jobs()}
        self._leases.give_back()
        self._dispatcher.dispatch_or_leave(lanes)
        self._registry.remove(self._id)
