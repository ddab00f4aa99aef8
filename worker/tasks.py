"""The Celery tasks: they pass each message on to the job runner."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from celery import Celery
from structlog.contextvars import clear_contextvars

from shared.broker.queue import BUNDLE_TASK, NEXT_TASK, STYLIZE_TASK
from shared.wire.descriptors import Lane
from worker.process import WorkerProcess


def register_tasks(app: Celery, process: WorkerProcess) -> None:
    """Register the tasks. No message is tried again, because the record decides what comes next."""

    # `acks_late` wakes Celery's loop when a task ends, so that it takes the next message at once.
    task = partial(app.task, acks_late=True, ignore_result=True, max_retries=0)

    def start_next(lane: str, call: str) -> None:
        _guarded(process, lambda: process.runner.run_next(Lane(lane), call))

    for name in (NEXT_TASK, BUNDLE_TASK):
        task(name=name)(start_next)

    @task(name=STYLIZE_TASK)
    def stylize(job_id: str) -> None:
        _guarded(process, lambda: process.runner.run(job_id))


def _guarded(process: WorkerProcess, run: Callable[[], None]) -> None:
    """Let no error leave the task.

    Celery's pool loses a thread for ever with each task that raises MemoryError (celery/celery#10462).
    """
    try:
        run()
    except Exception as error:
        process.report(error)
    finally:
        clear_contextvars()  # the next line of this thread is not about this job
