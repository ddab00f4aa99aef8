"""A worker whose jobs last until the test says so: `celery -A tests.workers.recording_worker worker`.

The broker, the queues, the order and the slots are the service's own; only the task is another.
"""

from __future__ import annotations

import logging

import redis

from shared.broker.queue import STYLIZE_TASK, create_celery, queue_name
from shared.settings import settings_or_exit
from shared.wire.descriptors import Lane
from worker.jobs.slots import Slots

STARTS = "test:starts"  # list: the jobs in the order in which they started
HELD = "test:held"  # list: how many messages were taken and not passed on when each of them started
PASSED_ON = "test:passed_on"  # the number of messages
OPEN = "test:open"  # list: each entry lets any one job end
PATIENCE_SECONDS = 60

settings = settings_or_exit()
app = create_celery(settings)
connection = redis.Redis.from_url(settings.redis_url)


def door(job_id: str) -> str:
    """Return the key of the list whose first entry lets this job end."""
    return f"test:door:{job_id}"


def record(job_id: str) -> None:
    """Record the start, and wait; a message that comes twice does nothing."""
    if not connection.set(f"test:claim:{job_id}", "", nx=True):
        return
    connection.rpush(HELD, published() - waiting() - int(connection.get(PASSED_ON) or 0))
    connection.rpush(STARTS, job_id)
    connection.blpop([door(job_id), OPEN], PATIENCE_SECONDS)


def published() -> int:
    return sum(int(connection.get(published_key(lane)) or 0) for lane in Lane)


def published_key(lane: Lane) -> str:
    """Return the key of the number of messages that a test published."""
    return f"test:published:{lane}"


def waiting() -> int:
    return sum(connection.llen(queue_name(lane)) for lane in Lane)


def start(job_id: str) -> None:
    with slots.room():
        slots.add(job_id)
    slots.wait_for_room()
    connection.incr(PASSED_ON)


slots = Slots[str](settings.slots)
slots.start(record, logging.getLogger(__name__).error)
app.task(name=STYLIZE_TASK, acks_late=True, ignore_result=True)(start)
