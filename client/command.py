"""The `stylequeue` command."""

from __future__ import annotations

from importlib import metadata
from itertools import islice

import click

from client.commands.arguments import DEFAULT_API, address, keep_key, service_at, usual_address
from client.commands.batch_command import batch
from client.commands.compare_command import compare_command
from client.commands.dead_letter_command import dead_letters
from client.commands.lane_command import lanes
from client.commands.owner_options import owner_options
from client.commands.plugins import CommandGroup
from client.commands.queue_command import show_queue, show_usage
from client.commands.tables import console, job_summary, job_table
from client.commands.top_command import top
from client.commands.webhook_command import webhooks
from client.commands.worker_command import workers
from client.folder.resuming import resume
from client.folder.saving import save
from client.folder.submitting import submit
from shared.command_line.options import option
from shared.wire.api_key import ALL_OWNERS
from shared.wire.records import JobStatus

SECTIONS = {  # of the help page, in the order in which a newcomer needs them
    "Paint": (
        "submit",
        "resume",
        "save",
        "batch",
        "jobs",
        "status",
        "cancel",
        "dead-letters",
        "webhooks",
        "compare",
    ),
    "Watch and steer the service": ("top", "queue", "usage", "lanes", "workers"),
    "Run the service": ("demo", "up", "worker", "keys", "storage", "simulate"),
}
PAGE_SIZE = 100  # jobs in one answer of the service


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        found = metadata.packages_distributions().get(__name__.partition(".")[0])
        click.echo(f"stylequeue {metadata.version(found[0])}" if found else "stylequeue, not installed")
        ctx.exit()


@click.group(cls=CommandGroup, sections=SECTIONS, context_settings={"help_option_names": ["-h", "--help"]})
@option(
    "--api",
    metavar="URL",
    envvar="STYLEQUEUE_API",
    default=usual_address,
    show_default=f"what 'stylequeue up' runs in this folder, else {DEFAULT_API}",
    show_envvar=True,
    callback=address,
    help="Where the service is.",
)
@option(
    "--api-key",
    metavar="KEY",
    envvar="STYLEQUEUE_API_KEY",
    show_envvar=True,
    expose_value=False,
    callback=keep_key,
    help="Key of a service that wants one; better in the environment, as others can read command lines.",
)
@option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
@click.pass_context
def main(ctx: click.Context, api: str) -> None:
    """Paint photos in the manner of other pictures, many at a time."""
    ctx.obj = api


main.add_command(submit)
main.add_command(resume)
main.add_command(batch)
main.add_command(compare_command)
main.add_command(dead_letters)
main.add_command(webhooks)
main.add_command(save)
main.add_command(show_queue)
main.add_command(show_usage)
main.add_command(lanes)
main.add_command(workers)
main.add_command(top)


@main.command()
@click.argument("job_id", metavar="ID")
@option("--json", "as_json", is_flag=True, help="Print the job as the service answers it.")
@click.pass_obj
def status(api: str, job_id: str, as_json: bool) -> None:
    """Show one job."""
    with service_at(api) as queue:
        job = queue.job(job_id)
    if as_json:
        click.echo(job.model_dump_json(indent=2))
    else:
        console().print(job_summary(job))


@main.command()
@click.argument("job_id", metavar="ID")
@click.pass_obj
def cancel(api: str, job_id: str) -> None:
    """End a job. A waiting one ends at once, a running one as soon as its worker lets go."""
    with service_at(api) as queue:
        job = queue.cancel(job_id)
    click.echo(f"Job {job.id} is {job.status}.")


@main.command()
@option("--status", "wanted", type=click.Choice([status.value for status in JobStatus]))
@option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@owner_options
@click.pass_obj
def jobs(api: str, *, wanted: str | None, limit: int, owner: str | None) -> None:
    """List jobs, newest first."""
    status = JobStatus(wanted) if wanted else None
    with service_at(api) as queue:
        pages = queue.iter_jobs(status, page_size=min(limit, PAGE_SIZE), owner=owner)
        found = list(islice(pages, limit))
    if found:
        console().print(job_table(found, with_owner=owner == ALL_OWNERS))
    else:
        click.echo("No jobs.")
