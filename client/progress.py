"""Reports as they come: a moving bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from client.reports import ENDED, Report, Stage, Tally


def show(reports: Iterator[Report], tally: Tally, out: Console) -> None:
    """Draws until the reports end: a line for each order that ended, and on a terminal a bar below them."""
    with Progress(
        SpinnerColumn(),
        BarColumn(bar_width=24),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    ) as progress:
        bar = progress.add_task(str(tally), total=tally.total)
        for report in reports:
            tally.add(report)
            progress.update(bar, description=str(tally), completed=tally.ended)
            if report.stage in ENDED:
                out.print(_line(report, tally), soft_wrap=True)


def _line(report: Report, tally: Tally) -> Text:
    count = f"[{tally.ended:>{len(str(tally.total))}}/{tally.total}] "
    if report.stage is Stage.DONE:
        return Text.assemble(count, ("saved", "green"), f"  {report.order.target}")
    pair = f"{report.order.photo} in the style of {report.order.style}"
    return Text.assemble(count, ("failed", "red"), f" {pair}: {report.reason}")
