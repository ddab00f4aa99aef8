"""`stylequeue resume`, and the report at the end of every command with a manifest."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Console

from client.commands.arguments import command_for, service_at
from client.commands.losses import loss_table
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
from shared.wire.params import DEFAULT_SIDE, MAX_SIDE

SETTLED = (PictureStatus.SAVED, PictureStatus.UNUSABLE)  # asking the service again cannot change these
TRANSIENT = (ServiceUnavailable, UnexpectedAnswer, CannotWrite, OSError)  # the same command may succeed later


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_context
def resume(ctx: click.Context, folder: Path) -> None:
    """Continue an interrupted `submit`. DIR is the folder that it was given as --out.

    Nothing is submitted or downloaded twice. Pictures whose jobs were retried meanwhile are downloaded.
    The service is the one that `submit` used, unless --api is given.
    """
    given = ctx.find_root().get_parameter_source("api") is ParameterSource.COMMANDLINE
    with only_command_in(folder):
        sys.exit(_go_on(folder, ctx.obj if given else None))


def _go_on(folder: Path, api: str | None) -> int:
    """Continue with the manifest's service, or with the one at `api`; return the exit code."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise BadManifest(f"{folder} has no manifest.json; `stylequeue submit ... --out DIR` writes it")
    ledger = Ledger(manifest, folder)
    ledger.look_for_files()
    if ledger.manifest.complete and len(ledger.with_status(*SETTLED)) == len(ledger.manifest.pictures):
        click.echo(f"Nothing to resume: according to {ledger.path}, everything is done.")
        return conclude(ledger, console())
    ledger.reopen()
    if api is not None:
        ledger.note(api=api)
    return carry_out(ledger)


def carry_out(ledger: Ledger) -> int:
    """Carry the manifest out and return the command's exit code."""
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
    except TRANSIENT as error:
        if not ledger.path.exists():
            raise
        _keep(ledger)
        raise StyleQueueClientError(
            f"{reason_of(error)}\n\nTo continue later:\n\n    {resume_command(ledger.folder)}"
        ) from error
    return conclude(ledger, out)


def _keep(ledger: Ledger) -> None:
    """Write the manifest if possible; `resume` can do without the last changes."""
    with suppress(CannotWrite):
        ledger.write()


def conclude(ledger: Ledger, out: Console) -> int:
    """Report the outcome and return the exit code: 1 if any picture is missing."""
    saved, total = ledger.counts[PictureStatus.SAVED], len(ledger.manifest.pictures)
    others = "".join(
        f", {ledger.counts[status]} {status}" for status in WITHOUT_FILE if ledger.counts[status]
    )
    out.print(f"{saved} of {total} picture(s) saved in {ledger.folder}{others}", soft_wrap=True)
    if saved and ledger.manifest.wishes.params.measures_losses:
        _print_losses(ledger, out)
    _say_what_was_scaled_down(ledger, out)
    odd = [picture for picture in ledger.with_status(PictureStatus.SAVED) if picture.warnings]
    if odd:
        print_warnings(odd, str(ledger.path), out)
    missing = [picture for status in WITHOUT_FILE for picture in ledger.with_status(status)]
    if missing:
        print_failures(_untold(missing, ledger, out), str(ledger.path), out)
        _say_what_may_help(ledger)
    return 1 if missing else 0


def _say_what_was_scaled_down(ledger: Ledger, out: Console) -> None:
    """Say how many pictures are smaller than their photos, unless a small size was asked for."""
    params = ledger.manifest.wishes.params
    scaled = [picture for picture in ledger.with_status(PictureStatus.SAVED) if picture.scaled_pixels]
    if scaled and params.longest_side >= DEFAULT_SIDE:
        largest = max(scaled, key=lambda picture: picture.scaled_pixels or (0, 0))
        source, result = (f"{pixels / 1e6:,.1f} MP" for pixels in largest.scaled_pixels or (0, 0))
        limit, hint = f"max_side {params.longest_side}", ""
        if params.leaves_size_to_worker:
            limit = "a size that its worker chose"
        elif params.longest_side < MAX_SIDE:
            hint = "; --max-side original keeps the size"
        out.print(
            f"{len(scaled)} picture(s) scaled down, such as {largest.shown_input}: {source} -> {result}, "
            f"{limit}{hint}",
            soft_wrap=True,
        )


