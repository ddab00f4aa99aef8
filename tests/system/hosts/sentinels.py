"""A replica and three sentinels beside the Redis of a stack, and the stack's clients told to ask them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import redis

from shared.store.redis.connection import connect
from tests.checks.acl import API, PASSWORD, WORKER, make_user
from tests.faults.stand_ins.another_api import another_api
from tests.stacks.fault_stack import ANSWER_SECONDS, FaultStack
from tests.stacks.ports import free_port
from tests.stacks.programs import Program
from tests.stacks.servers import wait_until
from tests.system.programs import program
from worker.supervision.process import Part, Role

MASTER, SENTINEL_PASSWORD = "main", "of-the-sentinels"
START_SECONDS = 30
REPLICA = """\
bind 127.0.0.1
port {port}
dir {folder}
requirepass {password}
masterauth {password}
replicaof 127.0.0.1 {master_port}
appendonly yes
save ""
maxmemory-policy noeviction
repl-diskless-sync-delay 0
"""
SENTINEL = """\
bind 127.0.0.1
port {port}
dir {folder}
requirepass {sentinel_password}
sentinel sentinel-pass {sentinel_password}
sentinel monitor {master} 127.0.0.1 {master_port} 2
sentinel auth-pass {master} {password}
sentinel down-after-milliseconds {master} 1000
sentinel failover-timeout {master} 6000
"""


class SentinelStack:
    """Clients with a `url`, like the stack's client and connection, find the master by asking."""

    def __init__(self, stack: FaultStack) -> None:
        self.stack = stack
        self._server = program("redis-server", "redis-server")
        self._password = str(stack.connection.connection_pool.connection_kwargs["password"])
        stack.connection.config_set("masterauth", self._password)  # for the time when it is a replica
        self.replica_folder = stack.data.root / "replica"
        self.replica_port = free_port()
        self.replica = self._start("replica", self.replica_folder, REPLICA, self.replica_port)
        self._sentinel_ports = [free_port() for _ in range(3)]
        self._sentinels = [
            self._start(
                f"sentinel-{port}", stack.data.root / f"sentinel-{port}", SENTINEL, port, "--sentinel"
            )
            for port in self._sentinel_ports
        ]

    def url(self, who: str = "") -> str:
        """Return the URL of a user that `make_users` made; without a name, of the stack's own."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._sentinel_ports)
        password = PASSWORD if who else self._password
        query = f"master={MASTER}&sentinel_password={SENTINEL_PASSWORD}"
        return f"sentinel://{who}:{password}@{hosts}/0?{query}"

    def make_users(self) -> None:
        """Make the roles' users on both servers, because a replica does not copy its master's."""
        for port in (self.stack.redis_port, self.replica_port):
            with connect(f"redis://:{self._password}@127.0.0.1:{port}/0") as admin:
                for user in (API, WORKER):
                    make_user(admin, user=user)

    def until_they_know_each_other(self) -> None:
        wait_until(lambda: all(map(self._sees_all, self._sentinel_ports)), START_SECONDS, "three sentinels")

    def master_port(self) -> int:
        """Return the port that the first sentinel knows."""
        with connect(self._sentinel_url(self._sentinel_ports[0])) as asked:
            return int(asked.sentinel_get_master_addr_by_name(MASTER)[1])

    def role(self, port: int) -> str:
        """Return 'master', 'slave', or nothing while it starts."""
        try:
            with connect(f"redis://:{self._password}@127.0.0.1:{port}/0") as asked:
                return str(asked.info("replication")["role"])
        except redis.RedisError:
            return ""

    def close(self) -> None:
        for each in (*self._sentinels, self.replica):
            each.kill()

    def _start(self, name: str, folder: Path, template: str, port: int, *options: str) -> Program:
        folder.mkdir()
        configuration = folder / "redis.conf"
        configuration.write_text(
            template.format(
                port=port,
                folder=folder,
                password=self._password,
                master=MASTER,
                master_port=self.stack.redis_port,
                sentinel_password=SENTINEL_PASSWORD,
            )
        )
        command = (self._server, str(configuration), *options)
        return Program(Part(Role.REDIS, name, command, dict(os.environ)), folder, self.stack.data.logs)

    def _sees_all(self, port: int) -> bool:
        try:
            with connect(self._sentinel_url(port)) as asked:
                state = asked.sentinel_master(MASTER)
                return (state["num-other-sentinels"], state["num-slaves"]) == (2, 1)
        except redis.RedisError:
            return False

    def _sentinel_url(self, port: int) -> str:
        return f"redis://:{SENTINEL_PASSWORD}@127.0.0.1:{port}"


@contextmanager
def behind_sentinels(stack: FaultStack) -> Iterator[SentinelStack]:
    """Put sentinels beside a stack. Its own API uses the master alone; its client uses an API that asks the
    sentinels.
    """
    sentinels = SentinelStack(stack)
    try:
        sentinels.until_they_know_each_other()
        sentinels.make_users()
        with another_api(stack, STYLEQUEUE_REDIS_URL=sentinels.url(API)) as api:
            stack.connection.close()
            stack.connection = connect(sentinels.url())
            stack.client = httpx.Client(base_url=api.url, timeout=ANSWER_SECONDS, trust_env=False)
            yield sentinels
    finally:
        sentinels.close()
