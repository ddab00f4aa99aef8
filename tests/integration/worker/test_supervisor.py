"""The supervisor with small stand-in programs, and the promise that nothing outlives it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ports import free_ports
from tests.workers.supervised import (
    CRASH,
    DEADLINE_SECONDS,
    QUICK,
    SLEEP,
    Bench,
    eventually,
    is_gone,
    python,
)
from worker.supervision.errors import PartDied, StackError
from worker.supervision.process import LOG_LIMIT_BYTES, Part, Role
from worker.supervision.restarts import Backoff, keeps_failing
from worker.supervision.supervisor import Supervisor, Wishes


def last_words(bench: Bench) -> str:
    """Return the error of a watch that ends by the death of a part; everything is stopped by then."""

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
    assert bench.lines == ["worker-1 stopped on request, and stays down; call it"]
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


# --- ports and logs ----------------------------------------------------------------------------------


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


def test_a_log_that_has_grown_too_long_is_put_aside_once(tmp_path: Path) -> None:
    log = tmp_path / "s3.log"
    log.write_bytes(b"x" * (LOG_LIMIT_BYTES + 1))
    bench = Bench(tmp_path)
    with bench.supervisor.everything_stopped_after():
        process = bench.supervisor.start(python(Role.S3, "s3", f"print('fresh'); {SLEEP}"))
        assert eventually(lambda: process.log_tail() == "fresh")
    assert log.read_text() == "fresh\n"
    assert (tmp_path / "s3.log.1").stat().st_size > LOG_LIMIT_BYTES
