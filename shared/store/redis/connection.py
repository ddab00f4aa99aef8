"""The connection to Redis; redis-py's exceptions end here."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedConnection

from shared.store.redis.errors import meaning_of
from shared.store.redis.redis_url import RedisUrl, read_redis_url
from shared.store.redis.sentinel import SentinelUrl
from shared.telemetry.metrics import REDIS_ERRORS

CONNECT_SECONDS = 2
ANSWER_SECONDS = 5
KEEPALIVE = {"socket_keepalive": True}  # of TCP


def connect(url: str, answer_seconds: float = ANSWER_SECONDS) -> redis.Redis:
    """Return a pooled, thread-safe client, which sends nothing before its first command.

    A broken connection leads to one more try, because every script is safe to run twice. A reply that takes
    longer than `answer_seconds` does not: no caller waits until a frozen Redis comes back.
    """
    options: dict[str, Any] = {
        "decode_responses": True,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": answer_seconds,
        "health_check_interval": 10,
        "retry": Retry(
            ExponentialWithJitterBackoff(base=0.05, cap=0.5),
            retries=1,
            supported_errors=(RedisConnectionError,),
        ),
    }
    target = read_redis_url(url)
    if isinstance(target, SentinelUrl):
        return redis.Redis.from_pool(_sentinel_pool(target, options))
    return redis.Redis.from_pool(_pool(target, options))


class ThreadPool(redis.ConnectionPool):
    """A pool in which each thread gets the connection back that it released.

    So a command needs neither the pool's lock nor a look at the socket, and waits less for the interpreter's
    lock. A command that finds its connection broken is tried once more.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._mine = threading.local()

    def get_connection(self, *arguments: Any, **options: Any) -> Any:
        connection, self._mine.connection = getattr(self._mine, "connection", None), None
        return connection or super().get_connection(*arguments, **options)

    def release(self, connection: Any) -> None:
        if getattr(self._mine, "connection", None) is None and connection.pid == os.getpid():
            self._mine.connection = connection
        else:
            super().release(connection)


class MasterConnection(SentinelManagedConnection):
    """A connection to the current master, also after it broke: redis-py reconnects to the old address."""

    def send_packed_command(self, *arguments: Any, **options: Any) -> Any:
        SentinelManagedConnection.connect(self)  # asks the sentinels, unless it is connected
        return SentinelManagedConnection.send_packed_command(self, *arguments, **options)


class SentinelThreadPool(ThreadPool, SentinelConnectionPool):
    """A ThreadPool for the master that the sentinels name."""


def _pool(url: RedisUrl, options: dict[str, Any]) -> ThreadPool:
    if url.socket_path:
        options = {"connection_class": UnixDomainSocketConnection, **options}
    else:
        options = {"connection_class": SSLConnection if url.tls else Connection, **KEEPALIVE, **options}
    return ThreadPool(**url.client_options(), **options)


def _sentinel_pool(url: SentinelUrl, options: dict[str, Any]) -> SentinelThreadPool:
    asked_once = {"retry": Retry(NoBackoff(), 0)}
    sentinels = Sentinel(url.sentinels, sentinel_kwargs={**url.sentinel_options(), **asked_once})
    return SentinelThreadPool(
        service_name=url.master,
        sentinel_manager=sentinels,
        connection_class=MasterConnection,
        db=url.database,
        **url.master_login,
        **KEEPALIVE,
        **options,
    )


@contextmanager
def translated_errors(operation: str = "command") -> Iterator[None]:
    """Turn redis-py's exceptions into QueueUnavailable and count them under `operation`, one of few names."""
    try:
        yield
    except RedisError as error:
        REDIS_ERRORS.labels(operation).inc()
        raise meaning_of(error) from error
