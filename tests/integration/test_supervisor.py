"""The supervisor with small stand-in programs, and the promise that nothing outlives it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest

from local.binaries import first
from local.data_folder import DataFolder
from local.ports import free_ports, require_free
from worker.supervision.errors import PartDied, StackError
from worker.supervision.process import LOG_LIMIT_BYTES, Part, Process, Role
from worker.supervision.restarts import Backoff, keeps_failing
from worker.supervision.supervisor import Supervisor, Wishes

DEADLINE_SECONDS = 20
QUICK = Backoff(first_seconds=0.05, limit_seconds=0.2, reset_seconds=60)
SLEEP = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"
)
WITH_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
CRASH = "import time; time.sleep(0.05); print('out of paint'); raise SystemExit(3)"
PROJECT = Path(__file__).parents[2]


def python(role: Role, name: str, code: str, stop_seconds: float = 5) -> Part:
    command = (sys.executable, "-u", "-c", code)
    return Part(role, name, command, dict(os.environ), stop_seconds=stop_seconds)


def eventually(condition: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def has_written(process: Process, text: str) -> bool:
    return text in process.log_tail()


class Bench:
    """A supervisor that a test steps by hand, what it reported, and every process that it started."""

    def __init__(self, folder: Path) -> None:
        self.lines: list[str] = []
        self.wishes = Wishes()
        self.supervisor = Supervisor(
            folder, folder, self.wishes, self.lines.append, backoff=QUICK, wake_hint="; call it"
        )

    def check_until(self, condition: Callable[[], bool]) -> bool:
        def step() -> bool:
            self.supervisor.check()
            return condition()

        return eventually(step)


def last_words(bench: Bench) -> str:
    """What is told when the watch ends by the death of a part; everything is stopped by then."""

    def watch() -> None:
        with bench.supervisor.everything_stopped_after():
            bench.supervisor.watch()

    with pytest.raises(PartDied) as death:
        watch()
    return death.value.detail


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    with bench.supervisor.everything_stopped_after():
        yield bench


# --- deaths ---------------------------------------------------------------------------------------


def test_a_worker_that_dies_is_started_again_and_the_report_names_code_delay_and_log(bench: Bench) -> None:
    worker = bench.supervisor.start(python(Role.WORKER, "worker-1", SLEEP))
    os.kill(worker.pid, signal.SIGKILL)

    def replaced() -> bool:
        return bool(bench.supervisor.process_ids(Role.WORKER) - {worker.pid})

    assert bench.check_until(replaced)
    assert bench.lines == [f"worker-1 was ended by SIGKILL; starting it again in 0.05 s (log: {worker.log})"]


def test_a_worker_that_goes_on_dying_stays_down_longer_each_time(bench: Bench) -> None:
    bench.supervisor.start(python(Role.WORKER, "worker-1", CRASH))
    watching = threading.Timer(3, bench.wishes.stop)
    watching.start()
    with bench.supervisor.everything_stopped_after():
        bench.supervisor.watch()
    delays = [line.split(" in ")[1].split(" s ")[0] for line in bench.lines]
    assert delays[:4] == ["0.05", "0.1", "0.2", "0.2"]
    assert "worker-1 ended with exit code 3" in bench.lines[0]


def test_a_long_life_makes_the_next_death_the_first_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.supervisor.backoff = Backoff(first_seconds=0.05, limit_seconds=1, reset_seconds=0)
    with bench.supervisor.everything_stopped_after():
        bench.supervisor.start(python(Role.WORKER, "worker-1", CRASH))
        assert bench.check_until(lambda: len(bench.lines) == 4)
    assert all("in 0.05 s" in line for line in bench.lines)


def test_a_worker_that_never_comes_up_ends_the_start_with_the_end_of_its_log(bench: Bench) -> None:
    bench.supervisor.start(python(Role.WORKER, "worker-1", CRASH))
    with pytest.raises(PartDied, match=r"(?s)worker-1 ended with exit code 3.*worker-1\.log.*out of paint"):
        bench.supervisor.wait_until(lambda: False, "the stack", DEADLINE_SECONDS)
    assert len(bench.lines) == 2


REFUSAL = "raise SystemExit(print('stylequeue: there is no paint') or print('noise') or 69)"


def test_a_worker_that_cannot_work_here_ends_the_start_at_once_with_its_own_sentence(bench: Bench) -> None:
    worker = bench.supervisor.start(python(Role.WORKER, "worker-1", REFUSAL))
    with pytest.raises(PartDied) as death:
        bench.supervisor.wait_until(lambda: False, "the stack", DEADLINE_SECONDS)
    assert death.value.detail == f"worker-1: there is no paint (log: {worker.log})"
    assert bench.lines == []


def test_a_worker_that_cannot_work_later_on_says_why_and_is_started_again(bench: Bench) -> None:
    bench.supervisor.start(python(Role.WORKER, "worker-1", REFUSAL))
    threading.Timer(1, bench.wishes.stop).start()
    with bench.supervisor.everything_stopped_after():
        bench.supervisor.watch()
    assert bench.lines[0].startswith("worker-1: there is no paint; starting it again in 0.05 s (log: ")


def test_another_part_ends_with_its_own_sentence_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.supervisor.start(python(Role.API, "api", REFUSAL))
    assert last_words(bench) == f"api: there is no paint (log: {tmp_path / 'api.log'})"


def test_a_worker_that_stopped_as_it_was_told_stays_down_until_somebody_wants_it_back(bench: Bench) -> None:
    told = bench.supervisor.start(python(Role.WORKER, "worker-1", "raise SystemExit(0)"))
    other = bench.supervisor.start(python(Role.WORKER, "worker-2", SLEEP))
    watching = threading.Thread(target=watch_until_asked, args=(bench,))
    watching.start()
    assert eventually(lambda: bench.lines != [])
    assert bench.lines == ["worker-1 stopped as it was told, and stays down; call it"]
    assert bench.supervisor.process_ids(Role.WORKER) == {other.pid}
    bench.wishes.wake()
    assert eventually(lambda: "worker-1 is started again" in bench.lines)
    assert eventually(lambda: bench.lines.count(bench.lines[0]) == 2), "it stopped once more"
    assert told.pid != other.pid
    bench.wishes.stop()
    watching.join()


def test_the_watch_ends_when_all_workers_stopped_as_they_were_told(bench: Bench) -> None:
    for name in ("worker-1", "worker-2"):
        bench.supervisor.start(python(Role.WORKER, name, "raise SystemExit(0)"))
    bench.supervisor.watch()
    assert len(bench.lines) == 2


def test_a_worker_that_keeps_failing_ends_a_watch_that_gives_up(bench: Bench) -> None:
    bench.supervisor.start(python(Role.WORKER, "worker-1", REFUSAL))
    with pytest.raises(PartDied, match="there is no paint"):
        bench.supervisor.watch(keeps_failing)
    assert len(bench.lines) == 2


def test_without_a_folder_for_logs_parts_write_where_the_supervisor_writes(
    capfd: pytest.CaptureFixture[str],
) -> None:
    lines: list[str] = []
    supervisor = Supervisor(None, None, Wishes(), lines.append, backoff=QUICK)
    supervisor.start(python(Role.WORKER, "worker-1", CRASH))
    died = pytest.raises(PartDied, match=r"^worker-1 ended with exit code 3$")
    with supervisor.everything_stopped_after(), died:
        supervisor.watch(keeps_failing)
    assert lines[0] == "worker-1 ended with exit code 3; starting it again in 0.05 s"
    assert capfd.readouterr().out.count("out of paint") == 3


def watch_until_asked(bench: Bench) -> None:
    with bench.supervisor.everything_stopped_after():
        bench.supervisor.watch()


def test_the_death_of_another_part_stops_the_rest_and_shows_the_end_of_its_log(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    code = "print(*range(100), sep='\\n'); raise SystemExit(7)"
    redis = bench.supervisor.start(python(Role.REDIS, "redis", SLEEP))
    worker = bench.supervisor.start(python(Role.WORKER, "worker-1", SLEEP))
    bench.supervisor.start(python(Role.S3, "s3", code))
    headline, *tail = last_words(bench).splitlines()
    assert headline == f"s3 ended with exit code 7. The end of {tmp_path / 's3.log'}:"
    assert tail == [str(number) for number in range(80, 100)]
    assert is_gone(redis.pid)
    assert is_gone(worker.pid)


def test_only_what_the_last_start_wrote_is_shown(tmp_path: Path) -> None:
    (tmp_path / "s3.log").write_text("an old line\n")
    bench = Bench(tmp_path)
    bench.supervisor.start(python(Role.S3, "s3", "raise SystemExit(1)"))
    assert "an old line" not in last_words(bench)
    assert "an old line" in (tmp_path / "s3.log").read_text()


def test_a_part_that_is_slow_is_not_waited_for_for_ever(bench: Bench) -> None:
    bench.supervisor.start(python(Role.S3, "s3", SLEEP))
    with pytest.raises(StackError, match=r"s3 was not ready within 0\.2 s"):
        bench.supervisor.wait_until(lambda: False, "s3", 0.2)


# --- the stop -------------------------------------------------------------------------------------


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


def supervising_process(folder: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """A process with a supervisor of four parts, and the ids of the parts."""
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISING_PROGRAM, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert process.stdout is not None
    pids = [int(line) for line in iter(process.stdout.readline, "up\n")]
    return process, pids


def test_sigterm_leaves_no_process_behind(tmp_path: Path) -> None:
    process, pids = supervising_process(tmp_path)
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


# --- ports, folders, programs ---------------------------------------------------------------------


def test_a_taken_port_is_told_in_one_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        message = rf"^Port {port} cannot be used: address already in use\. Choose another with --port$"
        with pytest.raises(StackError, match=message):
            require_free(port)


LISTEN = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(600)
"""


