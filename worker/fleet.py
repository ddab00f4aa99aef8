"""The engines and worker processes of one host under one supervisor."""

from __future__ import annotations

import math
import signal
from collections.abc import Mapping

import structlog

from shared.settings import PREFIX
from worker.engine.part import ENGINE, EngineHome
from worker.layout import Layout
from worker.supervision.celery_part import WORKER_APP, worker_part
from worker.supervision.errors import PartDied
from worker.supervision.restarts import keeps_failing
from worker.supervision.supervisor import Supervisor, Wishes
from worker.telemetry.host_metrics import HostMetrics

ENGINE_VARIABLE = f"{PREFIX}ENGINE_SOCKET"


def run_fleet(
    layout: Layout,
    environment: Mapping[str, str],
    metrics: HostMetrics,
    app: str = WORKER_APP,
    engine: str = ENGINE,
) -> int:
    """Run the workers until a signal or until all were drained; return the exit code.

    `app` is the module of the Celery app, `engine` that of the engine's program. A second signal reaches the
    workers too, which then give their jobs back at once. They limit the time of their end themselves.
    """
    wishes = Wishes()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: wishes.stop())
    supervisor = Supervisor(None, None, wishes, _log, metrics=metrics)
    supervisor.closing.callback(metrics.close)
    try:
        with supervisor.everything_stopped_after():
            environment = {**environment, **metrics.environment}
            for index, told in enumerate(start_engines(supervisor, layout, environment, engine)):
                supervisor.start(
                    worker_part(
                        f"worker-{index + 1}",
                        {**environment, **told},
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


def start_engines(
    supervisor: Supervisor, layout: Layout, environment: Mapping[str, str], engine: str = ENGINE
) -> list[dict[str, str]]:
    """Start the engines of the layout, which need neither Redis nor S3.

    Return the variables that each worker process has besides `environment`; they lead to its engine.
    """
    workers = [layout.environment(index) for index in range(layout.processes)]
    if not layout.engines:
        return workers
    home = EngineHome()
    supervisor.closing.callback(home.close)
    for index in range(layout.engines):
        told = {**environment, **layout.engine_environment(index)}
        supervisor.start(home.part(index + 1, told, engine))
    for index, worker in enumerate(workers):
        worker[ENGINE_VARIABLE] = str(home.socket_path(index % layout.engines + 1))
    return workers


def _log(line: str) -> None:
    structlog.get_logger().warning("worker process", detail=line)
