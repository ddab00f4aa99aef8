"""`celery -A worker.app worker`: the model is loaded and warmed once, before the first job is taken."""

from __future__ import annotations

from typing import Any

from celery import bootsteps
from celery.signals import setup_logging, worker_shutdown

from shared.errors import StyleQueueError
from shared.logs import configure_logs
from shared.queue import create_celery
from shared.settings import settings_or_exit
from worker.process import WorkerProcess
from worker.tasks import register_tasks

settings = settings_or_exit()
configure_logs(settings)
app = create_celery(settings)
process = WorkerProcess(settings, app)
register_tasks(app, process)


class StartProcess(bootsteps.StartStopStep):
    """Runs before the consumer takes its first message; what it raises ends Celery.

    A signal handler would not do: Celery swallows what handlers raise, and a worker without a model would
    take jobs.
    """

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        if parent.pool_cls.__module__ not in ("celery.concurrency.thread", "celery.concurrency.solo"):
            raise SystemExit(
                "stylequeue: the worker runs with --pool threads or solo; TensorFlow does not survive a fork"
            )
        super().__init__(parent, **options)

    def start(self, parent: Any) -> None:  # noqa: ARG002
        try:
            process.start()
        except StyleQueueError as error:
            raise SystemExit(f"stylequeue: {error.detail}") from error


@worker_shutdown.connect(weak=False)
def _stop(**_: Any) -> None:
    """Sent after the pool has finished the jobs in hand."""
    process.stop()


app.steps["worker"].add(StartProcess)


@setup_logging.connect(weak=False)
def _keep_our_logs(**_: Any) -> None:
    """Keeps Celery from setting up the root logger; its warnings still reach stderr."""