def listener(port: int) -> Part:
    command = (sys.executable, "-c", LISTEN, str(port))
    return Part(Role.S3, "s3", command, dict(os.environ))


def has_a_listener(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_server_whose_port_is_snatched_away_takes_the_next_one(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken, free = other.getsockname()[1], next(free_ports())
        port = bench.supervisor.start_server(
            listener, (taken, free), lambda port: port == free and has_a_listener(port)
        )
    assert port == free
    bench.supervisor.check()


def test_a_server_that_gets_no_port_at_all_shows_its_log(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(PartDied, match="Address already in use"):
            bench.supervisor.start_server(listener, (taken, taken), lambda _: False)


def test_a_data_folder_serves_one_stack_at_a_time(tmp_path: Path) -> None:
    refused = pytest.raises(StackError, match=r"^The data folder .* is in use by another stack$")
    with DataFolder(tmp_path).locked(), refused:
        DataFolder(tmp_path).locked().__enter__()
    with DataFolder(tmp_path).locked():
        pass


def test_a_new_stack_waits_until_the_programs_of_a_killed_one_are_gone(tmp_path: Path) -> None:
    with DataFolder(tmp_path).locked() as lock:
        program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"], pass_fds=(lock,))
    with program, DataFolder(tmp_path).locked():
        assert is_gone(program.pid)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match=r"cannot be used: Not a directory$"):
        DataFolder(tmp_path / "file" / "data").locked().__enter__()


def test_credentials_are_made_once_and_private(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    with data.locked():
        credentials = data.credentials()
        assert data.credentials() == credentials
    assert (data.root / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert credentials.s3_secret_key not in repr(credentials)
    other = DataFolder(tmp_path / "other")
    with other.locked():
        assert other.credentials() != credentials


def test_a_log_that_has_grown_too_long_is_put_aside_once(tmp_path: Path) -> None:
    log = tmp_path / "s3.log"
    log.write_bytes(b"x" * (LOG_LIMIT_BYTES + 1))
    bench = Bench(tmp_path)
    with bench.supervisor.everything_stopped_after():
        process = bench.supervisor.start(python(Role.S3, "s3", f"print('fresh'); {SLEEP}"))
        assert eventually(lambda: process.log_tail() == "fresh")
    assert log.read_text() == "fresh\n"
    assert (tmp_path / "s3.log.1").stat().st_size > LOG_LIMIT_BYTES


def test_a_missing_program_is_told_with_the_way_to_get_it() -> None:
    with pytest.raises(StackError, match=r"^pip install it$"):
        first(iter(()), "pip install it")
