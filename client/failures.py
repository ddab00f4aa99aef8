"""Pictures that there will not be, and why, as a table that fits 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Column
from rich.text import Text

from client.batch_lines import shown_name
from client.manifest import Picture, PictureStatus
from client.tables import folded, plain_table

BORDERS = 5  # columns of a table with two columns
SHOWN = 20


def print_failures(pictures: Sequence[Picture], manifest: str, out: Console) -> None:
    """The first of them, and where the others are."""
    half = out.width // 2 - BORDERS  # leaves room for a job's id in one line of the reason
    table = plain_table(Column("picture", overflow="fold", max_width=half), folded("why"))
    table.title, table.title_justify, table.title_style = "No picture came of these", "left", "bold red"
    for picture in pictures[:SHOWN]:
        table.add_row(_names(picture), _reason(picture), end_section=True)
    out.print(table)
    if len(pictures) > SHOWN:
        out.print(f"... and {len(pictures) - SHOWN} more; all of them are in {manifest}", soft_wrap=True)


def _names(picture: Picture) -> Text:
    if not picture.style:
        return Text(picture.input)
    style = shown_name(picture.style)
    return Text.assemble(shown_name(picture.input), ("\nin the style of ", "dim"), style)


def _reason(picture: Picture) -> Text:
    error = f"{picture.error.detail} ({picture.error.code})" if picture.error else picture.status.value
    if picture.status is PictureStatus.REJECTED:
        return Text.assemble(error, (f"\nline {picture.line} of the batch", "dim"))
    return Text.assemble(error, (f"\njob {picture.job_id}" if picture.job_id else "", "dim"))
