"""Failed pictures, and pictures of odd files, as tables that fit 80 columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

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
    if pictures:
        _print_table("No picture was made of these", "bold red", pictures, _reason, manifest, out)


def failure_line(picture: Picture) -> str:
    """Return one failure as one line."""
    style = f" in the style of {shown_name(picture.style)}" if picture.style else ""
    return f"{picture.shown_input}{style}: {_reason(picture).plain.replace(chr(10), ', ')}"


def print_warnings(pictures: Sequence[Picture], manifest: str, out: Console) -> None:
    """Print the first pictures whose files were odd, and where all are listed."""
    _print_table("Painted, with a remark", "bold yellow", pictures, _remarks, manifest, out)


def _print_table(
    title: str,
    style: str,
    pictures: Sequence[Picture],
    reason: Callable[[Picture], Text],
    manifest: str,
    out: Console,
) -> None:
    half = out.width // 2 - BORDERS  # a job's id then fits into one line of the reason
    table = plain_table(Column("picture", overflow="fold", max_width=half), folded("why"))
    table.title, table.title_justify, table.title_style = title, "left", style
    groups = _of_one_photo(pictures)
    for group in groups[:SHOWN]:
        table.add_row(_names(group), reason(group[0]), end_section=True)
    out.print(table)
    more = sum(map(len, groups[SHOWN:]))
    if more:
        out.print(f"... and {more} more; all of them are in {manifest}", soft_wrap=True)


def _of_one_photo(pictures: Sequence[Picture]) -> list[list[Picture]]:
    """Group the pictures of one photo that have the same reason, because styles have no part in it."""
    groups: dict[tuple[str, str], list[Picture]] = defaultdict(list)
    for picture in pictures:
        groups[picture.input, f"{_error(picture)} {_remarks(picture)}"].append(picture)
    return list(groups.values())


def _names(pictures: Sequence[Picture]) -> Text:
    first = pictures[0]
    if len(pictures) > 1:
        return Text.assemble(shown_name(first.input), (f"\nin {len(pictures)} pictures", "dim"))
    if not first.style:
        return Text(first.shown_input)
    return Text.assemble(shown_name(first.input), ("\nin the style of ", "dim"), shown_name(first.style))


def _remarks(picture: Picture) -> Text:
    return Text("\n".join(warning.detail for warning in picture.warnings))


def _error(picture: Picture) -> str:
    return f"{picture.error.detail} ({picture.error.code})" if picture.error else picture.status.value


def _reason(picture: Picture) -> Text:
    error = _error(picture)
    if picture.status is PictureStatus.REJECTED:
        return Text.assemble(error, (f"\nline {picture.line} of the batch", "dim"))
    return Text.assemble(error, (f"\njob {picture.job_id}" if picture.job_id else "", "dim"))
