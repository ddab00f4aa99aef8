"""`stylequeue submit`: the words of the command become an order, and the order is carried out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NoReturn, get_args

import click

from client.api.batch_uploads import read_all
from client.commands.arguments import into_folder, receiver
from client.commands.painting_options import painting_options
from client.commands.progress import counted
from client.commands.tables import console
from client.errors import BadManifest
from client.folder.folder_lock import only_command_in
from client.folder.inputs import BadInput, found_by, prefix_in
from client.folder.ledger import Ledger
from client.folder.manifest import Manifest, Wishes, read_manifest
from client.folder.orders import Order, Reading
from client.folder.resuming import carry_out, conclude, resume_command
from client.folder.skipped import by_kind, in_words
from shared.command_line.options import option
from shared.wire.descriptors import FAST_LANES, Lane, Output, Params, UploadRequest

FileFormat = Literal["jpeg", "png", "webp"]
OUTPUT = Output()  # the defaults


@click.command()
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True)
@option(
    "--style",
    "styles",
    metavar="PICTURE",
    multiple=True,
    required=True,
    help="Paint every photo in the manner of this picture; may be given more than once.",
)
@into_folder
@painting_options
@option(
    "--format",
    "file_format",
    type=click.Choice(get_args(FileFormat)),
    default=OUTPUT.format,
    show_default=True,
    help="File format of the results.",
)
@option(
    "--quality",
    type=click.IntRange(1, 100),
    default=OUTPUT.quality,
    show_default=True,
    help="For jpeg and webp.",
)
@option(
    "--lane",
    type=click.Choice([lane.value for lane in FAST_LANES]),
    default=Lane.BULK.value,
    show_default=True,
    help="Which queue to wait in; with --method optimize always the one of that name.",
)
@option("--webhook", metavar="URL", callback=receiver, help="Tell this URL when all of it is done, signed.")
@click.pass_obj
def submit(  # noqa: PLR0913 - one argument for each option
    api: str,
    *,
    photos: tuple[str, ...],
    styles: tuple[str, ...],
    out: Path,
    params: Params,
    file_format: FileFormat,
    quality: int,
    lane: str,
    webhook: str | None,
) -> None:
    """Paint every PHOTO in the manner of every --style picture.

    Photos are folders with all that is below them, quoted patterns like 'photos/**/*.jpg', files, and
    https:// or s3:// URLs; or one s3://bucket/folder/, which the service looks into. Styles likewise, but for
    the last. The results are named <photo>--<style>, in sub-folders like those of the photos.

    Files in folders and of patterns are skipped if their first bytes are not those of JPEG, PNG or WebP. They
    are counted, and DIR/manifest.json lists them. If there is nothing else, the exit code is 1.

    DIR/manifest.json keeps what became of each picture. The same command again goes on where it was
    interrupted, as `stylequeue resume DIR` does, and submits nothing twice. The exit code is 1 if any picture
    failed.
    """
    wishes = Wishes(
        params=params, output=Output(format=file_format, quality=quality), lane=_lane(lane, params)
    )
    order = _order(photos, styles, wishes, out, webhook)
    with only_command_in(out):
        _begin_or_go_on(order, api, out)


def _begin_or_go_on(order: Order, api: str, out: Path) -> NoReturn:
    readings = _readings(order)
    old = _same_or_none(read_manifest(out), order.digest(readings), api, out)
    if old is None:
        carry_out(Ledger(order.manifest(readings, api, out), out))
    ledger = Ledger(old, out)
    ledger.look_for_files()
    if ledger.manifest.complete:
        click.echo(f"Nothing to submit: all of this is done, as {ledger.path} says.")
        conclude(ledger, console())
    click.echo(f"Going on with what {ledger.path} says.")
    ledger.reopen()
    carry_out(ledger)


def _lane(lane: str, params: Params) -> Lane:
    return Lane.OPTIMIZE if params.method == "optimize" else Lane(lane)


def _order(
    photos: tuple[str, ...], styles: tuple[str, ...], wishes: Wishes, out: Path, webhook: str | None
) -> Order:
    """
    Raises:
        UsageError: a word leads nowhere.
        ClickException: the words lead to files, but to no picture.
    """
    try:
        prefix = prefix_in(photos)
        inputs = found_by(() if prefix is not None else photos, leaving_out=out)
        manners = found_by(styles, leaving_out=out)
    except BadInput as error:
        raise click.UsageError(str(error)) from None
    skipped = by_kind((*inputs.others, *manners.others))
    if not manners.pictures or not (inputs.pictures or prefix):
        raise click.ClickException(f"There is nothing to paint; {in_words(skipped)}")
    return Order(inputs.pictures, manners.pictures, wishes, prefix, webhook, skipped)


def _readings(order: Order) -> dict[str, Reading]:
    """
    Raises:
        UsageError: a style is no picture, so no result could come of it.
    """
    paths = order.files()
    readings = dict(counted("reading", read_all(paths), len(paths), console()))
    for style in order.styles:
        reading = readings.get(style.name)
        if reading is not None and not isinstance(reading, UploadRequest):
            raise click.BadParameter(reading.detail, param_hint="--style")
    return readings


def _same_or_none(old: Manifest | None, digest: str, api: str, out: Path) -> Manifest | None:
    """The manifest that is there, if it is of the same command; None if nothing of it was submitted.

    Raises:
        BadManifest: it is of another command.
    """
    if old is None or old.sent_at is None:
        return None
    if old.digest != digest:
        raise BadManifest(
            f"{out} belongs to another command: its photos, styles or options were not the same. "
            f"Take another --out, or go on with the old command: {resume_command(out)}"
        )
    if old.api != api:
        raise BadManifest(
            f"{out} was submitted to {old.api} and not to {api}. Take another --out, or go on there: "
            f"{resume_command(out)}"
        )
    return old
