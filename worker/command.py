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

from shared.errors import SettingsError
from shared.settings import PREFIX, Settings, settings_or_exit
from worker.layout import Layout, layout

CELERY = (
    *(sys.executable, "-m", "celery", "-A", "worker.app", "worker"),
    *("--without-mingle", "--without-gossip", "--without-heartbeat", "--loglevel", "WARNING"),
)
POLL_SECONDS = 0.2
QUICK_DEATH_SECONDS = 20  # one that dies sooner did not even load its model
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


@click.command()
@click.option(
    "--processes",
    metavar="N|auto",
    callback=process_count,
    default="auto",
    show_default=True,
    help="auto: one per GPU, else one per core.",
)
@click.option(
    "--lanes",
    metavar="LANE,...",
    callback=lane_list,
    help=f"Lanes to serve, separated by commas. Default: {LANES_VARIABLE}, else all.",
)
def worker(processes: int | None, lanes: dict[str, str]) -> None:
    """Run workers until SIGTERM or Ctrl-C; jobs in hand are finished first."""
    settings_or_exit()
    chosen = layout(processes)
    threads = chosen.intra_op_threads or "all"
    click.echo(f"{chosen.processes} worker processes, {threads} CPU threads for each model call", err=True)
    sys.exit(Fleet(chosen, {**os.environ, **lanes}).run())


class Fleet:
    """The processes of one host; one that dies is started again."""

    def __init__(self, chosen: Layout, environment: Mapping[str, str]) -> None:
        self._layout = chosen
        self._environment = environment
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._started_at: dict[int, float] = {}
        self._quick_deaths = 0
        self._stopping = False

    def run(self) -> int:
        """Until it is told to stop, or processes die faster than they load; answers the exit code."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        for index in range(self._layout.processes):
            self._start(index)
        while not self._stopping and self._quick_deaths < MAX_QUICK_DEATHS:
            time.sleep(POLL_SECONDS)
            self._replace_the_dead()
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait()
        return 0 if self._quick_deaths < MAX_QUICK_DEATHS else 1

    def _start(self, index: int) -> None:
        environment = {**self._environment, **self._layout.environment(index)}
        command = [*CELERY, "--hostname", f"stylequeue-{index}@%h"]
        self._processes[index] = subprocess.Popen(command, env=environment, start_new_session=True)
        self._started_at[index] = time.monotonic()

    def _replace_the_dead(self) -> None:
        for index, process in self._processes.items():
            if process.poll() is None:
                continue
            lived = time.monotonic() - self._started_at[index]
            self._quick_deaths = self._quick_deaths + 1 if lived < QUICK_DEATH_SECONDS else 0
            click.echo(f"worker process {index} ended with exit code {process.returncode}", err=True)
            if self._quick_deaths < MAX_QUICK_DEATHS:
                self._start(index)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True


if __name__ == "__main__":
    worker()
