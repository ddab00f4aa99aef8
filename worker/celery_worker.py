"""A Celery app that is a worker: our process starts before Celery's consumer and stops after its pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import Celery, bootsteps
from celery.signals import setup_logging, worker_shutdown

from shared.errors import StyleQueueError
from shared.logs import configure_logs
from shared.queue import create_celery, queue_name
from shared.settings import Settings
from worker.engine import Model
from worker.process import WorkerProcess
from worker.tasks import register_tasks

POOLS_WITHOUT_FORK = ("celery.concurrency.thread", "celery.concurrency.solo")


def create_worker(settings: Settings, load_model: Callable[[Settings], Model]) -> Celery:
    """The app, which takes from its own lanes and sends to all; `load_model` is called once, before the first
    job is taken.
    """
    configure_logs(settings)
    app = create_celery(settings)
    app.amqp.queues.select([queue_name(lane) for lane in settings.worker_lanes])
    process = WorkerProcess(settings, app, load_model)
    register_tasks(app, process)
    app.steps["worker"].add(_start_step(process))
    worker_shutdown.connect(_call(process.stop), weak=False)  # sent when the jobs in hand have ended
    setup_logging.connect(_call(lambda: None), weak=False)  # a receiver keeps Celery off the root logger
    return app


def _call(step: Callable[[], None]) -> Callable[..., None]:
    """A receiver of a signal, whatever the signal carries."""
    return lambda **_: step()


def _start_step(process: WorkerProcess) -> type:
    class StartProcess(bootsteps.StartStopStep):
        """Runs before the consumer takes its first message; what it raises ends Celery.

        A signal handler would not do: Celery swallows what handlers raise, and a worker without a model would
        take jobs.
        """

        requires = ("celery.worker.components:Pool",)

        def __init__(self, parent: Any, **options: Any) -> None:
            if parent.pool_cls.__module__ not in POOLS_WITHOUT_FORK:
                raise SystemExit(
                    "stylequeue: run the worker with --pool threads; TensorFlow survives no fork"
                )
            super().__init__(parent, **options)

        def start(self, parent: Any) -> None:  # noqa: ARG002 - the interface of a step
            try:
                process.start()
            except StyleQueueError as error:
                raise SystemExit(f"stylequeue: {error.detail}") from error

    return StartProcess
