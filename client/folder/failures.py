"""Failed pictures, and pictures of odd files, as tables that fit 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Column
from rich.text import Text

from client.commands.tables import folded, plain_table
from client.folder.inputs import shown_name
from client.folder.manifest import Picture, PictureStatus

BORDERS = 5  # columns of a table with two columns
SHOWN = 20


def print_failures(pictures: Sequence[Picture], manifest: str, out: Console) -> None:
    """Print the first of them, and where all are listed; print nothing if there are none."""
    rows = [(_names(picture), _reason(picture)) for picture in pictures[:SHOWN]]
    if rows:
        _print_table("No picture was made of these", "bold red", rows, out)
        _say_how_many_more(pictures, manifest, out)


def failure_line(picture: Picture) -> str:
    """Return one failure as one line."""
    style = f" in the style of {shown_name(picture.style)}" if picture.style else ""
    return f"{picture.shown_input}{style}: {_reason(picture).plain.replace(chr(10), ', ')}"


def print_warnings(pictures: Sequence[Picture], manifest: str, out: Console) -> None:
    """Print the first pictures whose files were odd, and where all are listed."""
    rows = [
        (_names(picture), Text("\n".join(warning.detail for warning in picture.warnings)))
        for picture in pictures[:SHOWN]
    ]
    _print_table("Painted, with a remark", "bold yellow", rows, out)
    _say_how_many_more(pictures, manifest, out)


def _print_table(title: str, style: str, rows: Sequence[tuple[Text, Text]], out: Console) -> None:
    half = out.width // 2 - BORDERS  # a job's id then fits into one line of the reason
    table = plain_table(Column("picture", overflow="fold", max_width=half), folded("why"))
    table.title, table.title_justify, table.title_style = title, "left", style
    for row in rows:
        table.add_row(*row, end_section=True)
    out.print(table)


def _say_how_many_more(pictures: Sequence[Picture], manifest: str, out: Console) -> None:
    if len(pictures) > SHOWN:
        out.print(f"... and {len(pictures) - SHOWN} more; all of them are in {manifest}", soft_wrap=True)


def _names(picture: Picture) -> Text:
    if not picture.style:
        return Text(picture.shown_input)
    style = shown_name(picture.style)
    return Text.assemble(shown_name(picture.input), ("\nin the style of ", "dim"), style)


def _reason(picture: Picture) -> Text:
    error = f"{picture.error.detail} ({picture.error.code})" if picture.error else picture.status.value
    if picture.status is PictureStatus.REJECTED:
        return Text.assemble(error, (f"\nline {picture.line} of the batch", "dim"))
    return Text.assemble(error, (f"\njob {picture.job_id}" if picture.job_id else "", "dim"))
