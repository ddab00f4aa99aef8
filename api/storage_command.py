"""`stylequeue storage`: the service's bucket, made ready by whoever runs the service.

Where the API is installed and not the client, whose command it is: `python -m api.storage_command setup`.
"""

from __future__ import annotations

import click

from shared.bucket_setup import BucketSetup
from shared.errors import StyleQueueError
from shared.settings import settings_or_exit


@click.group()
def storage() -> None:
    """Make the bucket ready that STYLEQUEUE_S3_BUCKET names."""


@storage.command()
def setup() -> None:
    """Create the bucket, set its lifecycle rules and try the rights. It may be run again at any time."""
    steps = BucketSetup(settings_or_exit())
    try:
        click.echo(steps.create())
        for step in (steps.set_lifecycle, steps.check_rights):
            for line in step():
                click.echo(line)
    except StyleQueueError as error:
        raise click.ClickException(error.detail) from error


if __name__ == "__main__":
    storage(prog_name="stylequeue storage")
