"""A real master, its replica and three sentinels: the master dies during work, and the service goes on."""

from __future__ import annotations

import signal

from tests.checks.acl import WORKER
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd, ndjson
from tests.stacks.fault_stack import FaultStack
from tests.stacks.servers import wait_until
from tests.stacks.service import NDJSON
from tests.system.hosts.sentinels import behind_sentinels

FAILOVER_SECONDS = 60
MANY_ATTEMPTS = 20


def test_a_failover_during_work_loses_nothing_that_the_replica_had(stack: FaultStack, crowd: Crowd) -> None:
    with behind_sentinels(stack) as sentinels:
        stack.start_workers(2, STYLEQUEUE_REDIS_URL=sentinels.url(WORKER))
        stack.until_workers_are_there()
        crowd.send_good(100, milliseconds=60, max_attempts=MANY_ATTEMPTS)
        assert stack.connection.wait(1, 5000) == 1  # the replica has them all
        stack.until(lambda: crowd.ended() >= 20)
        stack.redis.die()
        wait_until(lambda: sentinels.master_port() == sentinels.replica_port, FAILOVER_SECONDS, "a failover")
        stack.data.redis = sentinels.replica_folder  # the master is there now
        crowd.send_good(20)
        stack.redis.start_again()
        Verdict(crowd).assert_all_succeeded()
        assert [worker.starts for worker in stack.workers] == [1, 1]  # they reconnected by themselves
        wait_until(
            lambda: sentinels.role(stack.redis_port) == "slave",
            FAILOVER_SECONDS,
            "the old master as a replica",
        )


def test_a_master_that_must_have_a_replica_takes_nothing_without_one(stack: FaultStack, crowd: Crowd) -> None:
    with behind_sentinels(stack) as sentinels:
        stack.connection.config_set("min-replicas-to-write", 1)
        stack.connection.config_set("min-replicas-max-lag", 1)
        line = ndjson(crowd.lines(1))
        sentinels.replica.send(signal.SIGSTOP)

        def answer() -> tuple[int, str]:
            post = stack.client.post("/v1/batches", content=line, headers={"Content-Type": NDJSON})
            return post.status_code, post.json().get("detail", "")

        wait_until(lambda: answer()[0] == 503, what="a refusal")
        assert "too few replicas" in answer()[1]
        sentinels.replica.send(signal.SIGCONT)
        crowd.send_good(4)
