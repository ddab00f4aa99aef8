"""Commands that other parts of the project announce as entry points; each is imported when it is run."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from importlib.machinery import PathFinder
from itertools import accumulate
from pathlib import Path
from typing import Any

import click

from client.entry import INTERRUPTED
from client.errors import StyleQueueClientError, reason_of
from shared.command_line.standard_output import make_printable

GROUP = "stylequeue.commands"


class CommandGroup(click.Group):
    """The client's own commands and the plugins; the errors of all of them become messages."""

    def __init__(self, *arguments: Any, sections: Mapping[str, Sequence[str]], **options: Any) -> None:
        """`sections` of the help page name their commands; what none of them names comes last."""
        super().__init__(*arguments, **options)
        self._sections = sections

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_plugins().names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        return own if own or cmd_name not in _plugins().names else _load(_plugins()[cmd_name])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does it, but without loading a plugin for its one line of help."""
        names = self.list_commands(ctx)
        widest = max(map(len, names))
        room = formatter.width - 6 - widest
        own = {name: super(CommandGroup, self).get_command(ctx, name) for name in names}
        helps = {
            name: (command or _description(_plugins()[name])).get_short_help_str(room)
            for name, command in own.items()
        }
        named = {name for wanted in self._sections.values() for name in wanted}
        sections = {**self._sections, "More": [name for name in names if name not in named]}
        for title, wanted in sections.items():
            _write_section(
                formatter, title, [(name.ljust(widest), helps[name]) for name in wanted if name in helps]
            )

    def main(self, *arguments: Any, **options: Any) -> Any:
        make_printable()
        try:
            return super().main(*arguments, **options)
        except OSError as error:  # a full disk behind a pipe or a file, say; click handles a broken pipe
            click.echo(f"Error: {reason_of(error)}", err=True)
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StyleQueueClientError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)


def _write_section(formatter: click.HelpFormatter, title: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


def _plugins() -> metadata.EntryPoints:
    return metadata.entry_points(group=GROUP)


def missing_extra(command: str, extra: str, error: ImportError) -> click.ClickException:
    """Return the error of a command whose dependency group is not installed.

    No package index has the project, so the hint installs from a checkout.
    """
    return click.ClickException(
        f"'{command}' needs more than the client ({error}). In a checkout of stylequeue, install it with:\n\n"
        f"    pip install -e '.[{extra}]'"
    )


def _extra(plugin: metadata.EntryPoint) -> str:
    """Return the dependency group of a plugin, which has the name of its package."""
    return plugin.module.partition(".")[0]


def _load(plugin: metadata.EntryPoint) -> click.Command:
    try:
        command: click.Command = plugin.load()
    except ImportError as error:
        raise missing_extra(plugin.name, _extra(plugin), error) from error
    return command


def _description(plugin: metadata.EntryPoint) -> click.Command:
    """Stands in for a plugin on the help page: the docstring is read from its source, which is not run."""
    functions = ast.parse(_source_of(plugin.module)).body
    found = [f for f in functions if isinstance(f, ast.FunctionDef) and f.name == plugin.attr]
    text = ast.get_docstring(found[0]) if found else None
    return click.Command(plugin.name, help=text or f"Comes with the extra '{_extra(plugin)}'.")


def _source_of(module: str) -> str:
    """Found without importing the module's package; empty if it is not to be found."""
    spec = None
    for name in accumulate(module.split("."), "{}.{}".format):
        spec = PathFinder.find_spec(name, spec.submodule_search_locations if spec else None)
    return Path(spec.origin).read_text("utf-8") if spec and spec.origin and spec.has_location else ""
