"""`stylequeue resume`, and what every command with a manifest says at its end, however it comes."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click
from click.core import ParameterSource
from rich.console import Console

from client.commands.arguments import command_for, service_at
from client.commands.tables import console
from client.entry import INTERRUPTED
from client.errors import (
    BadManifest,
    CannotWrite,
    RequestRefused,
    ServiceUnavailable,
    StyleQueueClientError,
    UnexpectedAnswer,
    reason_of,
)
from client.folder.delivery import Delivery
from client.folder.failures import SHOWN, print_failures, print_warnings
from client.folder.folder_lock import only_command_in
from client.folder.ledger import Ledger
from client.folder.manifest import WITHOUT_FILE, Picture, PictureStatus, read_manifest
from client.folder.partial_files import remove_partial_files
from client.folder.skipped import in_words

SUCCEEDED = (PictureStatus.SAVED, PictureStatus.UNUSABLE)  # what asking the service again cannot change

PASSING = (ServiceUnavailable, UnexpectedAnswer, CannotWrite, OSError)  # the same command may succeed later


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_context
def resume(ctx: click.Context, folder: Path) -> None:
    """Go on with a `submit` that was interrupted. DIR is its --out.

    What was submitted is not submitted again, and what was saved is not fetched again. Pictures whose jobs
    were tried again meanwhile are fetched. The service is the one of the `submit`, unless --api is given.
    """
    given = ctx.find_root().get_parameter_source("api") is ParameterSource.COMMANDLINE
    with only_command_in(folder):
        _go_on(folder, ctx.obj if given else None)


def _go_on(folder: Path, api: str | None) -> NoReturn:
    """`api` is where the service is now, if it is not where the manifest says."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise BadManifest(f"{folder} has no manifest.json; `stylequeue submit ... --out DIR` writes one")
    ledger = Ledger(manifest, folder)
    ledger.look_for_files()
    if ledger.manifest.complete and len(ledger.with_status(*SUCCEEDED)) == len(ledger.manifest.pictures):
        click.echo(f"Nothing to resume: all of this is done, as {ledger.path} says.")
        conclude(ledger, console())
    ledger.reopen()
    if api is not None:
        ledger.note(api=api)
    carry_out(ledger)


def carry_out(ledger: Ledger) -> NoReturn:
    """Do what the manifest asks for and end the command."""
    out = console()
    try:
        with service_at(ledger.manifest.api) as queue:
            ledger.write()
            remove_partial_files(ledger.folder)
            _announce(ledger, out)
            Delivery(ledger, queue, out).run()
    except KeyboardInterrupt:
        _keep(ledger)
        _say_what_goes_on(ledger)
        sys.exit(INTERRUPTED)
    except RequestRefused as refusal:
        raise StyleQueueClientError("\n".join([str(refusal), *_reasons(refusal, ledger)])) from refusal
    except BrokenPipeError:
        raise
    except PASSING as error:
        if not ledger.path.exists():
            raise
        _keep(ledger)
        raise StyleQueueClientError(
            f"{reason_of(error)}\n\nTo go on later:\n\n    {resume_command(ledger.folder)}"
        ) from error
    conclude(ledger, out)


def _keep(ledger: Ledger) -> None:
    """Write what is known, if that is possible; `resume` does without it."""
    with suppress(CannotWrite):
        ledger.write()


def conclude(ledger: Ledger, out: Console) -> NoReturn:
    """Says what came of it, and ends the command with 1 if any picture is missing."""
    saved, total = ledger.counts[PictureStatus.SAVED], len(ledger.manifest.pictures)
    others = "".join(
        f", {ledger.counts[status]} {status}" for status in WITHOUT_FILE if ledger.counts[status]
    )
    out.print(f"{saved} of {total} picture(s) saved in {ledger.folder}{others}", soft_wrap=True)
    if saved and ledger.manifest.wishes.params.measures_losses:
        _say_where_the_losses_are(ledger)
    odd = [picture for picture in ledger.with_status(PictureStatus.SAVED) if picture.warnings]
    if odd:
        print_warnings(odd, str(ledger.path), out)
    missing = [picture for status in WITHOUT_FILE for picture in ledger.with_status(status)]
    if missing:
        print_failures(_untold(missing, ledger, out), str(ledger.path), out)
        _say_what_may_help(ledger)
    sys.exit(1 if missing else 0)


