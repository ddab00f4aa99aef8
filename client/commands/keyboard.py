"""Single keys from a terminal, while something else is drawn on it."""

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

HANGUP = "\x04"  # what a terminal sends for the end of its input
MOST_BYTES = 64

KeyWait = Callable[[float], str]


@contextmanager
def keyboard() -> Iterator[KeyWait]:
    """A function that waits so many seconds for keys and answers them; "" if none was pressed.

    Keys are neither echoed nor kept until Enter meanwhile; Ctrl-C interrupts as ever. Without a terminal it
    only waits.
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
