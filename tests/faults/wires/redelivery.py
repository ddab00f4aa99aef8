"""A broker that forgets what it has delivered."""

from __future__ import annotations

from typing import cast

from shared.broker.queue import queue_name
from shared.wire.descriptors import Lane
from tests.stacks.fault_stack import FaultStack

COPIES = 3
BULK = queue_name(Lane.BULK)


def push_copies(stack: FaultStack) -> int:
    """Push copies of each message that waits; return how many there were. Most arrive after the original."""
    messages = set(cast("list[str]", stack.connection.lrange(BULK, 0, -1)))
    for _ in range(COPIES if messages else 0):
        stack.connection.rpush(BULK, *messages)
    return len(messages)
