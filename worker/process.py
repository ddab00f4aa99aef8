"""One worker process: its parts, put together once, and their life from start to stop."""

from __future__ import annotations

import gc
import os
import signal
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import structlog
from celery import Celery

from shared.batch_store import BatchStore
from shared.errors import ModelUnavailable
from shared.job_store import JobStore
from shared.lanes import Lanes
from shared.queue import Dispatcher
from shared.records import WorkerInfo
from shared.redis_client import connect
from shared.settings import Settings
from shared.storage import Storage
from shared.worker_registry import WorkerRegistry
from worker.engine import Engine, Model
from worker.finalizer import Finalizer
from worker.guarded_http import GuardedHttp
from worker.image_headers import ImageLimits
from worker.job_runner import JobRunner
from worker.leases import Leases
from worker.memory import model_budget_bytes
from worker.metrics import MODEL_LOADS
from worker.periodic import Periodic
from worker.pipeline import Pipeline
from worker.sources import Sources
from worker.sweeper import Sweeper

FINALIZE_SECONDS = 1.0  # from the end of a batch's last job to the look that finds it
HEARTBEATS_PER_WINDOW = 3  # of those in which a worker counts as alive


class WorkerProcess:
    """Made when Celery's app is made; connects and loads nothing before `start`."""

    runner: JobRunner

    def __init__(self, settings: Settings, app: Celery, load_model: Callable[[Settings], Model]) -> None:
        self._settings = settings
        self._app = app
        self._load_model = load_model
        self._id = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
        self._started_at = datetime.now(UTC)
        self._model_loads = 0
        self._periodic: list[Periodic] = []

    def start(self) -> None:
        """Loads and warms the model, then lets the heartbeat, the leases and the sweeper run.

        Raises:
            ModelUnavailable: the model cannot be loaded; the process must not take jobs.
        """
        settings = self._settings
        begin = time.perf_counter()
        self._model = self._load_model(settings)
        self._model_loads += 1
        MODEL_LOADS.inc()
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
        for periodic in self._periodic:
            periodic.stop()
        if self._periodic:
            self._leases.stop()
            self._registry.remove(self._id)

    def report(self, error: Exception) -> None:
        """What a task could not deal with; without its model this process stops as on SIGTERM."""
        structlog.get_logger().error("job interrupted", exc_info=error)
        if isinstance(error, ModelUnavailable):
            os.kill(os.getpid(), signal.SIGTERM)

    def _assemble(self) -> None:
        settings = self._settings
        connection = connect(settings.redis_url)
        store = JobStore(connection)
        storage = Storage(settings)
        batches, lanes = BatchStore(connection), Lanes(connection)
        dispatcher = Dispatcher(lanes, self._app, settings.dispatch_window)
        sources = Sources(storage, GuardedHttp(settings), settings)
        budget = model_budget_bytes(settings.memory_budget_bytes, settings.processes_per_host)
        engine = Engine(self._model, settings.style_cache_bytes, budget)
        pipeline = Pipeline(sources, storage, engine, ImageLimits.from_settings(settings))
        self._registry = WorkerRegistry(connection)
        self._leases = Leases(store, settings.lease_seconds)
        self._leases.start()
        self.runner = JobRunner(store, storage, pipeline, self._leases, dispatcher, settings.lease_seconds)
        sweeper = Sweeper(lanes, batches, dispatcher, self._registry, settings)
        finalizer = Finalizer(batches, store, storage)
        self._periodic = [
            Periodic("heartbeat", settings.worker_seen_seconds / HEARTBEATS_PER_WINDOW, self._heartbeat),
            Periodic("sweeper", settings.sweep_seconds, sweeper.sweep),
            Periodic("finalizer", FINALIZE_SECONDS, finalizer.finalize),
        ]

    def _heartbeat(self) -> None:
        settings = self._settings
        self._registry.announce(
            WorkerInfo(
                id=self._id,
                host=socket.gethostname(),
                pid=os.getpid(),
                device=self._model.device,
                model=settings.model,
                lanes=settings.worker_lanes,
                slots=settings.worker_threads,
                busy=len(self._leases),
                rate=self._leases.rate.per_second(),
                model_loads=self._model_loads,
                started_at=self._started_at,
                last_seen_at=datetime.now(UTC),
            )
        )
