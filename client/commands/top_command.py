"""`stylequeue top`: queue, workers and rates, as they change."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress

import click
from rich.console import Console
from rich.live import Live

from client.commands.arguments import service_at
from client.commands.keyboard import HANGUP, keyboard
from client.commands.top_feed import Feed, Sight, Snapshot
from client.commands.top_view import page
from client.http.retries import Retries
from shared.command_line.options import option

ONE_TRY = Retries(tries=1)  # the next look is the next try
ANSWER_SECONDS = 5.0
KEY_SECONDS = 0.1
PLAIN_WIDTH = 140  # columns in a file or a pipe
QUITS = frozenset({"q", "Q", HANGUP})


@click.command()
@option("--once", is_flag=True, help="Print one look and end; so it does where there is no terminal.")
@option(
    "--every",
    "every_seconds",
    metavar="SECONDS",
    type=click.FloatRange(0.2, 3600),
    default=1.0,
    show_default=True,
    help="Seconds between two looks.",
)
@click.pass_obj
def top(api: str, every_seconds: float, *, once: bool) -> None:
    """Watch lanes, workers, rates and failures; q quits. For operators: it takes an admin key."""
    with service_at(api, timeout_seconds=ANSWER_SECONDS, retries=ONE_TRY) as service:
        first = Snapshot.take(service)
        if once or not sys.stdout.isatty():
            _print(first, api)
        else:
            with suppress(KeyboardInterrupt):
                _watch(Feed(service, first, every_seconds), api)


def _print(seen: Snapshot, api: str) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    console.print(page(Sight(seen), api, console.width, None))


def _watch(feed: Feed, api: str) -> None:
    """Draws when there is something new, the terminal has another size, or an old look has become older."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and leave the screen as it was
    console = Console(highlight=False)
    drawn: object = None
    with Live(console=console, screen=True, auto_refresh=False) as live, keyboard() as keys, feed.running():
        while not QUITS & set(keys(KEY_SECONDS)):
            feed.check()
            sight, size = feed.sight, console.size
            if (now := (sight, size, _clock(sight))) != drawn:
                live.update(page(sight, api, size.width, size.height), refresh=True)
                drawn = now


def _clock(sight: Sight) -> int:
    """Changes each second while the service does not answer."""
    return int(time.time()) if sight.trouble else 0
