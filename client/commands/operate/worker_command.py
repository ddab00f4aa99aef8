"""`stylequeue workers`: list and drain workers."""

from __future__ import annotations

from collections.abc import Iterable

import click
from rich.table import Table
from rich.text import Text

from client.commands.arguments import service_at
from client.commands.tables import age, console, folded, number, plain_table, whole
from shared.command_line.options import option
from shared.wire.records import WorkerInfo

DIGEST_DIGITS = 8  # enough to tell two models apart


@click.group(invoke_without_command=True)
@option("--json", "as_json", is_flag=True, help="Print a line of JSON for each worker.")
@click.pass_context
def workers(ctx: click.Context, as_json: bool) -> None:
    """List the workers that are alive; `drain` ends one."""
    if ctx.invoked_subcommand:
        return
    with service_at(ctx.obj) as queue:
        found = queue.operations.workers()
    if as_json:
        for worker in found:
            click.echo(worker.model_dump_json())
    elif found:
        console().print(_table(found))
    else:
        click.echo("No worker is running.")


@workers.command()
@click.argument("worker_id", metavar="ID")
@click.pass_obj
def drain(api: str, worker_id: str) -> None:
    """Let a worker finish its jobs, take no more, and end."""
    with service_at(api) as queue:
        worker = queue.operations.drain(worker_id)
    click.echo(f"Worker {worker.id} is draining; its jobs: {worker.busy}.")


def memory(worker: WorkerInfo) -> str:
    return "-" if worker.rss_bytes is None else f"{worker.rss_bytes / 1e9:.1f} GB"


def rate(worker: WorkerInfo) -> str:
    """Return jobs per second."""
    return "-" if worker.rate is None else f"{worker.rate:.2f}"


def _table(workers: Iterable[WorkerInfo]) -> Table:
    numbers = map(number, ("busy", "jobs/s", "memory", "seen", "up"))
    table = plain_table(
        whole("worker"), *numbers, folded("device"), folded("lanes"), folded("model"), whole("")
    )
    for worker in workers:
        times = age(worker.last_seen_at), age(worker.started_at)
        numbers_of_it = (f"{worker.busy}/{worker.slots}", rate(worker), memory(worker), *times)
        what = (worker.device, ", ".join(worker.lanes), _model(worker), "draining" if worker.draining else "")
        table.add_row(*map(Text, (worker.id, *numbers_of_it, *what)))
    return table


def _model(worker: WorkerInfo) -> str:
    digest = (worker.model_digest or "")[:DIGEST_DIGITS]
    return f"{worker.model} {digest}".rstrip()
