"""`stylequeue bulk`: cancel, retry or delete all jobs that meet conditions."""

from __future__ import annotations

import time

import click

from client.api_client import StyleQueue
from client.commands.arguments import service_at
from client.commands.conditions import condition_options
from client.commands.listing import owner_options
from shared.command_line.options import option
from shared.wire.bulk_records import Action, BulkAction, BulkStatus
from shared.wire.job_filter import Conditions, JobFilter
from shared.wire.records import JobStatus

REST_SECONDS = 0.5  # between two looks while another process does a step
DONE = {Action.CANCEL: "canceled", Action.RETRY: "queued again", Action.DELETE: "deleted"}


@click.command("bulk")
@click.argument("action", type=click.Choice([action.value for action in Action]))
@option("--status", "wanted", type=click.Choice([status.value for status in JobStatus]))
@condition_options
@owner_options
@option("--count", type=click.IntRange(min=0), help="Act if so many jobs match; do not ask.")
@click.pass_obj
def bulk(
    api: str,
    *,
    action: str,
    wanted: str | None,
    conditions: Conditions,
    owner: str | None,
    count: int | None,
) -> None:
    """Cancel, retry or delete all jobs that meet the conditions, after you confirm their number."""
    status = JobStatus(wanted) if wanted else None
    chosen = JobFilter(status=status, **conditions.model_dump())
    with service_at(api) as queue:
        counted = _advanced(queue, queue.bulk_actions.create(Action(action), chosen, owner=owner))
        if not _is_confirmed(counted, count):
            queue.bulk_actions.delete(counted.id)
            raise click.ClickException(f"{counted.matched:,} job(s) match; nothing was changed.")
        done = _advanced(queue, queue.bulk_actions.confirm(counted.id, counted.matched))
    click.echo(f"{done.changed:,} of {done.matched:,} job(s) {DONE[done.action]}.")


def _is_confirmed(counted: BulkAction, count: int | None) -> bool:
    if count is not None:
        return counted.matched == count
    return bool(counted.matched) and click.confirm(
        f"{counted.action.capitalize()} {counted.matched:,} job(s)?"
    )


def _advanced(queue: StyleQueue, action: BulkAction) -> BulkAction:
    """Advance an action until it is counted or done. If this is interrupted, workers go on."""
    while action.status in (BulkStatus.COUNTING, BulkStatus.RUNNING):
        later = queue.bulk_actions.advance(action.id)
        if later == action:
            time.sleep(REST_SECONDS)
        action = later
    return action
