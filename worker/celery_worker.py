"""A Celery app that is a worker: our process starts before Celery's consumer and stops after its pool."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from celery import Celery, bootsteps
from celery.signals import celeryd_init, setup_logging, worker_shutdown
from celery.worker import state

from shared.broker.queue import create_celery, queue_name
from shared.errors import StyleQueueError, VggUnavailable
from shared.settings import Settings
from shared.telemetry.logs import configure_logs
from shared.telemetry.tracing import start_tracing
from shared.wire.record_version import LEVEL
from worker.consumer import Consumer
from worker.images.decoders import DECODER
from worker.model.engine import Model
from worker.model.painter import Original
from worker.process import WorkerProcess
from worker.stopping import EXIT_NOT_STARTED
from worker.tasks import register_tasks

SERVICE = "worker"
POOLS_WITHOUT_FORK = ("celery.concurrency.thread", "celery.concurrency.solo")


def without_original(_: Settings) -> Original:
    """For workers that have no VGG network.

    Raises:
        VggUnavailable: always.
    """
    raise VggUnavailable("This worker has no VGG network")


def create_worker(
    settings: Settings,
    load_model: Callable[[Settings], Model],
    decoder_module: str = DECODER,
    load_original: Callable[[Settings], Original] = without_original,
    level: int = LEVEL,
) -> Celery:
    """The app, which takes from its own lanes and sends to all.

    `load_model` is called once, before the first job is taken; `load_original` when a job first asks for it.
    """
    configure_logs(settings, SERVICE)
    start_tracing(SERVICE, os.environ)
    app = create_celery(settings)
    app.amqp.queues.select([queue_name(lane) for lane in settings.worker_lanes])
    process = WorkerProcess(settings, app, load_model, load_original, _take_no_more, decoder_module, level)
    register_tasks(app, process)
    app.conf.worker_consumer = f"{Consumer.__module__}:{Consumer.__name__}"
    app.steps["worker"].add(_start_step(process))
    worker_shutdown.connect(_call(process.stop), weak=False)  # sent when the jobs in hand have ended
    celeryd_init.connect(_without_banner, weak=False)
    setup_logging.connect(_call(lambda: None), weak=False)  # a receiver keeps Celery off the root logger
    return app


def _call(step: Callable[[], None]) -> Callable[..., None]:
    """A receiver of a signal, whatever the signal carries."""
    return lambda **_: step()


def _without_banner(instance: Any, **_: Any) -> None:
    """Celery prints one into the log, in no form, unless it is told at its command line not to."""
    instance.quiet = True


def _take_no_more(exit_code: int) -> None:
    """Celery's loop looks at this flag several times a second, and when it waits for its broker."""
    state.should_stop = exit_code


def _take_over_signals(process: WorkerProcess) -> None:
    """Celery's own handlers wait for the jobs in hand without a limit, and give SIGINT another exit code."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if process.stopping is None:
            process.unwanted = True  # a library that it interrupts may swallow the exception
            raise SystemExit(0)  # no job has been taken
        process.stopping.wishes += 1

    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(name, stop)


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
                _take_over_signals(process)
                process.start()
            except StyleQueueError as error:
                sys.stderr.write(f"stylequeue: {' '.join(error.detail.split())}\n")
                raise SystemExit(EXIT_NOT_STARTED) from error

    return StartProcess
