"""The `stylequeue` command."""

from __future__ import annotations

from importlib import metadata

import click

from client.commands.arguments import DEFAULT_API, address, keep_key, usual_address
from client.commands.batch_command import batch
from client.commands.compare.command import compare_command
from client.commands.job_commands import cancel, jobs, status
from client.commands.operate.audit_command import audit
from client.commands.operate.bulk_command import bulk
from client.commands.operate.dead_letter_command import dead_letters
from client.commands.operate.lane_command import lanes
from client.commands.operate.owners_command import owners
from client.commands.operate.queue_command import show_queue
from client.commands.operate.stats_command import show_stats
from client.commands.operate.usage_command import show_usage
from client.commands.operate.webhook_command import webhooks
from client.commands.operate.worker_command import workers
from client.commands.plugins import CommandGroup
from client.commands.sheet.command import sheet_command
from client.commands.top.command import top
from client.folder.resuming import resume
from client.folder.saving import save
from client.folder.submitting import submit
from shared.command_line.options import option

PAINT = (
    submit, sheet_command, resume, save, batch, jobs, status, cancel, bulk, dead_letters, webhooks,
    compare_command,
)  # fmt: skip
OPERATE = (top, show_queue, show_stats, show_usage, lanes, workers, owners, audit)
RUN = {  # plugins, with the first sentences of their docstrings, which are not loaded for the help page
    "demo": "Stylize the sample photographs on this machine; this takes about half a minute.",
    "up": "Run Redis, S3, workers and the API on this machine.",
    "worker": "Run workers on this machine until SIGTERM or Ctrl-C.",
    "model": "Check what workers can do with a model.",
    "keys": "Make, list and revoke API keys.",
    "storage": "Manage the bucket that STYLEQUEUE_S3_BUCKET names.",
    "simulate": "Compare scaling targets and fleets on a simulated or recorded stream of jobs.",
}
SECTIONS = {  # of the help page, in the order in which a newcomer needs them
    "Paint": {command.name or "": "" for command in PAINT},
    "Watch and steer the service": {command.name or "": "" for command in OPERATE},
    "Run the service": RUN,
}


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
    help="Address of the service.",
)
@option(
    "--api-key",
    metavar="KEY",
    envvar="STYLEQUEUE_API_KEY",
    show_envvar=True,
    expose_value=False,
    callback=keep_key,
    help="Key for the service. The variable is safer, because other users can read command lines.",
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
    """Paint photos in the style of other pictures, many at a time."""
    ctx.obj = api


for each in (*PAINT, *OPERATE):
    main.add_command(each)
