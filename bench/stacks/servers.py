"""Redis, S3 and the API of a local stack, with workers that the benchmark chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.stacks.children import PROJECT
from bench.stacks.subject import environment
from local.api_server import api_answers, api_part, api_url
from local.children import environment_of
from local.data_folder import DataFolder
from local.ports import free_ports
from local.startup import Startup
from shared.settings import Settings
from worker.supervision.celery_part import worker_part
from worker.supervision.process import Process
from worker.supervision.supervisor import Supervisor, Wishes

STOP_SECONDS = 5


@dataclass(frozen=True)
class Servers:
    """Running servers; use it in the thread that started them."""

    url: str  # of the API
    settings: Settings  # that lead to Redis and S3
    supervisor: Supervisor
    children: Mapping[str, str]  # the environment of the programs

    def start_worker(self, app: str, name: str, extra: Mapping[str, str]) -> Process:
        """Start a Celery worker of the app in that module, with further variables."""
        environment = {**self.children, **extra, "PYTHONPATH": str(PROJECT)}
        return self.supervisor.start(worker_part(name, environment, app, stop_seconds=STOP_SECONDS))


@contextmanager
def running_servers(folder: Path, variables: Mapping[str, str]) -> Iterator[Servers]:
    """Run the servers with further `variables` until the block ends."""
    given = environment() | dict(variables)
    data = DataFolder(folder)
    with data.locked() as lock:
        supervisor = Supervisor(data.root, data.logs, Wishes(), lambda _: None, inherited=(lock,))
        with supervisor.everything_stopped_after():
            startup = Startup(supervisor, data, given)
            settings = startup.with_s3(startup.with_redis(Settings.from_environment(given)))
            children = environment_of(settings, given)
            port = supervisor.start_server(
                lambda port: api_part(port, children),
                free_ports(),
                lambda port: api_answers(port, "/healthz"),
            )
            yield Servers(api_url(port), settings, supervisor, children)
