"""Standard output that neither unknown characters nor a closed stream can break."""

from __future__ import annotations

import io
import os
import sys


def make_printable() -> None:
    """Replace characters that the output's encoding lacks, because file names hold any character.

    Python does this by itself for standard error. If the parent process closed the stream (`command >&-`),
    output is discarded.
    """
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as long as the process
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
