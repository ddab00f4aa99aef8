"""`stylequeue submit`: turn the arguments into an order and carry it out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from client.api.batch_uploads import read_all
from client.commands.arguments import into_folder, receiver
from client.commands.output_options import output_options
from client.commands.painting_options import painting_options
from client.commands.progress import counted
from client.commands.sheet.drawing import sheet_drawer
from client.commands.tables import console
from client.errors import BadManifest
from client.folder.folder_lock import only_command_in
from client.folder.growth import differences
from client.folder.inputs import BadInput, found_by, prefix_in
from client.folder.ledger import Ledger
from client.folder.manifest import Manifest, PictureStatus, Wishes, read_manifest
from client.folder.orders import Order, Reading
from client.folder.resuming import carry_out, conclude, resume_command
from client.folder.skipped import by_kind, in_words
from shared.command_line.options import option
from shared.wire.descriptors import FAST_LANES, Lane, Output, UploadRequest
from shared.wire.params import Params


@click.command()
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True)
@option(
    "--style",
    "styles",
    metavar="PICTURE",
    multiple=True,
    required=True,
    help="Paint every photo in the style of this picture; may be given more than once. A blend is written "
    "a.jpg:0.7+b.jpg:0.3.",
)
@into_folder
@painting_options
@output_options
@option(
    "--keep-time",
    is_flag=True,
    help="Give each result the time of its photo's file, for photos on this disk.",
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
@option("--sheet", is_flag=True, help="Also put the photos, styles and results on DIR/sheet.jpg.")
@click.pass_obj
def submit(  # noqa: PLR0913 - one argument for each option
    api: str,
    *,
    photos: tuple[str, ...],
    styles: tuple[str, ...],
    out: Path,
    ways: tuple[Params, ...],
    output: Output,
    keep_time: bool,
    lane: str,
    webhook: str | None,
    sheet: bool,
) -> None:
    """Paint every PHOTO in the style of every --style picture.

    A PHOTO is a folder with everything below it, a quoted pattern like 'photos/**/*.jpg', a file, or an
    https:// or s3:// URL. If there is only one PHOTO, it may also be s3://bucket/folder/, whose pictures the
    service finds. A --style may be any of these except s3://bucket/folder/. Results are named
    <photo>--<style>, in sub-folders like the photos', with a strength or style size that is not the default
    behind it.

    Files of folders and patterns are skipped if their first bytes are of no accepted format. The
    command counts them, and DIR/manifest.json lists them. If all files are skipped, the exit code is 1.

    DIR/manifest.json holds the state of each picture. After an interruption, the same command or
    `stylequeue resume DIR` continues and submits nothing twice. When photos, styles or strengths were added,
    or files have changed, the same command makes only what is new. The exit code is 1 if any picture failed.
    """
    wishes = Wishes(params=ways[0], output=output, lane=_lane(lane, ways[0]), keep_time=keep_time)
    order = order_of(photos, styles, wishes, ways, out, webhook)
    draw = sheet_drawer(order) if sheet else None
    with only_command_in(out):
        exit_code = begin_or_go_on(order, api, out)
        if draw:
            draw(api, photos, order, out)
    sys.exit(exit_code)


def begin_or_go_on(order: Order, api: str, out: Path) -> int:
    """Make the pictures of an order, whatever there is of them already; return the exit code."""
    readings, old = _readings(order), read_manifest(out)
    if old is None or not _continues(old, order, order.digest(readings), api, out):
        return carry_out(Ledger(order.manifest(readings, api, out, old), out))
    ledger = Ledger(old, out)
    ledger.look_for_files()
    if ledger.manifest.complete:
        click.echo(f"Nothing to submit: according to {ledger.path}, everything is done.")
        if old.prefix is not None:
            click.echo(f"To paint what is new or changed below {old.prefix}, choose another --out.")
        return conclude(ledger, console())
    click.echo(f"Continuing from {ledger.path}.")
    ledger.reopen()
    return carry_out(ledger)


def _lane(lane: str, params: Params) -> Lane:
    return Lane.OPTIMIZE if params.method == "optimize" else Lane(lane)


def order_of(
    photos: tuple[str, ...],
    styles: tuple[str, ...],
    wishes: Wishes,
    ways: tuple[Params, ...],
    out: Path,
    webhook: str | None,
) -> Order:
    """Return the order. Raise ClickException if an argument leads nowhere, or all of them to no picture."""
    try:
        prefix = prefix_in(photos)
        inputs = found_by(() if prefix is not None else photos, leaving_out=out)
        style_inputs = found_by(styles, leaving_out=out)
    except BadInput as error:
        raise click.UsageError(str(error)) from None
    if any(photo.blend for photo in inputs.pictures):
        raise click.UsageError("only a style can be a blend, and not a PHOTO")
    if prefix and (len(ways) > 1 or any(style.blend for style in style_inputs.pictures)):
        raise click.UsageError(f"{prefix} takes one --strength, one --style-size and no blends")
    if prefix and wishes.keep_time:
        raise click.UsageError("--keep-time needs photos that are here: files and folders")
    skipped = by_kind((*inputs.others, *style_inputs.others))
    if not style_inputs.pictures or not (inputs.pictures or prefix):
        raise click.ClickException(f"There is nothing to paint; {in_words(skipped)}")
    return Order(inputs.pictures, style_inputs.pictures, wishes, ways, prefix, webhook, skipped)


def _readings(order: Order) -> dict[str, Reading]:
    """Read all files. Raise BadParameter if a style is not a picture, because no result could come of it."""
    paths = order.files()
    readings = dict(counted("reading", read_all(paths), len(paths), console()))
    for reading in (readings.get(name) for style in order.styles for name in style.pictures):
        if reading is not None and not isinstance(reading, UploadRequest):
            raise click.BadParameter(reading.detail, param_hint="--style")
    return readings


def _continues(old: Manifest, order: Order, digest: str, api: str, out: Path) -> bool:
    """Return whether the command is the old one. If it is not, it may add to what the old one has made.

    Raises:
        BadManifest: the folder has pictures that were made with other options, or that are not made yet.
    """
    if old.sent_at is None and not any(picture.status is PictureStatus.SAVED for picture in old.pictures):
        return False  # the service accepted nothing
    goes_on = "" if old.complete else f", or continue the old command: {resume_command(out)}"
    choice = f"Choose another --out{goes_on}"
    if old.api != api:
        raise BadManifest(f"{out} was submitted to {old.api} and not to {api}. {choice}")
    if old.digest == digest:
        return old.sent_at is not None
    different = differences(old.wishes, order.wishes)
    if old.prefix or order.prefix:
        different = different or "with s3://bucket/folder/, the photos and styles must stay the same"
    if different:
        raise BadManifest(f"{out} belongs to another command: {different}. {choice}")
    if old.sent_at is not None and not old.complete:
        raise BadManifest(
            f"{out} belongs to another command, which has not ended. Continue it, and then repeat this one: "
            f"{resume_command(out)}"
        )
    return False
