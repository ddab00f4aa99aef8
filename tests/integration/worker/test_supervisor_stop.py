"""The end of a supervisor: the order of the stop, and the promise that no program outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.workers.supervised import (
    DEADLINE_SECONDS,
    PROJECT,
    SLEEP,
    STUBBORN,
    WITH_CHILD,
    Bench,
    eventually,
    has_written,
    is_gone,
    python,
)
from worker.supervision.process import Role


def test_parts_stop_role_by_role_and_the_last_started_first(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    order = tmp_path / "order"
    roles = [Role.REDIS, Role.S3, Role.WORKER, Role.API]
    with bench.supervisor.everything_stopped_after():
        for role in roles:
            code = f"""
                import signal, sys, time
                def stop(*_):
                    time.sleep(0.1)
                    print({role.value!r}, file=open({str(order)!r}, "a"))
                    sys.exit()
                signal.signal(signal.SIGTERM, stop)
                print("listening")
                time.sleep(600)
            """
            process = bench.supervisor.start(python(role, role.value, textwrap.dedent(code)))
            assert eventually(partial(has_written, process, "listening"))
    assert order.read_text().split() == ["api", "worker", "s3", "redis"]


def test_a_part_that_does_not_stop_is_killed_after_its_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with bench.supervisor.everything_stopped_after():
        stubborn = bench.supervisor.start(python(Role.WORKER, "worker-1", STUBBORN, stop_seconds=0.3))
        assert eventually(partial(has_written, stubborn, "deaf"))
        begin = time.monotonic()
    assert time.monotonic() - begin < 3
    assert is_gone(stubborn.pid)


def test_a_second_wish_to_stop_is_not_kept_waiting(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    begin = time.monotonic()
    with bench.supervisor.everything_stopped_after():
        stubborn = bench.supervisor.start(python(Role.WORKER, "worker-1", STUBBORN, stop_seconds=60))
        assert eventually(partial(has_written, stubborn, "deaf"))
        bench.wishes.stop()
        bench.wishes.stop()
        bench.supervisor.watch()
    assert time.monotonic() - begin < DEADLINE_SECONDS
    assert is_gone(stubborn.pid)


WANTS_IT_TWICE = """
import signal, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
print("listening")
while len(asked) < 2:
    time.sleep(0.01)
raise SystemExit(len(asked))
"""


def test_a_part_may_get_another_signal_at_the_second_wish(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with bench.supervisor.everything_stopped_after():
        part = python(Role.WORKER, "worker-1", WANTS_IT_TWICE, stop_seconds=DEADLINE_SECONDS)
        patient = bench.supervisor.start(replace(part, second_signal=signal.SIGTERM))
        assert eventually(partial(has_written, patient, "listening"))
        bench.wishes.stop()
        bench.wishes.stop()
        bench.supervisor.watch()
    assert patient.exit_code == 2


def test_children_of_a_part_go_with_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with bench.supervisor.everything_stopped_after():
        parent = bench.supervisor.start(python(Role.API, "api", WITH_CHILD))
        family = psutil.Process(parent.pid)
        assert eventually(lambda: bool(family.children()))
        child = family.children()[0].pid
    assert is_gone(parent.pid)
    assert eventually(lambda: is_gone(child))


# --- the death of the supervisor itself -----------------------------------------------------------

SUPERVISING_PROGRAM = f"""
import os, signal, sys
from pathlib import Path
from worker.supervision.process import Part, Role
from worker.supervision.supervisor import Wishes, Supervisor

folder, wishes = Path(sys.argv[1]), Wishes()
signal.signal(signal.SIGTERM, lambda *_: wishes.stop())
supervisor = Supervisor(folder, folder, wishes, print)
with supervisor.everything_stopped_after():
    for role in Role:
        command = (sys.executable, "-c", {SLEEP!r})
        print(supervisor.start(Part(role, role.value, command, dict(os.environ))).pid)
    print("up", flush=True)
    supervisor.watch()
"""


IGNORING = ("sh", "-c", 'trap "" INT HUP; exec "$0" "$@"')  # as `nohup` and `&` in a script do


def supervising_process(folder: Path, *before: str) -> tuple[subprocess.Popen[str], list[int]]:
    """A process with a supervisor of four parts, and the ids of the parts."""
    process = subprocess.Popen(
        [*before, sys.executable, "-c", SUPERVISING_PROGRAM, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert process.stdout is not None
    pids = [int(line) for line in iter(process.stdout.readline, "up\n")]
    return process, pids


@pytest.mark.parametrize("before", [(), IGNORING], ids=["usual", "signals ignored"])
def test_sigterm_leaves_no_process_behind(tmp_path: Path, before: tuple[str, ...]) -> None:
    process, pids = supervising_process(tmp_path, *before)
    with process:
        process.terminate()
        assert process.wait(DEADLINE_SECONDS) == 0
    assert len(pids) == len(Role)
    assert all(is_gone(pid) for pid in pids)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_sigkill_leaves_no_process_behind(tmp_path: Path) -> None:
    process, pids = supervising_process(tmp_path)
    with process:
        assert not any(is_gone(pid) for pid in pids)
        process.kill()
    assert eventually(lambda: all(is_gone(pid) for pid in pids))
