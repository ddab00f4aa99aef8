"""A disk that fills up while a command writes pictures to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.system.hosts.small_disk import small_disk
from tests.unit.batch_service import EVERYTHING, BatchService
from tests.unit.client_server import JPEG, URL
from tests.unit.command_service import COMMAND, ROOT, run

PATIENCE_SECONDS = 60
PHOTOS = 12


def test_a_submit_that_cannot_write_any_more_is_resumed_when_it_can(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(PHOTOS):
        (tmp_path / "photos" / f"{number}.jpg").write_bytes(JPEG + bytes([number]))
    with BatchService() as bulk, small_disk(tmp_path / "disk", 1) as disk:
        out = disk.folder / "out"
        bulk.ending = 3
        words = ["--api", bulk.url, "submit", str(tmp_path / "photos"), "--style", URL, "--out", str(out)]
        process = subprocess.Popen(
            [*COMMAND, *words], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        with process:
            assert bulk.settled.wait(PATIENCE_SECONDS)
            disk.fill()
            bulk.ending = EVERYTHING
            output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 1
        reason = "cannot be written: No space left on device"
        assert f"{reason}\n\nTo continue later:\n\n    stylequeue resume {out}\n" in output
        assert "Traceback" not in output
        disk.make_room()
        result = run(bulk.url, "resume", out)
        assert result.exit_code == 0, result.output
        assert f"{PHOTOS} of {PHOTOS} picture(s) saved" in result.output
        assert len(bulk.batches) == 1


def test_a_disk_that_is_full_from_the_beginning_is_a_sentence(tmp_path: Path) -> None:
    photo = tmp_path / "cat.jpg"
    photo.write_bytes(JPEG)
    with BatchService() as bulk, small_disk(tmp_path / "disk", 1) as disk:
        disk.fill()
        result = run(bulk.url, "submit", photo, "--style", URL, "--out", disk.folder / "out")
        assert result.exit_code == 1
        assert result.output.endswith("cannot be written: No space left on device\n")
        assert bulk.batches == {}
