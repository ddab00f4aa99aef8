"""`stylequeue worker`: starts the worker processes of this machine.

`python -m worker.command` does the same where the client, which has the command, is not installed.
"""

from __future__ import annotations

import os
import sys

import click
import structlog

from shared.command_line.operator_settings import operator_settings
from shared.command_line.options import option
from shared.command_line.standard_output import make_printable
from shared.errors import QueueRefused, QueueUnavailable, SettingsError
from shared.settings import PREFIX, Settings, settings_or_exit
from shared.store.redis.connection import connect
from shared.store.redis.fitness import refuse_unfit_redis
from shared.store.workers import WorkerRegistry
from shared.telemetry.logs import configure_logs
from shared.wire.descriptors import FAST_LANES
from worker.fleet import run_fleet
from worker.layout import layout
from worker.stopping import EXIT_NOT_STARTED
from worker.telemetry.host_metrics import HostMetrics

SERVICE = "worker"
MAX_PROCESSES = 512
LANES_VARIABLE = f"{PREFIX}WORKER_LANES"


def process_count(_: click.Context, __: click.Parameter, value: str) -> int | None:
    if value == "auto":
        return None
    if not value.isdecimal() or not 1 <= int(value) <= MAX_PROCESSES:
        raise click.BadParameter(f"{value} is neither auto nor a number from 1 to {MAX_PROCESSES}")
    return int(value)


def lane_list(_: click.Context, __: click.Parameter, value: str | None) -> dict[str, str]:
    """Return the variable that makes a process serve these lanes; nothing if no lanes are named."""
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
    help="Number of processes that run jobs beside the engine; auto means as many as fill the machine.",
)
@option(
    "--lanes",
    metavar="LANE,...",
    callback=lane_list,
    help=f"Lanes to serve, separated by commas. Default: {LANES_VARIABLE}, else {','.join(FAST_LANES)}.",
)
@click.pass_context
def worker(context: click.Context, processes: int | None, lanes: dict[str, str]) -> None:
    """Run workers on this machine until SIGTERM or Ctrl-C. They finish their running jobs first."""
    if context.invoked_subcommand:
        return
    settings = settings_or_exit({**os.environ, **lanes})
    chosen = layout(processes, settings.worker_lanes)
    configure_logs(settings, SERVICE)
    structlog.get_logger().info(
        "starting worker processes",
        number=chosen.processes,
        engines=chosen.engines,
        threads=chosen.intra_op_threads or "all",
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
    sys.exit(run_fleet(chosen, {**os.environ, **lanes}, metrics))


@worker.command()
@click.argument("worker_id", metavar="ID", required=False)
@option("--all", "everyone", is_flag=True, help="Drain all workers that are alive.")
def drain(worker_id: str | None, everyone: bool) -> None:
    """Let a worker finish its jobs and end. `stylequeue workers` lists the ids."""
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


if __name__ == "__main__":
    make_printable()
    worker()
