"""The entry point of the `stylequeue` command. Ctrl-C prints a word, also while modules are loaded."""

from __future__ import annotations

import sys
from signal import SIGINT

INTERRUPTED = 128 + SIGINT  # the exit code that shells use


def main() -> None:
    try:
        from client.command import main as command  # noqa: PLC0415 - takes most of a second

        command()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(INTERRUPTED)
