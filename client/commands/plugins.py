"""The group of all commands. Other packages add theirs as entry points, which are imported when they run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import click

from client.entry import INTERRUPTED
from client.errors import StyleQueueClientError, reason_of
from shared.command_line.standard_output import make_printable

GROUP = "stylequeue.commands"


class CommandGroup(click.Group):
    """The client's own commands and the plugins. Errors of all of them become messages."""

    def __init__(self, *arguments: Any, sections: Mapping[str, Mapping[str, str]], **options: Any) -> None:
        """`sections` of the help page list commands, and the help of plugins; unlisted ones come last."""
        super().__init__(*arguments, **options)
        self._sections = sections
        self._plugin_help = {name: text for each in sections.values() for name, text in each.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_plugins().names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        return own if own or cmd_name not in _plugins().names else _load(_plugins()[cmd_name])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections without loading a plugin."""
        names = self.list_commands(ctx)
        widest = max(map(len, names))
        room = formatter.width - 6 - widest
        unlisted = {name: "" for name in names if name not in self._plugin_help}
        for title, listed in {**self._sections, "More": unlisted}.items():
            rows = [
                (name.ljust(widest), self._short_help(ctx, name, room)) for name in listed if name in names
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def _short_help(self, ctx: click.Context, name: str, room: int) -> str:
        own = super().get_command(ctx, name)
        if own is None:
            text = self._plugin_help.get(name) or f"Comes with the extra '{_extra(_plugins()[name])}'."
            own = click.Command(name, help=text)
        return own.get_short_help_str(room)

    def main(self, *arguments: Any, **options: Any) -> Any:
        make_printable()
        try:
            return super().main(*arguments, **options)
        except OSError as error:  # for example a full disk behind a file; click handles a broken pipe
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


def missing_extra(command: str, extra: str, error: ImportError) -> click.ClickException:
    """Return the error for a command whose dependencies are not installed.

    The project is in no package index, so the hint installs from a checkout.
    """
    return click.ClickException(
        f"'{command}' needs more than the client ({error}). In a checkout of stylequeue, install it with:\n\n"
        f"    pip install -e '.[{extra}]'"
    )


def _plugins() -> metadata.EntryPoints:
    return metadata.entry_points(group=GROUP)


def _extra(plugin: metadata.EntryPoint) -> str:
    """Return the dependency group of a plugin, which is named like its package."""
    return plugin.module.partition(".")[0]


def _load(plugin: metadata.EntryPoint) -> click.Command:
    try:
        command: click.Command = plugin.load()
    except ImportError as error:
        raise missing_extra(plugin.name, _extra(plugin), error) from error
    return command
