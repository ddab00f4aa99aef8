"""A `submit` that ends in the middle, and the commands that continue it."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.unit.batch_service import EVERYTHING, BatchService
from tests.unit.client_server import JPEG, Request, problem
from tests.unit.command_service import COMMAND, ROOT, run

FAR_AWAY = {"Retry-After": "3600"}  # so that the client gives up at once


def statuses(out: Path) -> list[str]:
    pictures: list[dict[str, Any]] = json.loads((out / "manifest.json").read_text())["pictures"]
    return [picture["status"] for picture in pictures]


def stop_when_settled(bulk: BatchService, command: list[str], number: int) -> tuple[int, str]:
    """Send a signal once every finished picture is fetched; return the exit code and the output."""
    process = subprocess.Popen(
        [*COMMAND, "--api", bulk.url, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert bulk.settled.wait(timeout=30)
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
    return process.returncode, output


def downloads(bulk: BatchService) -> list[Request]:
    return [each for each in bulk.requests if each.method == "GET" and each.path.startswith("/stored/")]


def assert_all_is_there_and_was_done_once(bulk: BatchService, out: Path) -> None:
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    photos = ["0", "1", "2", "3", "more/4", "more/5"]
    assert files == {"manifest.json", *(f"{photo}--wave.jpg" for photo in photos)}
    assert set(statuses(out)) == {"saved"}
    assert len(bulk.batches) == 1
    paths = [request.path for request in downloads(bulk)]
    assert len(paths) == len(set(paths)) == 6


def test_before_the_service_took_it_the_same_body_and_key_are_sent_again(
    bulk: BatchService, command: list[str], out: Path
) -> None:
    bulk.scripted = [problem(503, "broker-unavailable", "Redis cannot be reached.", headers=FAR_AWAY)]
    stopped = run(bulk.url, *command)
    assert stopped.exit_code == 1
    assert "Redis cannot be reached." in stopped.output
    assert f"stylequeue resume '{out}'" in stopped.output
    assert set(statuses(out)) == {"waiting"}
    puts = len(bulk.stored)
    assert run(bulk.url, "resume", out).exit_code == 0
    first, second = bulk.asked("POST /v1/batches")
    assert (first.body, first.headers["idempotency-key"]) == (second.body, second.headers["idempotency-key"])
    assert len([each for each in bulk.requests if each.method == "PUT"]) == puts
    assert_all_is_there_and_was_done_once(bulk, out)


def test_after_an_answer_that_was_lost_there_is_no_second_batch(
    bulk: BatchService, command: list[str], out: Path
) -> None:
    bulk.lose_answers = True
    stopped = run(bulk.url, *command)
    assert (stopped.exit_code, len(bulk.batches)) == (1, 1)
    assert "stylequeue resume" in stopped.output
    bulk.lose_answers = False
    bulk.requests.clear()
    assert run(bulk.url, "resume", out).exit_code == 0
    assert_all_is_there_and_was_done_once(bulk, out)


@pytest.mark.parametrize("again", ["resume", "submit"])
def test_a_killed_command_goes_on_with_what_is_not_there(
    bulk: BatchService, command: list[str], out: Path, again: str
) -> None:
    bulk.ending = 2
    assert stop_when_settled(bulk, command, signal.SIGKILL)[0] == -signal.SIGKILL
    assert len(downloads(bulk)) == 2
    left_behind = out / f".{'0' * 32}.part"
    left_behind.write_bytes(b"half a picture")
    bulk.ending = EVERYTHING
    words = ["resume", str(out)] if again == "resume" else command
    result = run(bulk.url, *words)
    assert result.exit_code == 0, result.output
    assert "6 of 6 picture(s) saved" in result.output
    assert not left_behind.exists()
    assert_all_is_there_and_was_done_once(bulk, out)


def test_ctrl_c_leaves_the_batch_and_says_how_to_go_on_and_how_to_cancel_it(
    bulk: BatchService, command: list[str], out: Path
) -> None:
    bulk.ending = 2
    exit_code, output = stop_when_settled(bulk, command, signal.SIGINT)
    assert exit_code == 130
    assert "Interrupted; batch batch-1 goes on without this command (2 of 6 picture(s) were done)" in output
    assert f"stylequeue resume '{out}'" in output
    assert f"stylequeue --api {bulk.url} batch cancel batch-1" in output
    assert sorted(statuses(out)) == ["saved"] * 2 + ["waiting"] * 4
    bulk.ending = EVERYTHING
    assert run(bulk.url, "resume", out).exit_code == 0
    assert_all_is_there_and_was_done_once(bulk, out)


def test_a_service_that_is_lost_in_the_middle_is_resumed_when_it_is_back(
    bulk: BatchService, command: list[str], out: Path
) -> None:
    bulk.ending = 2
    lost = Thread(target=lambda: bulk.settled.wait(30) and setattr(bulk, "gone", True))
    lost.start()
    result = run(bulk.url, *command)
    lost.join()
    assert result.exit_code == 1
    assert f"{bulk.url} did not respond" in result.output
    assert f"To continue later:\n\n    stylequeue resume '{out}'" in result.output
    assert sorted(statuses(out)) == ["saved"] * 2 + ["waiting"] * 4
    bulk.gone, bulk.ending = False, EVERYTHING
    assert run(bulk.url, "resume", out).exit_code == 0
    assert_all_is_there_and_was_done_once(bulk, out)


def test_an_expired_url_is_replaced_by_a_fresh_one(bulk: BatchService, command: list[str], out: Path) -> None:
    bulk.rows_expired = True
    result = run(bulk.url, *command)
    assert result.exit_code == 0, result.output
    assert set(statuses(out)) == {"saved"}
    assert len([each for each in bulk.requests if each.path.endswith("/result")]) == 6


def test_a_picture_that_arrived_damaged_is_fetched_by_resume(
    bulk: BatchService, command: list[str], out: Path
) -> None:
    bulk.damaged.add("batch-1-2")
    result = run(bulk.url, *command)
    assert result.exit_code == 1
    assert "arrived with another SHA-256 digest (not-saved)" in " ".join(result.output.split())
    assert not (out / "1--wave.jpg").exists()
    bulk.damaged.clear()
    assert run(bulk.url, "resume", out).exit_code == 0
    assert (out / "1--wave.jpg").exists()
    assert len(downloads(bulk)) == 7


@pytest.mark.parametrize("again", ["resume", "submit"])
def test_a_saved_picture_that_is_gone_is_fetched_again(
    bulk: BatchService, command: list[str], out: Path, again: str
) -> None:
    assert run(bulk.url, *command).exit_code == 0
    (out / "more" / "5--wave.jpg").unlink()
    words = ["resume", str(out)] if again == "resume" else command
    assert run(bulk.url, *words).exit_code == 0
    assert (out / "more" / "5--wave.jpg").exists()
    assert (len(downloads(bulk)), len(bulk.batches)) == (7, 1)


def test_resume_fetches_what_a_retry_of_the_batch_gave(
    bulk: BatchService, command: list[str], folder: Path, out: Path
) -> None:
    for kind in ("bad", "unlucky"):
        (folder / f"{kind}.jpg").write_bytes(JPEG + kind.encode())
    failed = run(bulk.url, *command)
    assert failed.exit_code == 1
    assert "1 picture(s) cannot be painted; a retry would not help." in failed.output
    retry = f"stylequeue --api {bulk.url} batch retry batch-1\n"
    assert f"To retry the other jobs:\n\n    {retry}    stylequeue resume '{out}'\n" in failed.output
    run(bulk.url, "batch", "retry", "batch-1")
    assert "7 of 8 picture(s) saved" in run(bulk.url, "resume", out).output
    run(bulk.url, "batch", "retry", "batch-1", "--permanent")
    result = run(bulk.url, "resume", out)
    assert result.exit_code == 0, result.output
    assert {"bad--wave.jpg", "unlucky--wave.jpg"} <= {path.name for path in out.iterdir()}
    assert len(downloads(bulk)) == 8


def test_a_failure_and_a_picture_are_reported_once_however_often_their_jobs_were_tried(
    bulk: BatchService, command: list[str], folder: Path, out: Path
) -> None:
    (folder / "bad.jpg").write_bytes(JPEG)
    bulk.rows_of_a_job = 3
    result = run(bulk.url, *command)
    assert result.output.count("The file is damaged.") == 1
    assert result.output.count("] saved ") == 6
    again = run(bulk.url, "resume", out)
    assert again.output.count("The file is damaged.") == 1
    assert "To retry the other jobs" not in again.output


def test_a_canceled_batch_ends_the_command_with_what_was_painted(
    bulk: BatchService, command: list[str], out: Path
) -> None:
    bulk.ending = 2
    stop_when_settled(bulk, command, signal.SIGINT)
    assert run(bulk.url, "batch", "cancel", "batch-1").exit_code == 0
    bulk.ending = EVERYTHING
    result = run(bulk.url, "resume", out)
    assert result.exit_code == 1
    assert "the job was canceled (canceled)" in result.output
    assert sorted(statuses(out)) == ["canceled"] * 4 + ["saved"] * 2
