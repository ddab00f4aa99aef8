"""`stylequeue submit`: turn the arguments into an order and carry it out."""

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
from shared.wire.descriptors import FAST_LANES, Lane, Output, UploadRequest
from shared.wire.params import Params

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
    help="Paint every photo in the style of this picture; may be given more than once.",
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
    help="Quality of jpeg and webp files.",
)
@option(
    "--lane",
    type=click.Choice([lane.value for lane in FAST_LANES]),
    default=Lane.BULK.value,
    show_default=True,
    help="Lane of the queue; --method optimize always uses the lane of that name.",
)
@option(
    "--webhook", metavar="URL", callback=receiver, help="Call this URL, signed, when the batch has ended."
)
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
    """Paint every PHOTO in the style of every --style picture.

    A PHOTO is a folder with everything below it, a quoted pattern like 'photos/**/*.jpg', a file, or an
    https:// or s3:// URL. If there is only one PHOTO, it may also be s3://bucket/folder/, whose pictures the
    service finds. A --style may be any of these except s3://bucket/folder/. Results are named
    <photo>--<style>, in sub-folders like the photos'.

    Files of folders and patterns are skipped if their first bytes are of no accepted format. The
    command counts them, and DIR/manifest.json lists them. If all files are skipped, the exit code is 1.

    DIR/manifest.json holds the state of each picture. After an interruption, the same command or
    `stylequeue resume DIR` continues and submits nothing twice. The exit code is 1 if any picture failed.
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
        click.echo(f"Nothing to submit: according to {ledger.path}, everything is done.")
        conclude(ledger, console())
    click.echo(f"Continuing from {ledger.path}.")
    ledger.reopen()
    carry_out(ledger)


def _lane(lane: str, params: Params) -> Lane:
    return Lane.OPTIMIZE if params.method == "optimize" else Lane(lane)


def _order(
    photos: tuple[str, ...], styles: tuple[str, ...], wishes: Wishes, out: Path, webhook: str | None
) -> Order:
    """Return the order. Raise ClickException if an argument leads nowhere, or all of them to no picture."""
    try:
        prefix = prefix_in(photos)
        inputs = found_by(() if prefix is not None else photos, leaving_out=out)
        style_inputs = found_by(styles, leaving_out=out)
    except BadInput as error:
        raise click.UsageError(str(error)) from None
    skipped = by_kind((*inputs.others, *style_inputs.others))
    if not style_inputs.pictures or not (inputs.pictures or prefix):
        raise click.ClickException(f"There is nothing to paint; {in_words(skipped)}")
    return Order(inputs.pictures, style_inputs.pictures, wishes, prefix, webhook, skipped)


def _readings(order: Order) -> dict[str, Reading]:
    """Read all files. Raise BadParameter if a style is not a picture, because no result could come of it."""
    paths = order.files()
    readings = dict(counted("reading", read_all(paths), len(paths), console()))
    for style in order.styles:
        reading = readings.get(style.name)
        if reading is not None and not isinstance(reading, UploadRequest):
            raise click.BadParameter(reading.detail, param_hint="--style")
    return readings


def _same_or_none(old: Manifest | None, digest: str, api: str, out: Path) -> Manifest | None:
    """Return the old manifest; None without one, or if the service accepted nothing of it.

    Raises:
        BadManifest: it belongs to another command.
    """
    if old is None or old.sent_at is None:
        return None
    if old.digest != digest:
        raise BadManifest(
            f"{out} belongs to another command: its photos, styles or options were not the same. "
            f"Choose another --out, or continue the old command: {resume_command(out)}"
        )
    if old.api != api:
        raise BadManifest(
            f"{out} was submitted to {old.api} and not to {api}. Choose another --out, or continue there: "
            f"{resume_command(out)}"
        )
    return old
