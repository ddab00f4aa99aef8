"""`stylequeue submit`, against a loopback service that keeps jobs."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from client.orders import Order
from client.reports import Report, Stage
from client.tables import failure_table
from tests.unit.client_server import URL
from tests.unit.command_service import COMMAND, ROOT, Service, run


def test_every_photo_is_painted_with_every_style(service: Service, photos: Path, tmp_path: Path) -> None:
    wave = photos / "wave.jpg"
    out = tmp_path / "new" / "out"
    other = "s3://styles/night%20sky.png?v=2"
    arguments = [photos / "cat.jpg", URL, "--style", wave, "--style", other, "--out", out]
    result = run(service.url, "submit", *arguments)
    assert result.exit_code == 0, result.output
    names = ["cat--night sky.jpg", "cat--wave.jpg", "wave--night sky.jpg", "wave--wave.jpg"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert result.output.count("saved") == 4
    assert "[4/4] saved" in result.output


def test_the_options_reach_the_job(service: Service, photos: Path, tmp_path: Path) -> None:
    wishes = ["--max-side", "512", "--format", "webp", "--quality", "80", "--lane", "bulk"]
    arguments = [photos / "cat.jpg", "--style", URL, "--out", tmp_path, "--preserve-color", "luminance"]
    wishes += ["--strength", "0.5"]
    assert run(service.url, "submit", *arguments, *wishes).exit_code == 0
    [request] = service.submitted
    assert request["params"] == {
        "strength": 0.5,
        "max_side": 512,
        "style_size": 256,
        "preserve_color": "luminance",
    }
    assert request["output"] == {"format": "webp", "quality": 80}
    assert request["lane"] == "bulk"
    assert (tmp_path / "cat--wave.webp").exists()


def test_no_result_takes_the_name_of_another_or_of_a_file(
    service: Service, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "Cat--Wave.jpg").write_bytes(b"mine")
    both = [photos / "cat.jpg", photos / "more" / "cat.png"]
    assert run(service.url, "submit", *both, "--style", URL, "--out", out).exit_code == 0
    assert (out / "Cat--Wave.jpg").read_bytes() == b"mine"
    assert sorted(path.name for path in out.iterdir()) == [
        "Cat--Wave.jpg",
        "cat--wave-2.jpg",
        "cat--wave-3.jpg",
    ]


def test_what_failed_is_listed_with_its_reason_and_the_rest_is_saved(
    service: Service, photos: Path, tmp_path: Path
) -> None:
    (photos / "text[red].jpg").write_bytes(b"no picture")
    pictures = [photos / name for name in ("cat.jpg", "bad.jpg", "text[red].jpg")]
    result = run(service.url, "submit", *pictures, "--style", URL, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["cat--wave.jpg"]
    table = result.output[result.output.index("No picture came of these") :]
    assert "The file is damaged. (image-undecodable)" in table
    assert "job job-" in table
    assert "text[red].jpg" in table
    assert "is no JPEG, PNG or WebP file" in table.replace("\n", "")


def test_without_workers_the_user_is_told_why_nothing_moves(
    service: Service, photos: Path, tmp_path: Path
) -> None:
    result = run(service.url, "submit", photos / "cat.jpg", "--style", URL, "--out", tmp_path)
    assert "No worker is running" in result.output


@pytest.mark.parametrize(
    ("photo", "complaint"), [("none.jpg", "there is no file"), ("more", "is a folder; name its files")]
)
def test_a_photo_that_is_no_file_is_a_usage_error(
    service: Service, photos: Path, tmp_path: Path, photo: str, complaint: str
) -> None:
    result = run(service.url, "submit", photos / photo, "--style", URL, "--out", tmp_path)
    assert result.exit_code == 2
    assert complaint in result.output
    assert service.jobs == {}


@pytest.mark.parametrize("arguments", [["--max-side", "9"], ["--format", "gif"], ["--lane", "fast"]])
def test_a_wish_out_of_range_is_a_usage_error(
    service: Service, photos: Path, tmp_path: Path, arguments: list[str]
) -> None:
    result = run(service.url, "submit", photos / "cat.jpg", "--style", URL, "--out", tmp_path, *arguments)
    assert result.exit_code == 2


def test_a_service_that_is_not_there_is_named_with_the_way_to_start_one(photos: Path, tmp_path: Path) -> None:
    with Service() as gone:
        nowhere = gone.url
    result = run(nowhere, "submit", photos / "cat.jpg", "--style", URL, "--out", tmp_path)
    assert result.exit_code == 1
    message = f"Error: No service answers at {nowhere}. Is it running? Start one with: stylequeue up\n"
    assert result.output == message


def test_an_interrupted_submit_leaves_the_jobs_and_says_how_to_look_at_them(
    service: Service, photos: Path, tmp_path: Path
) -> None:
    service.ends = False
    arguments = ["--api", service.url, "submit", photos / "cat.jpg", "--style", URL, "--out", tmp_path]
    process = subprocess.Popen([*COMMAND, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with process:
        assert service.known.wait(timeout=30)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "1 submitted job(s) go on" in output
    assert f"stylequeue --api {service.url} status job-1" in output
    assert f"stylequeue --api {service.url} save job-1 --out {tmp_path}" in output
    assert service.jobs["job-1"]["status"] == "queued"


def on_a_terminal(columns: int, *arguments: object) -> tuple[int, str]:
    """The command's exit code and all that it drew."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns)}
    command = [*COMMAND, *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=theirs, env=environment)
    os.close(theirs)
    output = _read_all(ours)
    return process.wait(timeout=30), output


def test_on_a_terminal_a_bar_moves_and_leaves_only_the_results(
    service: Service, photos: Path, tmp_path: Path
) -> None:
    arguments = ["--api", service.url, "submit", photos / "cat.jpg", "--style", URL, "--out", tmp_path]
    exit_code, output = on_a_terminal(100, *arguments)
    assert exit_code == 0
    assert "0/1  0 queued" in output
    assert "\x1b[2K" in output  # the bar's line is drawn over
    assert "saved" in output


def _read_all(terminal: int) -> str:
    chunks = []
    with os.fdopen(terminal, "rb", buffering=0) as stream:
        try:
            while chunk := stream.read(4096):
                chunks.append(chunk)
        except OSError:  # Linux reports a terminal without a writer as EIO
            pass
    return b"".join(chunks).decode()


def test_the_reasons_of_failures_read_well_at_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    order = Order(Path("photos/2026/harbor-at-night.jpg"), "https://a.example/starry-night.jpg", Path("out"))
    job_id = "019f1c2e-7f3a-7c1e-9b8e-2f1d4c5b6a70"
    reason = "The file is damaged: image file is truncated (7 bytes not processed) (image-undecodable)"
    Console(width=80).print(failure_table([Report(order, Stage.FAILED, job_id, reason)], 80))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[4:8] == [
        "harbor-at-night.jpg The file is damaged: image file is",
        "in the style of starry-night.jpg truncated (7 bytes not processed)",
        "(image-undecodable)",
        f"job {job_id}",
    ]
