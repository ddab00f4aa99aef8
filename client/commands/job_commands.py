"""`stylequeue jobs`, `status` and `cancel`."""

from __future__ import annotations

from functools import partial

import click

from client.commands.arguments import service_at
from client.commands.conditions import condition_options
from client.commands.listing import json_option, list_options, print_list
from client.commands.tables import console, job_summary, job_table
from client.http.lists import PAGE_SIZE
from shared.command_line.options import option
from shared.wire.job_filter import Conditions
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.records import JobStatus


@click.command()
@click.argument("job_id", metavar="ID")
@json_option
@click.pass_obj
def status(api: str, job_id: str, as_json: bool) -> None:
    """Show one job."""
    with service_at(api) as queue:
        job = queue.job(job_id)
    if as_json:
        click.echo(job.model_dump_json(indent=2))
    else:
        console().print(job_summary(job))


@click.command()
@click.argument("job_id", metavar="ID")
@click.pass_obj
def cancel(api: str, job_id: str) -> None:
    """End a job. A waiting one ends at once, a running one as soon as its worker lets go."""
    with service_at(api) as queue:
        job = queue.cancel(job_id)
    click.echo(f"Job {job.id} is {job.status}.")


@click.command()
@option("--status", "wanted", type=click.Choice([status.value for status in JobStatus]))
@condition_options
@list_options
@click.pass_obj
def jobs(api: str, *, wanted: str | None, conditions: Conditions, limit: int, owner: str | None) -> None:
    """List the jobs that meet all conditions, newest first."""
    status = JobStatus(wanted) if wanted else None
    with service_at(api) as queue:
        found = queue.iter_jobs(status, conditions, page_size=min(limit, PAGE_SIZE), owner=owner)
        print_list(found, limit, partial(job_table, with_owner=owner == ALL_OWNERS), "No jobs.")
