"""Wait for a record to change, by Redis' notifications and not by polling."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import redis

from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX

LOOK_AGAIN_SECONDS = 5  # a connection that breaks loses its notifications


class Versioned(Protocol):
    """A record with a version and an end."""

    @property
    def seq(self) -> int: ...
    @property
    def finished(self) -> bool: ...


Record = TypeVar("Record", bound=Versioned)


def wait_for_change(
    connection: redis.Redis,
    record_id: str,
    read: Callable[[], Record],
    seen_seq: int | None,
    timeout_seconds: float,
    pause_seconds: float = 0,
) -> Record:
    """Return the record once it has finished, its seq differs from the one seen, or the time is over.

    Without `seen_seq` only the end counts. Between two looks are at least `pause_seconds`. Holds one
    connection meanwhile.
    """
    deadline = time.monotonic() + timeout_seconds
    with _notifications(connection, record_id) as notifications:
        while True:
            looked_at = time.monotonic()
            record = read()
            remaining = deadline - time.monotonic()
            changed = seen_seq is not None and record.seq != seen_seq
            if changed or record.finished or remaining <= 0:
                return record
            with translated_errors():
                notifications.get_message(
                    ignore_subscribe_messages=True, timeout=min(remaining, LOOK_AGAIN_SECONDS)
                )
            time.sleep(max(0, looked_at + pause_seconds - time.monotonic()))


@contextmanager
def _notifications(connection: redis.Redis, record_id: str) -> Iterator[redis.client.PubSub]:
    with connection.pubsub() as notifications:
        with translated_errors():
            notifications.subscribe(PREFIX + "changed:" + record_id)
        yield notifications
