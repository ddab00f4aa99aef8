"""The tests pass in the background too, where the shell makes SIGINT ignored (`nohup make test &`)."""

from __future__ import annotations

import subprocess
import sys

from tests.unit.command_service import ROOT

IGNORING = ["sh", "-c", 'trap "" INT; exec "$0" "$@"']
PROGRAM = """
import os, signal, subprocess
import tests.conftest

os.kill(os.getpid(), signal.SIGINT)
child = subprocess.Popen(["sleep", "60"])
child.send_signal(signal.SIGINT)
print(child.wait(20))
"""


def test_a_program_under_test_gets_its_ctrl_c_although_the_run_ignores_it() -> None:
    run = subprocess.run(
        [*IGNORING, sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.returncode) == ("-2\n", 0), run.stderr
