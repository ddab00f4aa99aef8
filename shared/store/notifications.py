"""Waiting for a record to change: Redis' notification, and no loop that asks again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import redis

from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX

LOOK_AGAIN_SECONDS = 5  # a notification is lost with the connection that it came by


class Versioned(Protocol):
    """A record that tells its changes apart by a number, and has an end."""

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
) -> Record:
    """The record once it has finished, or has another seq than the one seen, or the time is over.

    Without `seen_seq` only the end counts. Holds one connection meanwhile.
    """
    deadline = time.monotonic() + timeout_seconds
    with _notifications(connection, record_id) as notifications:
        while True:
            record = read()
            remaining = deadline - time.monotonic()
            changed = seen_seq is not None and record.seq != seen_seq
            if changed or record.finished or remaining <= 0:
                return record
            with translated_errors():
                notifications.get_message(
                    ignore_subscribe_messages=True, timeout=min(remaining, LOOK_AGAIN_SECONDS)
                )


@contextmanager
def _notifications(connection: redis.Redis, record_id: str) -> Iterator[redis.client.PubSub]:
    with connection.pubsub() as notifications:
        with translated_errors():
            notifications.subscribe(PREFIX + "changed:" + record_id)
        yield notifications
