"""Options of commands. An option with a single value is refused when it is given twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click
from click.core import ParameterSource

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Option(click.Option):
    """An option whose second value does not silently replace the first."""

    @property
    def takes_one_value(self) -> bool:
        return not (self.multiple or self.is_flag or self.count)

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        if self.takes_one_value:  # collect all values, so that `consume_value` can count them
            parser.add_option(obj=self, opts=self.opts, dest=self.name, action="append", nargs=self.nargs)
        else:
            super().add_to_parser(parser, ctx)

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, ParameterSource]:
        """Return the only value. Raise UsageError if there are more."""
        name = self.name or ""
        if self.takes_one_value and name in opts:
            value, *others = opts[name]
            if others:
                times = len(others) + 1
                raise click.UsageError(f"{self.opts[-1]} was given {times} times; it takes one value", ctx)
            opts = {**opts, name: value}
        return super().consume_value(ctx, opts)


def option(*names: str, **attributes: Any) -> Callable[[Decorated], Decorated]:
    """Like `click.option`, but an option with a single value must not be given twice."""
    return click.option(*names, cls=Option, **attributes)
