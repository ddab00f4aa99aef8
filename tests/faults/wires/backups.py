"""Backups of a running Redis, and their restoration, by the steps of docs/15-upgrade-and-recovery.md."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.faults.wires.redis_troubles import snapshot
from tests.stacks.fault_stack import FaultStack
from tests.stacks.servers import wait_until

CONFIGURATION = "redis.conf"


def take_snapshot(stack: FaultStack, folder: Path) -> None:
    snapshot(stack, "ok")
    shutil.copy(stack.data.redis / "dump.rdb", folder)


def copy_append_only_file(stack: FaultStack, folder: Path) -> None:
    """Copy the file; nothing rewrites it, because the stack sets auto-aof-rewrite-percentage to 0."""
    for part in stack.data.redis.glob("appendonly*"):  # a file, or since Redis 7 a folder
        if part.is_dir():
            shutil.copytree(part, folder / part.name)
        else:
            shutil.copy(part, folder)


def restore(stack: FaultStack, backup: Path) -> None:
    """Restore a backup in place of a Redis that is gone with all its files."""
    stack.redis.die()
    configuration = stack.data.redis / CONFIGURATION
    text = configuration.read_text()
    shutil.rmtree(stack.data.redis)
    shutil.copytree(backup, stack.data.redis)
    from_snapshot = (backup / "dump.rdb").exists()
    configuration.write_text(text.replace("appendonly yes", "appendonly no") if from_snapshot else text)
    stack.redis.start_again()
    stack.until_redis_answers()
    if from_snapshot:
        _begin_append_only_file(stack)
        configuration.write_text(text)


def _begin_append_only_file(stack: FaultStack) -> None:
    """Let Redis begin its own file, so that the next start finds what this one has loaded."""
    stack.connection.config_set("aof-use-rdb-preamble", "no")  # the audit is read from it
    stack.connection.config_set("appendonly", "yes")

    def done() -> bool:
        state = stack.connection.info("persistence")
        return bool(state["aof_enabled"] and not state["aof_rewrite_in_progress"])

    wait_until(done, what="a new append-only file")
