"""The commands `stylequeue up` and `stylequeue demo`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click
from rich.console import Console

from client.errors import StyleQueueClientError
from client.folder.folder_lock import only_command_in
from local.stack import LocalStack
from shared.command_line.options import option
from shared.errors import StyleQueueError

TERMINATED = 143  # 128 + SIGTERM, as shells count


@click.command()
@option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of the API; 0 takes any free one.",
)
@option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Number of workers beside the engine. Default: as many as fill the machine.",
)
@option(
    "--optimizers",
    type=click.IntRange(0, 8),
    default=1,
    show_default=True,
    help="Workers for jobs with the method 'optimize'.",
)
@option(
    "--data-dir",
    default=Path(".stylequeue"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for jobs, pictures and logs; the next start finds them again.",
)
def up(port: int, workers: int | None, optimizers: int, data_dir: Path) -> None:
    """Run Redis, S3, workers and the API on this machine. Ctrl-C stops them."""
    stack = LocalStack(data_dir, port=port, workers=workers, optimizers=optimizers, report=click.echo)

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stack.ask_to_stop())
    signal.signal(signal.SIGUSR1, lambda *_: stack.ask_to_wake())
    try:
        stack.run(lambda url: click.echo(f"ready {url}"))
    except StyleQueueError as error:
        click.echo(error.detail, err=True)
        sys.exit(1)
    click.echo("stopped")


@click.command()
@option(
    "--out",
    default=Path("demo-out"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the pictures.",
)
def demo(out: Path) -> None:
    """Stylize the sample photographs on this machine; this takes about half a minute."""
    from local.demo import run_demo  # noqa: PLC0415 - `up` does not need Pillow

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    console = Console()
    try:
        with only_command_in(out):
            done = run_demo(out, console)
    except StyleQueueError as error:
        raise click.ClickException(error.detail) from error
    except StyleQueueClientError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{len(done.outcomes) - len(done.failed)} pictures in {done.stylize_seconds:.1f} s")
    click.echo(f"look at {out / 'contact-sheet.jpg'}; figures are in {out / 'summary.json'}")
    for outcome in done.failed:
        click.echo(outcome.problem, err=True)
    sys.exit(1 if done.failed else 0)
