"""A command's standard output: neither a strange character nor a closed stream ends the command."""

from __future__ import annotations

import io
import os
import sys


def make_printable() -> None:
    """Replace characters that the output's encoding lacks, as under `PYTHONIOENCODING=ascii`.

    Names of files hold any character. Python treats standard error so by itself. A stream that the parent
    process has closed (`command >&-`) is replaced by one that takes everything.
    """
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as long as the process
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
