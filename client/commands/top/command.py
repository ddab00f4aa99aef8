"""`stylequeue top`: watch queue, workers and rates."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress

import click
from rich.live import Live

from client.commands.arguments import service_at
from client.commands.tables import console
from client.commands.top.feed import Feed, Sight, Snapshot
from client.commands.top.keyboard import HANGUP, keyboard
from client.commands.top.view import page
from client.http.retries import Retries
from shared.command_line.options import option

ONE_TRY = Retries(tries=1)  # the next poll is the next try
ANSWER_SECONDS = 5.0
KEY_SECONDS = 0.1
PLAIN_WIDTH = 140  # columns in a file or a pipe
QUITS = frozenset({"q", "Q", HANGUP})


@click.command()
@option("--once", is_flag=True, help="Print once and end; this is the default without a terminal.")
@option(
    "--every",
    "every_seconds",
    metavar="SECONDS",
    type=click.FloatRange(0.2, 3600),
    default=1.0,
    show_default=True,
    help="Seconds between two polls.",
)
@click.pass_obj
def top(api: str, every_seconds: float, *, once: bool) -> None:
    """Watch lanes, workers, rates and failures; q quits. It needs an admin key."""
    with service_at(api, timeout_seconds=ANSWER_SECONDS, retries=ONE_TRY) as service:
        first = Snapshot.take(service)
        if once or not sys.stdout.isatty():
            _print(first, api)
        else:
            with suppress(KeyboardInterrupt):
                _watch(Feed(service, first, every_seconds), api)


def _print(seen: Snapshot, api: str) -> None:
    out = console(PLAIN_WIDTH)
    out.print(page(Sight(seen), api, out.width, None))


def _watch(feed: Feed, api: str) -> None:
    """Draw when there is something new, the terminal changes its size, or an old state grows older."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # this restores the screen
    out = console()
    drawn: object = None
    with Live(console=out, screen=True, auto_refresh=False) as live, keyboard() as keys, feed.running():
        while not QUITS & set(keys(KEY_SECONDS)):
            feed.check()
            sight, size = feed.sight, out.size
            if (now := (sight, size, _clock(sight))) != drawn:
                live.update(page(sight, api, size.width, size.height), refresh=True)
                drawn = now


def _clock(sight: Sight) -> int:
    """Return a number that changes each second while the service does not respond."""
    return int(time.time()) if sight.trouble else 0
