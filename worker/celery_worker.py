"""The Celery app of a worker: our process starts before Celery's consumer and stops after its pool."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from celery import Celery, bootsteps
from celery.signals import celeryd_init, setup_logging, worker_shutdown
from celery.worker import state

from shared.broker.queue import create_celery, queue_name
from shared.errors import StyleQueueError
from shared.settings import Settings
from shared.telemetry.logs import configure_logs
from shared.telemetry.tracing import start_tracing
from worker.assembly import Assembly
from worker.consumer import Consumer
from worker.process import WorkerProcess
from worker.stopping import not_started
from worker.tasks import register_tasks

SERVICE = "worker"
POOLS_WITHOUT_FORK = ("celery.concurrency.thread", "celery.concurrency.solo")


def create_worker(settings: Settings, assemble: Callable[[Settings, Celery], Assembly]) -> Celery:
    """Return the Celery app of a worker, which takes jobs from its own lanes and sends to all."""
    configure_logs(settings, SERVICE)
    start_tracing(SERVICE, os.environ)
    app = create_celery(settings)
    app.amqp.queues.select([queue_name(lane) for lane in settings.worker_lanes])
    process = WorkerProcess(assemble(settings, app), _take_no_more)
    register_tasks(app, process)
    app.conf.worker_consumer = f"{Consumer.__module__}:{Consumer.__name__}"
    app.steps["worker"].add(_start_step(process))
    worker_shutdown.connect(_call(process.stop), weak=False)  # sent after the last job
    celeryd_init.connect(_without_banner, weak=False)
    setup_logging.connect(_call(lambda: None), weak=False)  # a receiver keeps Celery off the root logger
    return app


def _call(step: Callable[[], None]) -> Callable[..., None]:
    """Return a receiver that ignores what the signal carries."""
    return lambda **_: step()


def _without_banner(instance: Any, **_: Any) -> None:
    """Keep Celery from printing its banner into the log; else only an option of its command line does."""
    instance.quiet = True


def _take_no_more(exit_code: int) -> None:
    """Set the flag that Celery's loop reads several times a second, and while it waits for its broker."""
    state.should_stop = exit_code


def _take_over_signals(process: WorkerProcess) -> None:
    """Replace Celery's handlers, which wait for jobs without a limit and exit otherwise at SIGINT."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if process.stopping is None:
            process.stop_requested = True  # the interrupted library may swallow the exception
            raise SystemExit(0)  # it holds no job yet
        process.stopping.wish()

    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(name, stop)


def _start_step(process: WorkerProcess) -> type:
    class StartProcess(bootsteps.StartStopStep):
        """Starts our process before the consumer takes its first message; its errors end Celery.

        A handler of Celery's signals would not do: Celery swallows what handlers raise (celery/celery#2738),
        and a worker without a model would take jobs.
        """

        requires = ("celery.worker.components:Pool",)

        def __init__(self, parent: Any, **options: Any) -> None:
            if parent.pool_cls.__module__ not in POOLS_WITHOUT_FORK:
                raise SystemExit(
                    "stylequeue: run the worker with --pool threads; TensorFlow does not survive a fork"
                )
            super().__init__(parent, **options)

        def start(self, parent: Any) -> None:  # noqa: ARG002 - the interface of a step
            try:
                _take_over_signals(process)
                process.start()
            except StyleQueueError as error:
                raise not_started(error) from error

    return StartProcess
