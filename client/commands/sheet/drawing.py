"""DIR/sheet.jpg and, under it on the terminal, the commands that paint a row of it at full size."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import click

from client.commands.arguments import command_for
from client.commands.output_options import spelled_for_output
from client.commands.painting_options import spelled
from client.commands.plugins import missing_extra
from client.folder.blends import pictures_in
from client.folder.manifest import PictureStatus, Wishes, read_manifest
from client.folder.orders import Order
from client.folder.style_names import style_names
from shared.wire.params import DEFAULT_SIDE, Params

SHEET = "sheet.jpg"
MOST_PHOTOS, MOST_ROWS = 8, 60
RowSource = tuple[list[str], str, Params]  # label, style and way
Drawer = Callable[[str, Sequence[str], Order, Path], None]


def sheet_drawer(order: Order) -> Drawer:
    """Return the function that draws a sheet.

    Raises:
        ClickException: the photos are not here, or the packages that it needs are not installed.
    """
    if order.prefix is not None:
        raise click.UsageError(f"A sheet needs photos that are here, and not those of {order.prefix}")
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
        painted = {photo for photo, *_ in saved}
        photos_painted = [photo.name for photo in order.inputs if photo.name in painted]
        rows, columns = _rows(order)[:MOST_ROWS], photos_painted[:MOST_PHOTOS]
        drawn = [
            Row(
                f"{number}  " + "\n".join(label),
                list(map(Path, pictures_in(style))),
                [saved.get((photo, style, way.strength, way.style_size)) for photo in columns],
            )
            for number, (label, style, way) in enumerate(rows, 1)
        ]
        if saved:
            ContactSheet(columns, drawn).save(out / SHEET)
            click.echo(f"\nlook at {out / SHEET}")
            _say_what_is_missing(len(columns), len(photos_painted), len(rows), order)
            _say_how_to_paint(api, photos, order, rows)

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


def _say_what_is_missing(photos: int, all_photos: int, rows: int, order: Order) -> None:
    all_rows = len(order.styles) * len(order.ways)
    if photos < all_photos:
        click.echo(f"It shows {photos} of {all_photos} painted photos; the others are in the same folder.")
    if rows < all_rows:
        click.echo(f"It shows {rows} of {all_rows} styles and strengths; the others are in the same folder.")


def _say_how_to_paint(api: str, photos: Sequence[str], order: Order, rows: Sequence[RowSource]) -> None:
    click.echo(f"\nTo paint the photos as in a row of the sheet, {_size(order.ways[0])}:\n")
    for number, (label, style, way) in enumerate(rows, 1):
        words = [*photos, "--style", style, *_options(way, order.wishes), "--out", "painted"]
        click.echo(f"{number:3}  {', '.join(label)}\n     {command_for(api)} submit {shlex.join(words)}")


def _at_full_size(way: Params) -> Params:
    """Return the params that paint at least 1,024 pixels with the strokes of the preview."""
    if way.max_side in (None, "original") or way.longest_side >= DEFAULT_SIDE:
        return way
    strokes = {"stroke_side": way.stroke_side or way.max_side} if way.method == "fast" else {}
    usual = None if way.method == "fast" else DEFAULT_SIDE  # needs no option
    return way.model_copy(update={"max_side": usual, **strokes})


def _size(way: Params) -> str:
    full = _at_full_size(way)
    if full.leaves_size_to_worker:
        return "at the size that the worker chooses"
    return "at their own size" if full.max_side == "original" else f"at {full.longest_side:,} pixels"


def _options(way: Params, wishes: Wishes) -> list[str]:
    """Return the options that are not the default, for a picture that looks like a preview."""
    params, own = (each.model_dump(exclude_defaults=True) for each in (_at_full_size(way), wishes.output))
    options = chain(
        ((spelled(name), value) for name, value in params.items()),
        ((spelled_for_output(name), value) for name, value in own.items()),
        [("--keep-time", True)] if wishes.keep_time else [],
    )
    words = ([name] if value is True else [name, str(value)] for name, value in options)
    return list(chain.from_iterable(words))
