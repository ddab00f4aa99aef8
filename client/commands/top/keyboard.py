"""Single keys from a terminal that shows something else."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from select import select

try:
    import termios
    import tty
except ImportError:  # not on Windows
    HAS_TERMIOS = False
else:
    HAS_TERMIOS = True

HANGUP = "\x04"  # a terminal sends it at the end of its input
MOST_BYTES = 64

KeyWait = Callable[[float], str]


@contextmanager
def keyboard() -> Iterator[KeyWait]:
    """Yield a function that waits for keys, at most so many seconds, and returns them; "" if none came.

    Meanwhile the terminal neither echoes keys nor keeps them until Enter. Ctrl-C still interrupts. Without a
    terminal, the function only waits.
    """
    if not (HAS_TERMIOS and sys.stdin.isatty()):
        yield _nothing
        return
    terminal = sys.stdin.fileno()
    usual = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    try:
        yield lambda seconds: _pressed(terminal, seconds)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, usual)


def _nothing(seconds: float) -> str:
    time.sleep(seconds)
    return ""


def _pressed(terminal: int, seconds: float) -> str:
    ready, _, _ = select([terminal], [], [], seconds)
    if not ready:
        return ""
    try:
        return os.read(terminal, MOST_BYTES).decode("utf-8", "replace") or HANGUP
    except OSError:  # the terminal is gone
        return HANGUP
