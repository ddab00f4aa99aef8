"""`stylequeue storage`: set up the service's bucket, and adopt unknown uploads.

Without the client's command, run `python -m api.commands.storage_command setup`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import chain

import click

from api.commands.audited import note_command
from shared.command_line.operator_settings import operator_settings
from shared.command_line.standard_output import make_printable
from shared.errors import StyleQueueError
from shared.storage.bucket_rights import BucketRights
from shared.storage.bucket_setup import BucketSetup
from shared.storage.objects import Storage
from shared.store.audit_log import AuditLog
from shared.store.objects.uploads import UploadRegister
from shared.store.redis.connection import connect
from shared.wire.operations.audit_records import AuditAction

UPLOADS = "uploads/"
UPLOAD_KEY = re.compile(r"uploads/[a-z0-9-]+/[0-9a-f]{64}")


@click.group()
def storage() -> None:
    """Manage the bucket that STYLEQUEUE_S3_BUCKET names.

    Without settings it is the bucket of the stack that 'stylequeue up' runs in this folder.
    """


@storage.command()
def setup() -> None:
    """Create the bucket, set its lifecycle rules, and test the access rights. It may be run again."""
    settings = operator_settings()
    bucket, rights = BucketSetup(settings), BucketRights(settings)
    try:
        click.echo(bucket.create())
        for line in chain(bucket.set_lifecycle(), rights.check()):
            click.echo(line)
    except StyleQueueError as error:
        raise click.ClickException(error.detail) from error
    with connect(settings.redis_url) as connection:
        note_command(AuditLog(connection), AuditAction.STORAGE_SET_UP, subject=settings.s3_bucket)


@storage.command()
def adopt() -> None:
    """Register uploads that are in the bucket but not in Redis, so that workers remove unused ones.

    They come from versions that did not count uploads, or from a time before Redis lost its data.
    """
    settings = operator_settings()
    connection = connect(settings.redis_url)
    try:
        keys = Storage(settings).keys(UPLOADS)
        uploads = (key.removeprefix(UPLOADS) for key in keys if UPLOAD_KEY.fullmatch(key))
        adopted = UploadRegister(connection).adopt(uploads)
        note_command(
            AuditLog(connection), AuditAction.UPLOADS_ADOPTED, subject=settings.s3_bucket, uploads=adopted
        )
    except StyleQueueError as error:
        raise click.ClickException(error.detail) from error
    finally:
        connection.close()
    days = settings.upload_retention_seconds / timedelta(days=1).total_seconds()
    when = f"are removed after {days:g} days unless used" if days else "stay (upload_retention_seconds is 0)"
    click.echo(f"{adopted:,} uploads adopted; they {when}")


if __name__ == "__main__":
    make_printable()
    storage(prog_name="stylequeue storage")
