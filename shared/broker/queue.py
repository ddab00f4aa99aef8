"""The Celery app, its settings, and the dispatcher, which publishes messages for waiting jobs.

Most messages are calls: the worker that takes one claims the job that is the lane's next at that moment, or
several if many wait. A message names a job instead if the job must run alone, or while a worker of an older
version is alive.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import structlog
from celery import Celery
from kombu import Exchange, Queue
from kombu.exceptions import KombuError

from shared.broker.transport import use_this_transport
from shared.errors import QueueUnavailable
from shared.scheduling.lane_order import LaneOrder
from shared.settings import Settings
from shared.store.lanes import Lanes, is_call, jobs_called_by
from shared.store.redis.connection import translated_errors
from shared.store.redis.redis_url import read_redis_url
from shared.store.redis.sentinel import SentinelUrl
from shared.telemetry.metrics import REDIS_ERRORS
from shared.wire.descriptors import Lane

STYLIZE_TASK = "stylequeue.stylize.v1"  # run this job; a message with a new meaning needs a new name
NEXT_TASK = "stylequeue.next.v1"  # run the next job of this lane
BUNDLE_TASK = "stylequeue.bundle.v1"  # run the next jobs of this lane, as many as the call says
# After this time a message that a worker of an older version took is delivered again, and changes nothing.
# The shortest value of any process applies, so it stays what it was.
VISIBILITY_SECONDS = 3600
MESSAGES_PER_PUBLISH = 500
OVERRIDES = (
    "CELERY_BROKER_URL",
    "CELERY_BROKER_READ_URL",
    "CELERY_BROKER_WRITE_URL",
    "CELERY_RESULT_BACKEND",
)
SHOWN_JOBS = 100  # job ids in one log line
PRODUCER_SECONDS = 5  # the longest wait for a connection from the pool


def queue_name(lane: Lane) -> str:
    return f"stylize.{lane}"


def create_celery(settings: Settings) -> Celery:
    """Return the Celery app that the API, the workers and the tools share. It connects on first use."""
    for variable in OVERRIDES:  # Celery prefers them, unchecked, to the app's settings (celery/celery#4284)
        os.environ.pop(variable, None)
    use_this_transport()
    app = Celery("stylequeue", set_as_current=False)
    app.conf.update(
        **_broker(settings.redis_url),
        **_messages(),
        **_worker(),
        # keep trying without a limit, also after a failover (READONLY) and while Redis is full (OOM)
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,
        broker_connection_timeout=4,
        broker_pool_limit=10,
        visibility_timeout=VISIBILITY_SECONDS,
    )
    return app


def _messages() -> dict[str, Any]:
    """Return Celery's settings for the queues and their messages."""
    # Explicit exchange and routing key: a bare Queue(name) would get the default queue's. A message is not
    # acknowledged: if its worker dies, the sweep sends it again, long before a broker would deliver it again.
    queues = [Queue(name, Exchange(name), name, no_ack=True) for name in map(queue_name, Lane)]
    return {
        "task_queues": queues,
        "task_default_queue": queue_name(Lane.NORMAL),
        "task_create_missing_queues": False,
        # JSON only, and no results in Celery
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "result_backend": None,
        # a failed publish must not delay a request: the jobs wait in the store for the next sweep
        "task_publish_retry": False,
        # nobody reads these events
        "task_send_sent_event": False,
    }


def _worker() -> dict[str, Any]:
    """Return Celery's settings for the worker: threads in one process, no fork after TensorFlow is loaded."""
    return {
        # One thread, which takes a message, claims jobs for the slots, and returns when a slot is free.
        "worker_pool": "threads",
        "worker_concurrency": 1,
        # Take a message only when a slot is free: one held by the worker would start before those of a higher
        # lane. `worker_disable_prefetch` counts the tasks at work; the multiplier counts messages without an
        # acknowledgement, of which there are none.
        "worker_prefetch_multiplier": 0,
        "worker_disable_prefetch": True,
        # nobody uses these, so they need not be written to Redis
        "worker_disable_rate_limits": True,
        "worker_send_task_events": False,
        # a running job continues: its lease says whether it may end (and threads could not be cancelled)
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
    }


