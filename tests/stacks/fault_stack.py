"""The whole service as separate processes on faulty wires; each can be killed and started again."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import redis
from pydantic import SecretStr

from local.api_server import api_answers, api_part, api_url
from local.children import PROJECT, environment_of
from local.data_folder import DataFolder
from local.redis_server import redis_answers, redis_part, redis_program, redis_url
from local.s3_server import make_bucket, s3_answers, s3_part, s3_program, s3_url
from shared.settings import Settings
from shared.storage.objects import Storage
from shared.store.redis.connection import connect
from shared.store.workers import WorkerRegistry
from tests.faults.wires.http_proxy import HttpProxy
from tests.faults.wires.tcp_proxy import TcpProxy
from tests.stacks.ports import free_port
from tests.stacks.programs import Program
from tests.stacks.servers import wait_until
from worker.engine.part import EngineHome
from worker.supervision.celery_part import worker_part
from worker.supervision.process import Part

LEASE_SECONDS = 2.0
START_SECONDS = 120
STEP_SECONDS = 0.02
STOP_SECONDS = 10
ANSWER_SECONDS = 30  # of a request that a test makes
SCRIPTED = "tests.faults.stand_ins.scripted_worker"
SCRIPTED_ENGINE = "tests.faults.stand_ins.scripted_engine"
QUICK = {  # what takes minutes in production takes seconds here
    "STYLEQUEUE_LEASE_SECONDS": str(LEASE_SECONDS),
    "STYLEQUEUE_SWEEP_SECONDS": "0.5",
    "STYLEQUEUE_WORKER_SEEN_SECONDS": "3",
    "STYLEQUEUE_WORKER_THREADS": "4",
    "STYLEQUEUE_MEMORY_BUDGET_BYTES": str(10**9),
}


class FaultStack:
    """Redis with its append-only file, S3, the API, and workers with a scripted model.

    Workers reach Redis over `worker_wire` and S3 over `s3_proxy`, the API reaches Redis over `api_wire`; the
    test itself reaches all of them directly. Dead workers are started again while the test waits in `until`.
    """

    def __init__(self, data: DataFolder, chance: random.Random) -> None:
        self.data = data
        self.workers: list[Program] = []
        self.engine: Program | None = None
        self._engine_home = EngineHome()
        self._keys = data.credentials()
        self.redis_port, self.s3_port, self.api_port = free_port(), free_port(), free_port()
        redis_server = redis_part(redis_program(), data, self.redis_port, self._keys.redis_password)
        self.redis = self._program(redis_server)
        self.s3 = self._program(s3_part(s3_program(), data, self.s3_port, self._keys))
        self.worker_wire, self.api_wire = TcpProxy(self.redis_port), TcpProxy(self.redis_port)
        self.s3_proxy = HttpProxy(self.s3_port, chance)
        self.settings = self._settings(self.redis_port, self.s3_port)
        make_bucket(data, self.settings.s3_bucket)
        self.connection: redis.Redis = connect(self.settings.redis_url)
        self.storage = Storage(self.settings)
        self.api = self.start_api(self.api_port)
        self.client = httpx.Client(base_url=api_url(self.api_port), timeout=ANSWER_SECONDS, trust_env=False)

    def start_api(self, port: int, app: str = "api.wsgi:app", name: str = "api", **variables: str) -> Program:
        """Start a further API, which the caller ends. `name` is its log's."""
        told = environment_of(self._settings(self.api_wire.port, self.s3_port), os.environ)
        return self._program(replace(api_part(port, {**told, **variables}, app), name=name))

    # --- workers ------------------------------------------------------------------------------

    def start_workers(
        self, number: int, wrapper: tuple[str, ...] = (), app: str = SCRIPTED, **variables: str
    ) -> list[Program]:
        """Start further workers; they need about two seconds, and `until_workers_are_there` waits for them.

        `wrapper` is a command that runs the worker's command.
        """
        settings = self._settings(self.worker_wire.port, self.s3_proxy.port)
        told = {**environment_of(settings, os.environ), "PYTHONPATH": str(PROJECT), **variables}
        names = [f"worker-{len(self.workers) + count}" for count in range(1, number + 1)]
        parts = [self._worker_part(name, wrapper, app, told) for name in names]
        started = [self._program(part) for part in parts]
        self.workers += started
        return started

    def start_engine(self) -> Program:
        """Start an engine with the scripted model; `hand` leads workers to it."""
        settings = Settings.from_environment(QUICK)
        told = {**environment_of(settings, os.environ), "PYTHONPATH": str(PROJECT)}
        self._engine_part = self._engine_home.part(1, told, SCRIPTED_ENGINE)
        self.engine = self._program(self._engine_part)
        return self.engine

    def start_hands(self, number: int) -> list[Program]:
        """Start workers beside the engine."""
        return self.start_workers(number, STYLEQUEUE_ENGINE_SOCKET=str(self._engine_home.socket_path(1)))

    def until_workers_are_there(self) -> None:
        """Wait until all living `workers` are announced."""
        living = [worker for worker in self.workers if worker.alive]
        wait_until(lambda: self.ready_workers() == living, START_SECONDS, "a heartbeat of each worker")

    def ready_workers(self) -> list[Program]:
        """Return the workers that run and have announced themselves since they were started."""
        announced = {worker.pid for worker in WorkerRegistry(self.connection).alive(within_seconds=3600)}
        return [worker for worker in self.workers if worker.alive and worker.pid in announced]

    def revive(self) -> None:
        """Start dead workers again, as a supervisor does."""
        if self.engine and self._engine_part.pulse and self._engine_part.pulse.is_silent():
            self.engine.kill()
        for program in (*filter(None, [self.engine]), *self.workers):
            if not program.alive:
                program.start_again()

    # --- waiting ------------------------------------------------------------------------------

    def until(self, condition: Callable[[], object], seconds: float = 60, what: str = "the end") -> None:
        """Wait for the condition, and start dead workers again meanwhile."""

        def met() -> object:
            self.revive()
            return condition()

        wait_until(met, seconds, what)

    def let_pass(self, seconds: float) -> None:
        """Let a fault last for so long, and start dead workers again meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.revive()
            time.sleep(STEP_SECONDS)

    def until_redis_answers(self) -> None:
        wait_until(lambda: redis_answers(self.settings.redis_url), START_SECONDS, "an answer from Redis")
        self.connection.config_set("auto-aof-rewrite-percentage", 0)  # the audit is read from it

    def until_s3_answers(self) -> None:
        wait_until(lambda: s3_answers(self.s3_port, self.settings), START_SECONDS, "an answer from S3")

    def until_api_answers(self, path: str = "/healthz") -> None:
        wait_until(lambda: api_answers(self.api_port, path), START_SECONDS, "an answer from the API")

    # --- life ---------------------------------------------------------------------------------

    def close(self) -> None:
        for worker in self.workers:
            worker.send(signal.SIGCONT)
            worker.kill()
        for program in (*filter(None, [self.engine]), self.api, self.s3, self.redis):
            program.send(signal.SIGCONT)
            program.kill()
        self._engine_home.close()
        self.client.close()
        self.connection.close()
        for proxy in (self.worker_wire, self.api_wire, self.s3_proxy):
            proxy.close()

    def _program(self, part: Part) -> Program:
        return Program(part, self.data.root, self.data.logs)

    def _settings(self, redis_port: int, s3_port: int) -> Settings:
        settings = Settings.from_environment(QUICK)
        return settings.model_copy(
            update={
                "redis_url": redis_url(redis_port, self._keys.redis_password),
                "s3_endpoint_url": s3_url(s3_port),
                "cache_dir": self.data.root / "cache",
                "s3_access_key": SecretStr(self._keys.s3_access_key),
                "s3_secret_key": SecretStr(self._keys.s3_secret_key),
            }
        )

    def _worker_part(
        self, name: str, wrapper: tuple[str, ...], app: str, environment: dict[str, str]
    ) -> Part:
        part = worker_part(name, environment, app, stop_seconds=STOP_SECONDS)
        return replace(part, command=(*wrapper, *part.command))


@contextmanager
def running_stack(folder: Path, chance: random.Random) -> Iterator[FaultStack]:
    """Run the servers without a worker; at the end no program is left, whatever happened."""
    data = DataFolder(folder)
    with data.locked(), ExitStack() as ends:
        stack = FaultStack(data, chance)
        ends.callback(stack.close)
        stack.until_redis_answers()
        stack.until_s3_answers()
        stack.until_api_answers()
        yield stack
