"""Faults of Redis: it goes away, or it stays and refuses to write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.stacks.fault_stack import FaultStack
from tests.stacks.servers import wait_until

DOWN_SECONDS = 1.0


def kill_and_restart(stack: FaultStack, down_seconds: float = DOWN_SECONDS) -> None:
    stack.redis.die()
    stack.let_pass(down_seconds)
    stack.redis.start_again()
    stack.until_redis_answers()


@contextmanager
def full_memory(stack: FaultStack) -> Iterator[None]:
    stack.connection.config_set("maxmemory", 1)
    yield
    stack.connection.config_set("maxmemory", 0)


@contextmanager
def replica_of_nobody(stack: FaultStack) -> Iterator[None]:
    """Make Redis a read-only replica, as after an unnoticed failover: READONLY."""
    stack.connection.replicaof("127.0.0.1", "1")
    yield
    stack.connection.replicaof("NO", "ONE")


@contextmanager
def failing_disk(stack: FaultStack) -> Iterator[None]:
    """Let a snapshot fail, because a folder has its name; then Redis refuses writes: MISCONF."""
    in_the_way = stack.data.redis / "dump.rdb"
    in_the_way.mkdir()
    stack.connection.config_set("save", "3600 1")
    snapshot(stack, "err")
    yield
    in_the_way.rmdir()
    snapshot(stack, "ok")
    stack.connection.config_set("save", "")


def snapshot(stack: FaultStack, outcome: str) -> None:
    stack.connection.bgsave()

    def done() -> bool:
        state = stack.connection.info("persistence")
        return (state["rdb_bgsave_in_progress"], state["rdb_last_bgsave_status"]) == (0, outcome)

    wait_until(done, what=f"a snapshot with outcome {outcome}")
