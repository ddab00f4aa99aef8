"""Celery's concerns only; the body calls a plain function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from celery import Celery
from structlog.contextvars import clear_contextvars

from shared.broker.queue import NEXT_TASK, STYLIZE_TASK
from shared.wire.descriptors import Lane
from worker.process import WorkerProcess


def register_tasks(app: Celery, process: WorkerProcess) -> None:
    """Messages are acknowledged whatever happens: the record decides what comes next."""

    task = partial(app.task, acks_late=True, ignore_result=True, max_retries=0)

    @task(name=NEXT_TASK)
    def start_next(lane: str, call: str) -> None:
        """A wake-up call for the next job of a lane."""
        _guarded(process, lambda: process.runner.run_next(Lane(lane), call))

    @task(name=STYLIZE_TASK)
    def stylize(job_id: str) -> None:
        """A wake-up call for one job."""
        _guarded(process, lambda: process.runner.run(job_id))


def _guarded(process: WorkerProcess, run: Callable[[], None]) -> None:
    """Nothing but our own errors may leave a task: Celery's threads pool loses a slot for ever when a
    MemoryError or a SystemExit passes through it.
    """
    try:
        run()
    except Exception as error:
        process.report(error)
    finally:
        clear_contextvars()  # what the thread says next is not about this job