def _untold(missing: list[Picture], ledger: Ledger, out: Console) -> list[Picture]:
    """Outside a terminal, failures were printed as they came."""
    return missing if out.is_terminal else [each for each in missing if each.line not in ledger.told]


def _announce(ledger: Ledger, out: Console) -> None:
    manifest = ledger.manifest
    what = f"{ledger.counts[PictureStatus.WAITING]} picture(s)"
    if manifest.prefix is not None:
        what = f"All pictures below {manifest.prefix}, in {len(manifest.styles)} style(s),"
    saved = ledger.counts[PictureStatus.SAVED]
    there = f"; {saved} are there" if saved else ""
    out.print(f"{what} to make at {manifest.api}{there}", soft_wrap=True)
    if manifest.skipped:
        out.print(f"{in_words(manifest.skipped)}; {ledger.path} lists them", soft_wrap=True)


def _reasons(refusal: RequestRefused, ledger: Ledger) -> Iterator[str]:
    """Of a batch that was refused, about the pictures that its lines stood for."""
    pictures = {f"{picture.line - 1}": picture for picture in ledger.manifest.pictures if picture.line}
    for error in refusal.errors[:SHOWN]:
        picture = pictures.get(error.pointer.split("/")[1] if "/" in error.pointer else "")
        yield f"    {picture.shown_input}: {error.detail}" if picture else f"    {error.detail}"
    if len(refusal.errors) > SHOWN:
        yield "    ..."


def _say_where_the_losses_are(ledger: Ledger) -> None:
    status = f"{command_for(ledger.manifest.api)} batch status {ledger.manifest.batch_id}"
    click.echo(f"For the mean and the spread of their losses:\n\n    {status}\n")


def _say_what_may_help(ledger: Ledger) -> None:
    batch_id, resume = ledger.manifest.batch_id, resume_command(ledger.folder)
    if ledger.counts[PictureStatus.UNSAVED]:
        click.echo(f"To fetch what was painted but not saved:\n\n    {resume}\n")
    failed = ledger.with_status(PictureStatus.FAILED)
    for_good = [picture for picture in failed if picture.error and not picture.error.retryable]
    ended = ledger.with_status(PictureStatus.CANCELED, PictureStatus.EXPIRED)
    if for_good:
        click.echo(f"{len(for_good)} picture(s) failed for good: trying again cannot help.\n")
    if ended or len(failed) > len(for_good):
        retry = f"{command_for(ledger.manifest.api)} batch retry {batch_id}{' --only all' if ended else ''}"
        click.echo(f"To try the other jobs again:\n\n    {retry}\n    {resume}\n")


def _say_what_goes_on(ledger: Ledger) -> None:
    batch_id, command = ledger.manifest.batch_id, command_for(ledger.manifest.api)
    if batch_id is None:
        click.echo("Interrupted before the service answered. To go on, submitting nothing twice:\n")
        click.echo(f"    {resume_command(ledger.folder)}")
        return
    done = f"{ledger.settled} of {len(ledger.manifest.pictures)} picture(s) were done"
    click.echo(f"Interrupted; batch {batch_id} goes on without this command ({done}). To fetch the others:\n")
    click.echo(f"    {resume_command(ledger.folder)}\n\nTo look at the batch, or to cancel it:\n")
    click.echo(f"    {command} batch status {batch_id}\n    {command} batch cancel {batch_id}")


def resume_command(folder: Path) -> str:
    return f"stylequeue resume {shlex.quote(str(folder))}"
