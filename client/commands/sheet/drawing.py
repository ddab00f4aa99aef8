"""DIR/sheet.jpg and, under it on the terminal, the commands that paint a row of it at 1,024 pixels."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from client.commands.arguments import command_for
from client.commands.painting_options import spelled
from client.commands.plugins import missing_extra
from client.folder.blends import pictures_in
from client.folder.manifest import OF_A_PICTURE, PictureStatus, read_manifest
from client.folder.orders import Order
from client.folder.style_names import style_names
from shared.wire.params import Params

SHEET = "sheet.jpg"
MOST_PHOTOS, MOST_ROWS = 8, 60
RowSource = tuple[list[str], str, Params]  # label, style and way
Drawer = Callable[[str, Sequence[str], Order, Path], None]


def sheet_drawer() -> Drawer:
    """Return the function that draws a sheet.

    Raises:
        ClickException: the packages that it needs are not installed.
    """
    try:
        from client.commands.sheet.contact_sheet import ContactSheet, Row  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing_extra("sheet", "compare", error) from error

    def draw(api: str, photos: Sequence[str], order: Order, out: Path) -> None:
        manifest = read_manifest(out)
        pictures = [each.of_its_own(manifest.wishes.params) for each in manifest.pictures] if manifest else []
        saved = {
            (each.input, each.style, each.strength, each.style_size): out / each.file
            for each in pictures
            if each.status is PictureStatus.SAVED
        }
        rows, columns = _rows(order)[:MOST_ROWS], [photo.name for photo in order.inputs[:MOST_PHOTOS]]
        drawn = [
            Row(
                f"{number}  " + "\n".join(label),
                list(map(Path, pictures_in(style))),
                [saved.get((photo, style, way.strength, way.style_size)) for photo in columns],
            )
            for number, (label, style, way) in enumerate(rows, 1)
        ]
        if saved:
            ContactSheet([Path(photo) for photo in columns], drawn).save(out / SHEET)
            _say_what_is_drawn(api, photos, order, out, rows)

    return draw


def _rows(order: Order) -> list[RowSource]:
    """Return the rows, sorted by the names of the styles."""
    names = style_names([style.name for style in order.styles])
    styled = sorted(zip(names, (style.name for style in order.styles), strict=True))
    return [(_label(name, order.ways, way), style, way) for name, style in styled for way in order.ways]


def _label(name: str, ways: Sequence[Params], way: Params) -> list[str]:
    """Return the style's name and what differs among the ways."""
    strength = [f"strength {way.strength:g}"] if len({each.strength for each in ways}) > 1 else []
    size = [f"size {way.style_size}"] if len({each.style_size for each in ways}) > 1 else []
    return [name, ", ".join(strength + size)] if strength or size else [name]


def _say_what_is_drawn(
    api: str, photos: Sequence[str], order: Order, out: Path, rows: Sequence[RowSource]
) -> None:
    all_rows = len(order.styles) * len(order.ways)
    click.echo(f"\nlook at {out / SHEET}")
    if len(rows) < all_rows or len(order.inputs) > MOST_PHOTOS:
        click.echo(
            f"It shows {min(len(order.inputs), MOST_PHOTOS)} of {len(order.inputs)} photo(s), "
            f"and {len(rows)} of {all_rows} ways to paint them."
        )
    click.echo("\nTo paint the photos at 1,024 pixels as in a row of the sheet:\n")
    for number, (label, style, way) in enumerate(rows, 1):
        words = [*photos, "--style", style, *_options(way), "--out", "painted"]
        click.echo(f"{number:3}  {', '.join(label)}\n     {command_for(api)} submit {shlex.join(words)}")


def _options(way: Params) -> list[str]:
    """Return the options of a way that are not the default."""
    own = {name: getattr(way, name) for name in OF_A_PICTURE}
    usual = {name: getattr(Params(), name) for name in OF_A_PICTURE}
    given = [name for name in OF_A_PICTURE if own[name] != usual[name]]
    return [word for name in given for word in (spelled(name), f"{own[name]:g}")]
