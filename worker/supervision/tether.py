"""Runs a command that ends with the process that started it (Linux).

    python -IS tether.py PARENT_PID SIGNAL COMMAND...

Asks the kernel to send SIGNAL when the parent dies, then becomes COMMAND; the request survives exec. The
parent is the thread that started this process (prctl(2), PR_SET_PDEATHSIG), so that thread must live as long
as the supervisor.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(parent_pid: str, signal_number: str, *command: str) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != int(parent_pid):
        sys.exit("the process that started this one has ended already")
    os.execv(command[0], command)  # noqa: S606 - the supervisor built the list


if __name__ == "__main__":
    main(*sys.argv[1:])
