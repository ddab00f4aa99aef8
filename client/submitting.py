"""`stylequeue submit`: orders out, pictures in, and what to do after Ctrl-C."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, get_args

import click

from client.api_client import StyleQueue
from client.arguments import DEFAULT_API, into_folder, pictures, service_at
from client.dispatch import Dispatch
from client.errors import StyleQueueClientError, reason_of
from client.orders import Order, Wishes, orders_of
from client.pictures import SUFFIXES
from client.progress import show
from client.reports import Stage, Tally
from client.tables import console, failure_table
from shared.descriptors import MAX_SIDE, MIN_SIDE, Lane, Output, Params

LISTED_JOBS = 5  # after Ctrl-C
INTERRUPTED = 130  # 128 + SIGINT, as shells count

FileFormat = Literal["jpeg", "png", "webp"]
KeptColor = Literal["none", "luminance"]
PARAMS, OUTPUT = Params(), Output()  # the defaults


@click.command()
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True, callback=pictures)
@click.option(
    "--style",
    "styles",
    metavar="PICTURE",
    multiple=True,
    required=True,
    callback=pictures,
    help="Paint every photo in the manner of this picture; may be given more than once.",
)
@into_folder
@click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    default=PARAMS.strength,
    show_default=True,
    help="1 paints wholly in the style, 0 not at all.",
)
@click.option(
    "--max-side",
    type=click.IntRange(MIN_SIDE, MAX_SIDE),
    default=PARAMS.max_side,
    show_default=True,
    help="Longest side of a result, in pixels.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(get_args(FileFormat)),
    default=OUTPUT.format,
    show_default=True,
    help="File format of the results.",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    default=OUTPUT.quality,
    show_default=True,
    help="For jpeg and webp.",
)
@click.option(
    "--preserve-color",
    type=click.Choice(get_args(KeptColor)),
    default=PARAMS.preserve_color,
    show_default=True,
    help="luminance: keep the photo's colors and take only the brightness.",
)
@click.option(
    "--lane",
    type=click.Choice([lane.value for lane in Lane]),
    default=Lane.NORMAL.value,
    show_default=True,
    help="Which queue to wait in.",
)
@click.pass_obj
def submit(  # noqa: PLR0913 - one argument for each option
    api: str,
    *,
    photos: tuple[Path | str, ...],
    styles: tuple[Path | str, ...],
    out: Path,
    strength: float,
    max_side: int,
    file_format: FileFormat,
    quality: int,
    preserve_color: KeptColor,
    lane: str,
) -> None:
    """Paint every PHOTO in the manner of every --style picture.

    Photos and styles are files, or https:// and s3:// URLs. The results are named <photo>--<style>.
    The exit code is 1 if any picture failed.
    """
    params = Params(strength=strength, max_side=max_side, preserve_color=preserve_color)
    wishes = Wishes(params, Output(format=file_format, quality=quality), Lane(lane))
    orders = orders_of(photos, styles, _made(out), SUFFIXES[f"image/{file_format}"])
    tally = Tally(len(orders))
    with service_at(api) as queue:
        try:
            _carry_out(orders, wishes, queue, tally)
        except KeyboardInterrupt:
            _say_what_goes_on(tally, api, out)
            sys.exit(INTERRUPTED)
    sys.exit(1 if tally.at(Stage.FAILED) else 0)


def _carry_out(orders: Sequence[Order], wishes: Wishes, queue: StyleQueue, tally: Tally) -> None:
    out = console()
    out.print(f"{tally.total} picture(s) to make at {queue.base_url}")
    with suppress(StyleQueueClientError):  # a hint is no reason to fail
        if not queue.workers():
            out.print("No worker is running: the jobs wait until one is started.")
    show(Dispatch(queue, orders, wishes).reports(), tally, out)
    if failed := tally.at(Stage.FAILED):
        out.print(failure_table(failed, out.width))


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(
            f"the folder cannot be made: {reason_of(error)}", param_hint="--out"
        ) from None
    return folder


def _say_what_goes_on(tally: Tally, api: str, folder: Path) -> None:
    ids = [report.job_id or "" for report in tally.at(Stage.QUEUED, Stage.RUNNING)]
    command = "stylequeue" if api == DEFAULT_API else f"stylequeue --api {api}"
    click.echo(f"Interrupted; {len(ids)} submitted job(s) go on without this command. To look at them:\n")
    click.echo(f"    {command} jobs")
    for job_id in ids[:LISTED_JOBS]:
        click.echo(f"    {command} status {job_id}")
    if ids:
        click.echo("\nTo fetch their pictures when they have ended:\n")
        click.echo(f"    {command} save {' '.join(ids)} --out {shlex.quote(str(folder))}")
    click.echo(f"\nTo end one: {command} cancel ID")