def _untold(missing: list[Picture], ledger: Ledger, out: Console) -> list[Picture]:
    """Return the failures that are still to be printed. Outside a terminal, most were printed at once."""
    return missing if out.is_terminal else [each for each in missing if each.line not in ledger.told]


def _announce(ledger: Ledger, out: Console) -> None:
    manifest = ledger.manifest
    what = f"{ledger.counts[PictureStatus.WAITING]} picture(s)"
    if manifest.prefix is not None:
        what = f"All pictures below {manifest.prefix}, in {len(manifest.styles)} style(s),"
    saved = ledger.counts[PictureStatus.SAVED]
    there = f"; {saved} are already there" if saved else ""
    unusable = ledger.counts[PictureStatus.UNUSABLE]
    bad = f"; {unusable} cannot be made" if unusable else ""
    out.print(f"{what} to make at {manifest.api}{there}{bad}", soft_wrap=True)
    if manifest.skipped:
        out.print(f"{in_words(manifest.skipped)}; {ledger.path} lists them", soft_wrap=True)


def _reasons(refusal: RequestRefused, ledger: Ledger) -> Iterator[str]:
    """Yield the errors of a refused batch, with the names of the pictures."""
    pictures = {f"{picture.line - 1}": picture for picture in ledger.manifest.pictures if picture.line}
    for error in refusal.errors[:SHOWN]:
        picture = pictures.get(error.pointer.split("/")[1] if "/" in error.pointer else "")
        yield f"    {picture.shown_input}: {error.detail}" if picture else f"    {error.detail}"
    if len(refusal.errors) > SHOWN:
        yield "    ..."


def _print_losses(ledger: Ledger, out: Console) -> None:
    """Print the losses of each picture, lowest first, and how to see their mean."""
    found = [(each.file, each.losses) for each in ledger.with_status(PictureStatus.SAVED) if each.losses]
    if found:
        out.print(loss_table(sorted(found, key=lambda row: row[1].total)))
    if ledger.manifest.batch_id is None:
        return
    status = f"{command_for(ledger.manifest.api)} batch status {ledger.manifest.batch_id}"
    click.echo(f"To see the mean and the spread of their losses:\n\n    {status}\n")


def _say_what_may_help(ledger: Ledger) -> None:
    batch_id, resume = ledger.manifest.batch_id, resume_command(ledger.folder)
    if ledger.counts[PictureStatus.UNSAVED]:
        click.echo(f"To download what was painted but not saved:\n\n    {resume}\n")
    failed = ledger.with_status(PictureStatus.FAILED)
    final = [picture for picture in failed if picture.error and not picture.error.retryable]
    ended = ledger.with_status(PictureStatus.CANCELED, PictureStatus.EXPIRED)
    if final:
        click.echo(f"{len(final)} picture(s) cannot be painted; a retry would not help.\n")
    if ended or len(failed) > len(final):
        retry = f"{command_for(ledger.manifest.api)} batch retry {batch_id}{' --only all' if ended else ''}"
        click.echo(f"To retry the other jobs:\n\n    {retry}\n    {resume}\n")


def _say_what_goes_on(ledger: Ledger) -> None:
    batch_id, command = ledger.manifest.batch_id, command_for(ledger.manifest.api)
    if batch_id is None:
        click.echo("Interrupted before the service responded. To continue without submitting twice:\n")
        click.echo(f"    {resume_command(ledger.folder)}")
        return
    done = f"{ledger.settled} of {len(ledger.manifest.pictures)} picture(s) were done"
    click.echo(f"Interrupted; batch {batch_id} goes on without this command ({done}). To get the others:\n")
    click.echo(f"    {resume_command(ledger.folder)}\n\nTo see the batch, or to cancel it:\n")
    click.echo(f"    {command} batch status {batch_id}\n    {command} batch cancel {batch_id}")


def resume_command(folder: Path) -> str:
    return f"stylequeue resume {shlex.quote(str(folder))}"
