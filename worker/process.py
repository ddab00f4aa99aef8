"""The life of one worker process: it starts the parts, drains and stops them."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from threading import Thread

import structlog

from shared.errors import ModelUnavailable, StyleQueueError
from shared.store.redis.fitness import refuse_unfit_redis
from shared.wire.descriptors import Lane
from worker.assembly import Assembly
from worker.jobs.leases import HeldJob
from worker.jobs.runner import JobRunner
from worker.jobs.watchdog import WATCH_SECONDS, Watchdog, attempt_seconds
from worker.stopping import EXIT_HANGING, EXIT_MODEL_GONE, Stopping
from worker.telemetry.heartbeat import HEARTBEATS_PER_WINDOW
from worker.telemetry.metrics import MODEL_LOAD_SECONDS, SLOTS
from worker.upkeep.periodic import Periodic

NICENESS = 10  # of a worker for minimizations: clients wait for the jobs of the other workers
NEEDED_TO_THE_END = frozenset({"heartbeat", "watchdog", "webhooks"})


class WorkerProcess:
    """Created with Celery's app; connects to nothing and loads nothing before `start`."""

    stopping: Stopping | None = None  # None while it starts
    stop_requested = False  # set by a signal while it starts

    def __init__(self, parts: Assembly, take_no_more: Callable[[int], None]) -> None:
        """`take_no_more` stops the consumer of messages and sets the exit code of the process."""
        self._parts = parts
        self._take_no_more = take_no_more
        self._periodic: list[Periodic] = []

    @property
    def runner(self) -> JobRunner:
        return self._parts.runner

    def start(self) -> None:
        """Load and warm the model, then start the heartbeat, the leases and the upkeep.

        Raises:
            ModelUnavailable: the model cannot be loaded; the process must not take jobs.
            QueueRefused: Redis is not fit for jobs.
            SystemExit: somebody asked for the stop meanwhile.
        """
        parts, settings = self._parts, self._parts.settings
        refuse_unfit_redis(settings)
        if settings.worker_lanes == (Lane.OPTIMIZE,):
            os.nice(NICENESS)
        parts.decoders.start()
        self._load_model()
        SLOTS.set(settings.slots)
        self.stopping = Stopping(
            self.runner.slots, settings.stop_seconds, self._begin_to_stop, self._give_back
        )
        self._periodic = self._repeated(self.stopping)
        parts.leases.start()
        self.runner.slots.start(self.runner.run_held, self.report)
        parts.webhook_sender.start()
        self.stopping.start()
        gc.collect()
        gc.freeze()  # these objects stay; walking them at every collection would stop all threads
        for periodic in self._periodic:
            periodic.start()
        if Lane.OPTIMIZE in settings.worker_lanes:
            Thread(target=self._measure_rate, name="rate", daemon=True).start()

    def stop(self) -> None:
        if not self._periodic:
            return
        self.runner.slots.wait_until_empty()
        self._parts.webhook_sender.stop()
        for periodic in self._periodic:
            periodic.stop()
        self._parts.leases.stop()
        self._parts.decoders.close()
        self._parts.heartbeat.stop()

    def report(self, error: Exception) -> None:
        """Log an error that a task could not handle; without its model, stop as on SIGTERM, but fail."""
        structlog.get_logger().error("job interrupted", exc_info=error)
        if isinstance(error, ModelUnavailable) and self.stopping:
            self.stopping.stop(EXIT_MODEL_GONE)

    def _load_model(self) -> None:
        begin = time.perf_counter()
        model = self._parts.model
        seconds = time.perf_counter() - begin
        if self.stop_requested:
            raise SystemExit(0)
        if not self._parts.remote_model:  # else the engine counts it
            MODEL_LOAD_SECONDS.observe(seconds)
        structlog.get_logger().info(
            "model loaded", model=self._parts.settings.model, device=model.device, seconds=round(seconds, 2)
        )

    def _measure_rate(self) -> None:
        """Measure the speed of minimizations unless it is known, so that clients see it at submit."""
        try:
            rate = self._parts.painter.measured_rate()
        except StyleQueueError as error:
            structlog.get_logger().warning("rate not measured", code=error.code, detail=error.detail)
        else:
            structlog.get_logger().info("minimizations", pixel_steps_per_second=rate)

    def _repeated(self, stopping: Stopping) -> list[Periodic]:
        settings, parts = self._parts.settings, self._parts
        watchdog = Watchdog(
            parts.leases,
            parts.runner,
            self._job_seconds,
            lambda: stopping.leave_now(EXIT_HANGING),
            settings.stop_seconds,
        )
        return [
            Periodic("heartbeat", settings.worker_seen_seconds / HEARTBEATS_PER_WINDOW, self._beat),
            parts.leases.while_held("watchdog", WATCH_SECONDS, watchdog.look),
            *parts.upkeep(),
        ]

    def _job_seconds(self, held: HeldJob) -> float:
        settings, params = self._parts.settings, held.claim.job.request.params
        minimizing = settings.optimize_seconds if params.method == "optimize" else 0
        return attempt_seconds(settings.job_timeout_seconds, held.stages.pixels) + minimizing

    def _beat(self) -> None:
        stopping, heartbeat = self.stopping, self._parts.heartbeat
        asked_to_drain = heartbeat.beat(draining=bool(stopping and stopping.begun))
        if asked_to_drain and stopping and not stopping.begun:
            stopping.drain()
            heartbeat.beat(draining=True)

    def _begin_to_stop(self, exit_code: int) -> None:
        self._take_no_more(exit_code)
        for periodic in self._periodic:
            if periodic.name not in NEEDED_TO_THE_END:
                periodic.ask_to_stop()

    def _give_back(self) -> None:
        """Give all jobs back, so that other workers take them at once, and leave the list of the living."""
        self.runner.give_back(self._parts.leases.held_jobs())
        self._parts.heartbeat.stop()
