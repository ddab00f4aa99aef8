"""`stylequeue save`: download the pictures of jobs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from client.api_client import StyleQueue
from client.commands.arguments import into_folder, service_at
from client.errors import StyleQueueClientError, reason_of
from client.folder.downloads import result_of
from client.folder.file_names import digest_of, files_for, name_of, stem_of
from client.folder.folder_lock import only_command_in
from client.folder.inputs import HERE
from client.folder.orders import way_words
from client.folder.pictures import suffix_of
from client.folder.style_names import style_names
from shared.wire.records import JobView


@click.command()
@click.argument("job_ids", metavar="ID...", nargs=-1, required=True)
@into_folder
@click.pass_obj
def save(api: str, job_ids: tuple[str, ...], out: Path) -> None:
    """Download the pictures of jobs that have ended.

    The files are named as `submit` names them. The exit code is 1 if any picture is missing.
    """
    with service_at(api) as queue, only_command_in(out):
        saved = [_save(job_id, out, queue) for job_id in job_ids]
    sys.exit(0 if all(saved) else 1)


def _save(job_id: str, folder: Path, queue: StyleQueue) -> bool:
    try:
        job = queue.job(job_id)
        path = queue.save(job, _file_for(job, folder))
    except (StyleQueueClientError, OSError) as error:
        click.echo(f"failed {job_id}: {reason_of(error)}", err=True)
        return False
    click.echo(f"saved  {path}")
    return True


def _file_for(job: JobView, folder: Path) -> Path:
    """Return the first file name that is free, or whose file is this picture, saved before."""
    digest = result_of(job).sha256
    name, details = _words(job)
    files = map(folder.joinpath, files_for(HERE, suffix_of(job), name, details))
    return next(file for file in files if not file.exists() or digest_of(file) == digest)


def _words(job: JobView) -> tuple[str, Sequence[str]]:
    """Return the photo's name and the details that `submit` puts into file names; else the job's id."""
    notes, params = job.metadata, job.request.params
    if {"photo", "style"} <= notes.keys():
        details = (*style_names([notes["style"]]), *way_words([params], params))
        return stem_of(name_of(Path(notes["photo"]))), details
    return job.id, ()
