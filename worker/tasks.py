"""Celery's concerns only; the body calls a plain function."""

from __future__ import annotations

from celery import Celery
from structlog.contextvars import clear_contextvars

from shared.queue import STYLIZE_TASK
from worker.process import WorkerProcess


def register_tasks(app: Celery, process: WorkerProcess) -> None:
    @app.task(name=STYLIZE_TASK, acks_late=True, ignore_result=True, max_retries=0)
    def stylize(job_id: str) -> None:
        """A wake-up call for one job. Acknowledged whatever happens: the record decides what comes next.

        Nothing but our own errors may leave the body: Celery's threads pool loses a slot for ever when a
        MemoryError or a SystemExit passes through it.
        """
        try:
            process.runner.run(job_id)
        except Exception as error:
            process.report(error)
        finally:
            clear_contextvars()  # what the thread says next is not about this job
