"""A broker that forgets what it has delivered."""

from __future__ import annotations

import json
from typing import cast

from shared.broker.queue import queue_name
from shared.wire.descriptors import Lane
from tests.stacks.fault_stack import FaultStack

COPIES = 3
BULK = queue_name(Lane.BULK)


def push_copies(stack: FaultStack) -> int:
    """Push a copy of each message that waits or that a worker has taken; return how many there were."""
    waiting = map(json.loads, cast("list[str]", stack.connection.lrange(BULK, 0, -1)))
    taken = (json.loads(text)[0] for text in cast("list[str]", stack.connection.hvals("unacked")))
    messages = {message["headers"]["id"]: json.dumps(message) for message in (*waiting, *taken)}
    for _ in range(COPIES if messages else 0):
        stack.connection.rpush(BULK, *messages.values())
    return len(messages)
