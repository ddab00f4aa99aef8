"""The service works as the Redis users that docs/8-security.md has an operator make."""

from __future__ import annotations

from typing import Any

import httpx

from shared.store.redis.commands import COMMANDS
from tests.checks.acl import API, WORKER, as_user, make_user
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd
from tests.faults.stand_ins.another_api import another_api
from tests.stacks.fault_stack import ANSWER_SECONDS, FaultStack

OF_CONNECTIONS = {"hello", "auth", "client", "select", "multi", "exec", "discard"}
OF_THE_TEST = {"acl", "config", "hlen", "info", "keys", "scan", "type", "bgrewriteaof"}


def commands_seen(stack: FaultStack) -> set[str]:
    """Return the commands that Redis has run since its start, without subcommands."""
    stats: dict[str, Any] = stack.connection.info("commandstats")
    return {name.removeprefix("cmdstat_").partition("|")[0] for name, of in stats.items() if of["calls"]}


def test_jobs_go_through_and_nothing_is_denied(stack: FaultStack, crowd: Crowd) -> None:
    for user in (API, WORKER):
        make_user(stack.connection, user=user)
    url, workers_url = (as_user(stack.settings.redis_url, user) for user in (API, WORKER))
    with another_api(stack, STYLEQUEUE_REDIS_URL=url) as api:
        stack.client = httpx.Client(base_url=api.url, timeout=ANSWER_SECONDS, trust_env=False)
        stack.start_workers(1, STYLEQUEUE_REDIS_URL=workers_url)
        stack.until_workers_are_there()
        crowd.send_good(6)
        waited = stack.client.get(f"/v1/jobs/{crowd.accepted[-1]}?wait=30").json()
        assert waited["status"] == "succeeded"
        Verdict(crowd).assert_all_succeeded()
        assert stack.client.get("/readyz").json()["redis"] == "ok"
    assert "NOPERM" not in stack.workers[0].log
    denied = {entry["object"] for entry in stack.connection.execute_command("ACL", "LOG")}
    assert denied <= {"client"}  # Redis 6: a library sends its name, and ignores the refusal
    tried = {command.split()[0].lower() for commands in COMMANDS.values() for command in commands.split(", ")}
    assert commands_seen(stack) <= tried | OF_CONNECTIONS | OF_THE_TEST
