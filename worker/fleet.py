"""The worker processes of one host under one supervisor."""

from __future__ import annotations

import math
import signal
from collections.abc import Mapping

import structlog

from worker.layout import Layout
from worker.supervision.celery_part import WORKER_APP, worker_part
from worker.supervision.errors import PartDied
from worker.supervision.restarts import keeps_failing
from worker.supervision.supervisor import Supervisor, Wishes
from worker.telemetry.host_metrics import HostMetrics


def run_fleet(
    layout: Layout, environment: Mapping[str, str], metrics: HostMetrics, app: str = WORKER_APP
) -> int:
    """Run the workers until a signal or until all were drained; return the exit code.

    `app` is the module of the Celery app. A second signal reaches the workers too, which then give their jobs
    back at once. They limit the time of their end themselves.
    """
    wishes = Wishes()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: wishes.stop())
    supervisor = Supervisor(None, None, wishes, _log, metrics=metrics)
    try:
        with supervisor.everything_stopped_after():
            for index in range(layout.processes):
                supervisor.start(
                    worker_part(
                        f"worker-{index + 1}",
                        {**environment, **metrics.environment, **layout.environment(index)},
                        app,
                        stop_seconds=math.inf,
                        orphan_signal=signal.SIGTERM,
                        second_signal=signal.SIGTERM,
                    )
                )
            supervisor.watch(keeps_failing)
    except PartDied as death:
        structlog.get_logger().error("workers given up", detail=death.detail)
        return 1
    return 0


def _log(line: str) -> None:
    structlog.get_logger().warning("worker process", detail=line)