def _broker(redis_url: str) -> dict[str, Any]:
    """Return Celery's settings for the broker, which uses the same server and TLS options as the records."""
    url = read_redis_url(redis_url)
    if isinstance(url, SentinelUrl):
        of_sentinel = {"master_name": url.master, "sentinel_kwargs": url.sentinel_options()}
        return {
            "broker_url": url.broker_urls(),
            "broker_transport_options": {**_transport_options(), **of_sentinel},
        }
    return {
        "broker_url": url.broker_url(),
        # without this, kombu accepts any certificate for a rediss:// URL (celery/kombu#910)
        "broker_use_ssl": dict(url.tls) or None,
        "broker_transport_options": _transport_options(),
    }


def _transport_options() -> dict[str, Any]:
    return {
        # LaneOrder chooses the next lane. One Redis list per lane is enough: messages have no priority in it.
        "queue_order_strategy": partial(LaneOrder, [queue_name(lane) for lane in Lane]),
        "priority_steps": [0],
        "visibility_timeout": VISIBILITY_SECONDS,
        # Celery's redelivery, of messages that workers of older versions took: few at a time, because one
        # worker redelivers for all
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "unacked_restore_limit": 100,
        # so a frozen Redis cannot block a publish (redis/redis-py#663); longer than a blocking pop (1 s)
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "socket_keepalive_options": _keepalive_options(),
        "health_check_interval": 10,  # a connection that waits for messages may be half-open
    }


def _keepalive_options() -> dict[int, int]:
    """Return options that detect a dead peer within a minute, on platforms that have them."""
    wanted = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
    return {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}


def _task_of(message: str) -> str:
    if not is_call(message):
        return STYLIZE_TASK
    return BUNDLE_TASK if jobs_called_by(message) > 1 else NEXT_TASK


class Dispatcher:
    """Keeps a bounded number of messages per lane in the broker."""

    def __init__(self, lanes: Lanes, app: Celery, window: int) -> None:
        self._lanes = lanes
        self._app = app
        self._window = window

    def dispatch(self, lanes: Iterable[Lane] = tuple(Lane)) -> int:
        """Publish messages for waiting jobs while the window has room, and return their number.

        Raises:
            QueueUnavailable: Redis does not respond. The jobs stay in the store for a later dispatch.
        """
        return sum(self._dispatch_lane(lane) for lane in lanes)

    def dispatch_or_leave(self, lanes: Iterable[Lane]) -> None:
        """Dispatch; if that fails, the jobs stay in the store until a worker's sweep dispatches them."""
        try:
            self.dispatch(lanes)
        except QueueUnavailable as error:
            structlog.get_logger().warning("dispatch put off", detail=error.detail)

    def publish(self, lane: Lane, messages: Sequence[str]) -> None:
        """Publish messages that `Lanes.dispatch` returned. Publishing one twice does no harm.

        Raises:
            QueueUnavailable: some messages may not have arrived.
        """
        try:
            with translated_errors("publish"), self._producer() as producer:
                for start in range(0, len(messages), MESSAGES_PER_PUBLISH):
                    with producer.batch(max_size=MESSAGES_PER_PUBLISH):
                        for message in messages[start : start + MESSAGES_PER_PUBLISH]:
                            self._send(producer, lane, message)
        except (KombuError, OSError) as error:
            REDIS_ERRORS.labels("publish").inc()
            raise QueueUnavailable("The message cannot be published now") from error

    def put_back(self, message: str) -> None:
        """Undo the dispatch of a message whose job cannot start now; a job that it names waits again."""
        self._lanes.undispatch([message])

    def _producer(self) -> Any:
        """Return a producer from the pool.

        Wait at most PRODUCER_SECONDS for one, so that a frozen Redis cannot block callers.

        Raises:
            kombu.exceptions.LimitExceeded: all producers were in use.
        """
        return self._app.producer_pool.acquire(block=True, timeout=PRODUCER_SECONDS)

    def _dispatch_lane(self, lane: Lane) -> int:
        messages = self._lanes.dispatch(lane, self._window)
        if messages:
            try:
                self.publish(lane, messages)
            except QueueUnavailable:
                named = [message for message in messages if not is_call(message)]
                structlog.get_logger().warning(
                    "messages not sent", lane=lane, jobs=len(messages), job_ids=named[:SHOWN_JOBS]
                )
                self._lanes.undispatch(messages)
                raise
        return len(messages)

    def _send(self, producer: Any, lane: Lane, message: str) -> None:
        called = is_call(message)
        self._app.send_task(
            _task_of(message),
            args=(lane, message) if called else (message,),
            task_id=message,
            queue=queue_name(lane),
            producer=producer,
            retry=False,
            argsrepr="",
            kwargsrepr="",
        )
