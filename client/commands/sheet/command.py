"""`stylequeue sheet`: small previews of photos in many styles, to choose from."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from client.commands.arguments import into_folder
from client.commands.painting_options import painting_option, several_of
from client.commands.sheet.drawing import sheet_drawer
from client.folder.folder_lock import only_command_in
from client.folder.manifest import Wishes
from client.folder.submitting import begin_or_go_on, order_of
from shared.command_line.options import option
from shared.wire.descriptors import Lane, Output
from shared.wire.params import Params

PREVIEW_SIDE = 256


@click.command("sheet")
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True)
@option(
    "--style",
    "styles",
    metavar="PICTURE",
    multiple=True,
    required=True,
    help="A style, a folder of styles, or a blend like a.jpg:0.7+b.jpg:0.3; may be given more than once.",
)
@into_folder
@painting_option("strength", **several_of("strength"))
@click.pass_obj
def sheet_command(
    api: str, photos: tuple[str, ...], styles: tuple[str, ...], out: Path, strength: tuple[float, ...]
) -> None:
    """Paint small previews of every PHOTO in every style, on one sheet.

    DIR/sheet.jpg shows them, a row for each style and strength. The command prints how to paint each row at
    1,024 pixels. Given again with more photos or styles, it paints only what is new.
    """
    ways = tuple(Params(strength=value, max_side=PREVIEW_SIDE) for value in dict.fromkeys(strength))
    wishes = Wishes(params=ways[0], output=Output(), lane=Lane.NORMAL)
    order = order_of(photos, styles, wishes, ways, out, None)
    draw = sheet_drawer(order)
    with only_command_in(out):
        exit_code = begin_or_go_on(order, api, out)
        draw(api, photos, order, out)
    sys.exit(exit_code)
