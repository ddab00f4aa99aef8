"""A worker that does nothing, to measure broker and records: `celery -A bench.stacks.noop_worker worker`."""

from __future__ import annotations

from bench.stacks.no_picture import RESULT
from shared.broker.queue import NEXT_TASK, Dispatcher, create_celery
from shared.settings import settings_or_exit
from shared.store.jobs import Ending, JobStore
from shared.store.lanes import Lanes
from shared.store.redis.connection import connect
from shared.telemetry.logs import configure_logs
from shared.wire.descriptors import Lane

NOOP_TASK = "bench.noop.v1"

settings = settings_or_exit()
configure_logs(settings, "worker")
app = create_celery(settings)
connection = connect(settings.redis_url)
store = JobStore(connection)
dispatcher = Dispatcher(Lanes(connection), app, settings.dispatch_window)


def take_and_finish(lane: str, call: str) -> None:
    """Ask Redis for all that worker/jobs/runner.py asks for a job, and do nothing in between."""
    for claim in store.take(Lane(lane), call, settings.lease_seconds):
        store.finish([Ending(claim, RESULT)])
        dispatcher.dispatch_or_leave([Lane(claim.job.lane)])


def noop(number: int) -> None:
    """Receive a message."""


app.task(name=NEXT_TASK, acks_late=True, ignore_result=True)(take_and_finish)
app.task(name=NOOP_TASK, acks_late=True, ignore_result=True)(noop)
