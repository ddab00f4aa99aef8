"""Where the `stylequeue` command begins: Ctrl-C is a word and no traceback, also while modules are loaded."""

from __future__ import annotations

import sys
from signal import SIGINT

INTERRUPTED = 128 + SIGINT  # as shells count


def main() -> None:
    try:
        from client.command import main as command  # noqa: PLC0415 - loading it takes most of a second

        command()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(INTERRUPTED)
