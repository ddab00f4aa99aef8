"""`stylequeue worker`: the worker processes that fill this machine.

Where only the worker is installed and not the client, whose command it is: `python -m worker.command`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from types import FrameType

import click
import structlog

from shared.command_line.options import option
from shared.command_line.running_stack import operator_settings
from shared.command_line.standard_output import make_printable
from shared.errors import QueueRefused, QueueUnavailable, SettingsError
from shared.settings import PREFIX, Settings, settings_or_exit
from shared.store.redis.connection import connect
from shared.store.redis.fitness import refuse_unfit_redis
from shared.store.workers import WorkerRegistry
from shared.telemetry.logs import configure_logs
from shared.wire.descriptors import FAST_LANES
from worker.layout import Layout, layout
from worker.stopping import EXIT_NOT_STARTED
from worker.telemetry.host_metrics import HostMetrics

APP = "worker.app"
SERVICE = "worker"
OPTIONS = ("--without-mingle", "--without-gossip", "--without-heartbeat", "--loglevel", "WARNING")
POLL_SECONDS = 0.2
QUICK_DEATH_SECONDS = 20  # one that dies sooner did not even get so far as to load its model
MAX_QUICK_DEATHS = 3
MAX_PROCESSES = 512
LANES_VARIABLE = f"{PREFIX}WORKER_LANES"


def process_count(_: click.Context, __: click.Parameter, value: str) -> int | None:
    """A number, or None for `auto`."""
    if value == "auto":
        return None
    if not value.isdecimal() or not 1 <= int(value) <= MAX_PROCESSES:
        raise click.BadParameter(f"{value} is neither auto nor a number from 1 to {MAX_PROCESSES}")
    return int(value)


def lane_list(_: click.Context, __: click.Parameter, value: str | None) -> dict[str, str]:
    """What a process finds in its environment to serve these lanes; nothing if none are named."""
    environment = {LANES_VARIABLE: value} if value else {}
    try:
        Settings.from_environment(environment)
    except SettingsError as error:
        raise click.BadParameter(error.detail.removeprefix(f"{LANES_VARIABLE}: ")) from None
    return environment


@click.group(invoke_without_command=True)
@option(
    "--processes",
    metavar="N|auto",
    callback=process_count,
    default="auto",
    show_default=True,
    help="auto: one per GPU, else one per core.",
)
@option(
    "--lanes",
    metavar="LANE,...",
    callback=lane_list,
    help=f"Lanes to serve, separated by commas. Default: {LANES_VARIABLE}, else {','.join(FAST_LANES)}.",
)
@click.pass_context
def worker(context: click.Context, processes: int | None, lanes: dict[str, str]) -> None:
    """Run workers on this machine until SIGTERM or Ctrl-C. Jobs in hand are finished first."""
    if context.invoked_subcommand:
        return
    settings = settings_or_exit()
    chosen = layout(processes)
    configure_logs(settings, SERVICE)
    structlog.get_logger().info(
        "starting worker processes", number=chosen.processes, threads=chosen.intra_op_threads or "all"
    )
    metrics = HostMetrics()
    try:
        refuse_unfit_redis(settings)
        metrics.serve(settings)
    except QueueRefused as error:
        sys.stderr.write(f"stylequeue: {error.detail}\n")
        sys.exit(EXIT_NOT_STARTED)
    except SettingsError as error:
        raise SystemExit(f"stylequeue: {error.detail}") from None
    sys.exit(Fleet(chosen, {**os.environ, **lanes}, metrics).run())


@worker.command()
@click.argument("worker_id", metavar="ID", required=False)
@option("--all", "everyone", is_flag=True, help="All workers that are alive.")
def drain(worker_id: str | None, everyone: bool) -> None:
    """Let a worker finish its jobs, take no more, and end; `stylequeue workers` lists the ids."""
    if everyone == bool(worker_id):
        raise click.UsageError("Name either the ID of a worker or --all")
    settings = operator_settings()
    registry = WorkerRegistry(connect(settings.redis_url))
    try:
        alive = [worker.id for worker in registry.alive(settings.worker_seen_seconds)]
        chosen = alive if everyone else [worker_id] if worker_id in alive else []
        registry.drain(chosen)
    except QueueUnavailable as error:
        raise click.ClickException(f"{error.detail} (STYLEQUEUE_REDIS_URL)") from error
    if not chosen:
        wanted = "worker" if everyone else f"worker {worker_id}"
        raise click.ClickException(f"No {wanted} is alive; see 'stylequeue workers'")
    click.echo(f"draining {', '.join(chosen)}")


class Fleet:
    """The processes of one host; one that dies is started again, one that stops as it was told is not."""

    def __init__(
        self, chosen: Layout, environment: Mapping[str, str], metrics: HostMetrics, app: str = APP
    ) -> None:
        """`app` is the module of the Celery app that each process runs."""
        self._layout = chosen
        self._environment = {**environment, **metrics.environment}
        self._metrics = metrics
        self._app = app
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._started_at: dict[int, float] = {}
        self._quick_deaths = 0
        self._wishes = 0  # to stop; the second means "at once"

    def run(self) -> int:
        """Until it is told to stop, or processes die faster than they load; answers the exit code."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        for index in range(self._layout.processes):
            self._start(index)
        while self._processes and not self._wishes and self._quick_deaths < MAX_QUICK_DEATHS:
            time.sleep(POLL_SECONDS)
            self._replace_the_dead()
        self._stop_all()
        return 0 if self._quick_deaths < MAX_QUICK_DEATHS else 1

    def _start(self, index: int) -> None:
        environment = {**self._environment, **self._layout.environment(index)}
        celery = (sys.executable, "-m", "celery", "-A", self._app, "worker", *OPTIONS)
        command = [*celery, "--hostname", f"stylequeue-{index}@%h"]
        self._processes[index] = subprocess.Popen(command, env=environment, start_new_session=True)
        self._started_at[index] = time.monotonic()
        self._metrics.started()

    def _replace_the_dead(self) -> None:
        for index, process in list(self._processes.items()):
            if process.poll() is None:
                continue
            self._metrics.ended(process.pid, died=process.returncode != 0)
            if process.returncode == 0:
                structlog.get_logger().info("worker process stopped as it was told", number=index)
                del self._processes[index]
                continue
            self._count_death(process.returncode, time.monotonic() - self._started_at[index])
            structlog.get_logger().error(
                "worker process died", number=index, child=process.pid, exit_code=process.returncode
            )
            if self._quick_deaths < MAX_QUICK_DEATHS:
                self._start(index)

    def _count_death(self, exit_code: int, lived_seconds: float) -> None:
        """One by a signal is no reason to stop: what jobs can kill is bounded by their attempts."""
        if exit_code > 0:
            quick = exit_code == EXIT_NOT_STARTED or lived_seconds < QUICK_DEATH_SECONDS
            self._quick_deaths = self._quick_deaths + 1 if quick else 0

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._wishes += 1

    def _stop_all(self) -> None:
        """Each process bounds the time of its end itself; what this one is told, they are told."""
        told = 0
        while any(process.poll() is None for process in self._processes.values()):
            if told < max(self._wishes, 1):
                told += 1
                for process in self._processes.values():
                    process.terminate()
            time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    make_printable()
    worker()
