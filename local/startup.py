"""The parts of the stack and the order in which they start: Redis, S3, workers, API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from local.api_server import api_answers, api_part, api_url
from local.children import absolute_paths, environment_of
from local.data_folder import DataFolder
from local.ports import free_ports
from local.redis_server import check_redis, redis_answers, redis_part, redis_program, redis_url
from local.s3_server import make_bucket, s3_answers, s3_part, s3_program, s3_url
from shared.command_line.operator_settings import stack_with
from shared.command_line.running_stack import RunningStack
from shared.errors import QueueUnavailable, StyleQueueError
from shared.settings import PREFIX, Settings
from shared.storage.objects import Storage
from shared.store.redis.connection import connect
from shared.store.workers import WorkerRegistry
from shared.wire.descriptors import Lane
from worker.fleet import start_engines
from worker.layout import Layout, layout
from worker.model.embedded_model import EMBEDDED, embedded_model_path
from worker.model.hub_cache import cached_model, is_url
from worker.supervision.celery_part import worker_part
from worker.supervision.errors import StackError
from worker.supervision.process import Role
from worker.supervision.supervisor import Supervisor
from worker.telemetry.host_metrics import HostMetrics

OPTIMIZER = {f"{PREFIX}WORKER_LANES": Lane.OPTIMIZE.value}
READY_SECONDS = 120  # for TensorFlow's import, the model's build and its first call
DOWNLOAD_SECONDS = 3600  # the same, after the download of some hundred megabytes over a slow line
MODEL_BUILD_SECONDS = 5  # measured on two cores
WORKER_STOP_SECONDS = 60  # for the images in hand


@contextmanager
def refused(variable: str) -> Iterator[None]:
    """Add to the error the variable in which the unfit server is configured."""
    try:
        yield
    except StyleQueueError as error:
        raise StackError(f"{error.detail} ({variable})") from error


@dataclass(frozen=True)
class Startup:
    """Starts the parts under a supervisor; `environment` is that of the stack's own process."""

    supervisor: Supervisor
    data: DataFolder
    environment: Mapping[str, str]

    def start_all(self, port: int, workers: int | None, optimizers: int) -> RunningStack:
        """Start all parts; return when the API accepts jobs and a worker can run them.

        Raises:
            StyleQueueError: a part is missing, refuses to start, ended, or took too long.
        """
        settings = absolute_paths(Settings.from_environment(self.environment))
        self._build_model(settings)
        metrics = self._metrics(settings)
        engines = self._start_engines(environment_of(settings, self.environment) | metrics, layout(workers))
        settings = self.with_s3(self.with_redis(settings))
        children = environment_of(settings, self.environment)
        workers_told = children | metrics
        for index, told in enumerate(engines):
            self._start_worker(f"worker-{index + 1}", workers_told | told)
        api_port = self.supervisor.start_server(
            lambda port: api_part(port, children),
            (port,) if port else free_ports(),
            lambda port: api_answers(port, "/healthz"),
        )
        self._wait_for_a_worker(settings, api_port)
        for index in range(optimizers):  # later, because they import TensorFlow too
            self._start_worker(f"optimizer-{index + 1}", {**workers_told, **OPTIMIZER})
        return stack_with(api_url(api_port), settings)

    def with_redis(self, settings: Settings) -> Settings:
        """Start Redis unless one is configured; return settings that lead to it."""
        if self._is_given("REDIS_URL"):
            self._report("redis: using the one in STYLEQUEUE_REDIS_URL")
            with refused("STYLEQUEUE_REDIS_URL"):
                check_redis(settings.redis_url)
            return settings
        program, password = redis_program(), self.data.credentials().redis_password
        port = self.supervisor.start_server(
            lambda port: redis_part(program, self.data, port, password),
            free_ports(),
            lambda port: redis_answers(redis_url(port, password)),
        )
        self._report(f"redis: port {port}, data in {self.data.redis}")
        return settings.model_copy(update={"redis_url": redis_url(port, password)})

    def with_s3(self, settings: Settings) -> Settings:
        """Start S3 unless an endpoint is configured; return settings that lead to it."""
        if self._is_given("S3_ENDPOINT_URL"):
            self._report("s3: using the endpoint in STYLEQUEUE_S3_ENDPOINT_URL")
            with refused("STYLEQUEUE_S3_ENDPOINT_URL"):
                Storage(settings).check()
            return settings
        program, keys = s3_program(), self.data.credentials()
        for bucket in (settings.s3_bucket, *settings.s3_source_buckets):
            make_bucket(self.data, bucket)

        def at(port: int) -> Settings:
            return settings.model_copy(
                update={
                    "s3_endpoint_url": s3_url(port),
                    "s3_access_key": SecretStr(keys.s3_access_key),
                    "s3_secret_key": SecretStr(keys.s3_secret_key),
                }
            )

        port = self.supervisor.start_server(
            lambda port: s3_part(program, self.data, port, keys),
            free_ports(),
            lambda port: s3_answers(port, at(port)),
        )
        self._report(f"s3: port {port}, objects in {self.data.objects}")
        return at(port)

    def _start_engines(self, environment: Mapping[str, str], chosen: Layout) -> list[dict[str, str]]:
        """Start them before all other parts, because TensorFlow's import takes longest."""
        several = f"{chosen.engines} engines" if chosen.engines > 1 else "engine"
        self._report(f"{several}: loading the model")
        return start_engines(self.supervisor, chosen, environment)

    def _start_worker(self, name: str, environment: Mapping[str, str]) -> None:
        self.supervisor.start(worker_part(name, environment, stop_seconds=WORKER_STOP_SECONDS))

    def _metrics(self, settings: Settings) -> dict[str, str]:
        """Serve the metrics of all workers if a port is set; return the variables for the workers."""
        if not settings.metrics_port:
            return {}
        metrics = HostMetrics()
        metrics.serve(settings)
        self.supervisor.metrics = metrics
        self.supervisor.closing.callback(metrics.close)
        self._report(
            f"metrics of all workers: http://{settings.metrics_host}:{settings.metrics_port}/metrics"
        )
        return dict(metrics.environment)

    def _build_model(self, settings: Settings) -> None:
        """Build the model once, before several workers build it at the same time."""
        if _is_to_be_downloaded(settings.model):
            self._report(f"worker: downloads the model into {cached_model(settings.model)}")
        if settings.model == EMBEDDED:
            if not any(settings.cache_dir.glob(f"{EMBEDDED}-*")):
                self._report(f"worker: building the model once (about {MODEL_BUILD_SECONDS} s)")
            embedded_model_path(settings.cache_dir)

    def _is_given(self, name: str) -> bool:
        return bool(self.environment.get(PREFIX + name))

    def _report(self, line: str) -> None:
        self.supervisor.report(line)

    def _wait_for_a_worker(self, settings: Settings, api_port: int) -> None:
        """Wait until a worker of this stack has loaded its model; Redis may list earlier ones too."""
        api_answers(api_port, "/readyz")  # the first check of S3 takes the API most of a second
        with closing(connect(settings.redis_url)) as connection:
            registry = WorkerRegistry(connection)

            def is_announced() -> bool:
                ours = self.supervisor.process_ids(Role.WORKER)
                try:
                    alive = registry.alive(settings.worker_seen_seconds)
                except QueueUnavailable:
                    return False
                return any(worker.pid in ours and Lane.OPTIMIZE not in worker.lanes for worker in alive)

            self.supervisor.wait_until(
                lambda: is_announced() and api_answers(api_port, "/readyz"),
                "the stack",
                DOWNLOAD_SECONDS if _is_to_be_downloaded(settings.model) else READY_SECONDS,
            )


def _is_to_be_downloaded(model: str) -> bool:
    return is_url(model) and not cached_model(model).is_dir()
