"""Losses in words and as a table."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from client.commands.painting_times import time_left_in_words
from client.commands.tables import plain_table, whole
from shared.wire.loss_records import JobProgress, LossSummary, LossValues, Spread


def losses_in_words(progress: JobProgress) -> str:
    """Return the losses of the current step and the time left; empty before the first step."""
    if progress.losses is None:
        return ""
    losses, left = progress.losses, time_left_in_words(progress)
    return (
        f"step {progress.iteration} of {progress.iterations}: total {losses.total:.4g} "
        f"(content {losses.content:.4g}, style {losses.style:.4g})" + (f", {left}" if left else "")
    )


def loss_table(rows: Iterable[tuple[str, LossValues]]) -> Table:
    table = plain_table(*map(whole, ("picture", "content loss", "style loss", "total")))
    for name, losses in rows:
        numbers = (f"{value:.4g}" for value in (losses.content, losses.style, losses.total))
        table.add_row(*map(Text, (name, *numbers)))
    return table


def summary_in_words(losses: LossSummary) -> str:
    """Return mean and standard deviation of a batch, per element because its pictures differ in size."""
    spreads = {"content": losses.content_per_element, "style": losses.style_per_element}
    parts = [f"{name} {_spread(spread)} per element" for name, spread in spreads.items()]
    return "\n".join([*parts, f"total {_spread(losses.total)}, of {losses.jobs:,} picture(s)"])


def _spread(spread: Spread) -> str:
    return f"{spread.mean:.4g} ± {spread.standard_deviation:.3g}"
