"""A worker whose jobs take a moment and do nothing: `celery -A bench.stacks.recording_worker worker`.

Each job records its id when it starts, so the order of starts is known. Queue, order of lanes, records and
the window of messages are the product's own.
"""

from __future__ import annotations

import time

from bench.measures.starts import STARTS
from bench.stacks.no_picture import RESULT
from shared.broker.queue import NEXT_TASK, Dispatcher, create_celery
from shared.settings import settings_or_exit
from shared.store.jobs import Ending, JobStore
from shared.store.lanes import Lanes
from shared.store.redis.connection import connect
from shared.wire.descriptors import Lane

JOB_SECONDS = 0.005

settings = settings_or_exit()
app = create_celery(settings)
connection = connect(settings.redis_url)
store = JobStore(connection)
dispatcher = Dispatcher(Lanes(connection), app, settings.dispatch_window)


def record_and_finish(lane: str, call: str) -> None:
    for claim in store.take(Lane(lane), call, settings.lease_seconds):
        connection.rpush(STARTS, f"{claim.job.lane} {claim.job.id}")
        time.sleep(JOB_SECONDS)
        store.finish([Ending(claim, RESULT)])
        dispatcher.dispatch_or_leave([Lane(claim.job.lane)])


app.task(name=NEXT_TASK, acks_late=True, ignore_result=True)(record_and_finish)
