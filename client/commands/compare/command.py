"""`stylequeue compare`: paint a picture by the fast and by the original method."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from client.commands.arguments import into_folder, service_at
from client.commands.compare.comparison import Comparison, compare
from client.commands.losses import loss_table, losses_in_words
from client.commands.painting_options import painting_option
from client.commands.plugins import missing_extra
from client.commands.tables import console
from client.folder.folder_lock import only_command_in
from shared.wire.params import Params
from shared.wire.records import JobView

SHEET = "comparison.png"
DEFAULT_SIDE = 384
picture_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("compare")
@click.argument("content", type=picture_file)
@click.argument("style", type=picture_file)
@into_folder
@painting_option("iterations")
@painting_option("alpha")
@painting_option("beta")
@painting_option("max_side", default=DEFAULT_SIDE)
@click.pass_obj
def compare_command(
    api: str, content: Path, style: Path, out: Path, iterations: int, alpha: float, beta: float, max_side: int
) -> None:
    """Paint CONTENT in the style of STYLE by both methods, and compare their losses.

    DIR/comparison.png has the pictures, the curves of the losses and a table. The method 'optimize' takes
    minutes. Ctrl-C ends the command and not its job.
    """
    draw = _sheet_drawer()
    params = Params(method="optimize", iterations=iterations, alpha=alpha, beta=beta, max_side=max_side)
    sheet, out_console = out / SHEET, console()
    with service_at(api) as queue, only_command_in(out):
        with _progress(out_console) as progress:
            task = progress.add_task("waiting", total=1.0, losses="")
            found = compare(queue, content, style, params, out, lambda job: _show(progress, task, job))
        draw(found, sheet)
    out_console.print(loss_table(found.rows()))
    out_console.print(f"look at {sheet}", soft_wrap=True)


def _progress(out_console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[losses]}", markup=False),
        TimeElapsedColumn(),
        console=out_console,
        disable=not out_console.is_terminal,
    )


def _sheet_drawer() -> Callable[[Comparison, Path], None]:
    try:
        from client.commands.compare.sheet import draw  # noqa: PLC0415 - needs packages of the extra
    except ImportError as error:
        raise missing_extra("compare", "compare", error) from error
    return draw


def _show(progress: Progress, task: TaskID, job: JobView) -> None:
    step = job.progress
    progress.update(
        task,
        description=step.stage if step else job.status.value,
        completed=1.0 if job.finished else step.fraction if step else 0.0,
        losses=losses_in_words(step) if step else "",
    )
