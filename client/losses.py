"""Losses as people read them: of a step while it runs, and of pictures in a table."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from client.tables import plain_table, whole
from shared.loss_records import JobProgress, LossValues


def losses_in_words(progress: JobProgress) -> str:
    """Empty before the first step."""
    if progress.losses is None:
        return ""
    losses = progress.losses
    return (
        f"step {progress.iteration} of {progress.iterations}: total {losses.total:.4g} "
        f"(content {losses.content:.4g}, style {losses.style:.4g})"
    )


def loss_table(rows: Iterable[tuple[str, LossValues]]) -> Table:
    table = plain_table(*map(whole, ("picture", "content loss", "style loss", "total")))
    for name, losses in rows:
        numbers = (f"{value:.4g}" for value in (losses.content, losses.style, losses.total))
        table.add_row(*map(Text, (name, *numbers)))
    return table
