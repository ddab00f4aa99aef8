"""A folder through the whole system with the command as a user runs it, killed in the middle."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from client import StyleQueue
from local.stack import LocalStack
from shared.wire.records import JobStatus
from tests.files.pictures import photo
from tests.stacks.servers import wait_until
from worker.images.metadata.writing import SOURCE_TYPE

COMMAND = [sys.executable, "-c", "from client.command import main; main(prog_name='stylequeue')"]
ROOT = Path(__file__).resolve().parents[3]
PHOTOS, STYLES = 30, 2
TAKEN = 1_000_000_000  # the time of the photos' files, in seconds
OPTIONS = ("--max-side", "64", "--metadata", "keep", "--keep-time")
Manifest = dict[str, Any]


@pytest.fixture
def queue(stack: LocalStack) -> Iterator[StyleQueue]:
    with StyleQueue(stack.url) as queue:
        yield queue


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Photos, half of them in a sub-folder, no two with the same bytes; two styles beside them."""
    whole = photo(96, 64)
    (tmp_path / "photos" / "beach").mkdir(parents=True)
    for number in range(PHOTOS):
        folder = tmp_path / "photos" / ("beach" if number % 2 else ".")
        whole.crop((0, 0, 64 + number, 64)).save(folder / f"{number:03d}.jpg")
        os.utime(folder / f"{number:03d}.jpg", (number, TAKEN + number))
    for number in range(STYLES):
        whole.crop((number, number, 64, 64)).save(tmp_path / f"style-{number}.png")
    return tmp_path


def submit(album: Path) -> list[str]:
    styles = [word for number in range(STYLES) for word in ("--style", str(album / f"style-{number}.png"))]
    return ["submit", str(album / "photos"), *styles, "--out", str(album / "out"), *OPTIONS]


def run(url: str, *words: str) -> str:
    """Return what the command printed."""
    result = subprocess.run(
        [*COMMAND, "--api", url, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def manifest_in(album: Path) -> Manifest:
    file = album / "out" / "manifest.json"
    manifest: Manifest = json.loads(file.read_text()) if file.exists() else {"pictures": []}
    return manifest


def painted(album: Path) -> list[Path]:
    return sorted((album / "out").rglob("*.jpg"))


WHEN: dict[str, Callable[[Path], object]] = {
    "nothing is uploaded": lambda album: manifest_in(album)["pictures"],
    "the batch is being sent": lambda album: manifest_in(album).get("sent_at"),
    "the batch is accepted": lambda album: manifest_in(album).get("batch_id"),
    "some pictures are there": painted,
}


@pytest.mark.parametrize("when", WHEN)
def test_a_killed_submit_is_resumed_without_a_job_or_a_file_too_many(
    stack: LocalStack, queue: StyleQueue, album: Path, when: str
) -> None:
    batches_before = {batch.id for batch in queue.batches.list()}
    process = subprocess.Popen([*COMMAND, "--api", stack.url, *submit(album)], cwd=ROOT)
    wait_until(lambda: WHEN[when](album), 60, when)
    process.kill()
    assert process.wait() == -signal.SIGKILL

    run(stack.url, "resume", str(album / "out"))
    (batch_id,) = {batch.id for batch in queue.batches.list()} - batches_before
    jobs = list(queue.batches.jobs(batch_id, page_size=100))
    assert len(jobs) == PHOTOS * STYLES
    assert {job.status for job in jobs} == {JobStatus.SUCCEEDED}
    assert_every_picture_is_there_once(album)

    assert "Nothing to submit" in run(stack.url, *submit(album))
    assert {batch.id for batch in queue.batches.list()} - batches_before == {batch_id}
    assert_every_picture_is_there_once(album)


def test_the_same_command_twice_at_once_makes_each_job_once(
    stack: LocalStack, queue: StyleQueue, album: Path
) -> None:
    batches_before = {batch.id for batch in queue.batches.list()}
    command = [*COMMAND, "--api", stack.url, *submit(album)]
    both = [
        subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    ends = [(process.communicate(timeout=180)[0], process.returncode) for process in both]
    assert 0 in [code for _, code in ends], ends
    for output, code in ends:
        assert code == 0 or "Another stylequeue command (process " in output
    (batch_id,) = {batch.id for batch in queue.batches.list()} - batches_before
    assert len(list(queue.batches.jobs(batch_id, page_size=100))) == PHOTOS * STYLES
    assert_every_picture_is_there_once(album)


def assert_every_picture_is_there_once(album: Path) -> None:
    pictures = {picture["file"]: picture for picture in manifest_in(album)["pictures"]}
    names = {
        f"{'beach/' * (number % 2)}{number:03d}--style-{style}.jpg"
        for number in range(PHOTOS)
        for style in range(STYLES)
    }
    files = {path.relative_to(album / "out").as_posix() for path in painted(album)}
    assert files == pictures.keys() == names
    for name, picture in pictures.items():
        content = (album / "out" / name).read_bytes()
        assert (picture["status"], picture["sha256"]) == ("saved", hashlib.sha256(content).hexdigest())
        with Image.open(album / "out" / name) as image:
            assert max(image.size) == 64
            assert SOURCE_TYPE in image.info["xmp"].decode()
        number = int(Path(name).name[:3])
        assert (album / "out" / name).stat().st_mtime == TAKEN + number
    assert [path.name for path in (album / "out").rglob(".*")] == []


def test_a_prefix_is_painted_object_by_object_and_resumed(model_cache: Path, album: Path) -> None:
    """It has a service of its own, so the first command's results are all objects below the prefix."""
    environment = {"STYLEQUEUE_CACHE_DIR": str(model_cache)}
    styles = ["--style", str(album / "style-0.png"), "--style", str(album / "style-1.png")]
    with LocalStack(album / "stack", workers=1, environment=environment) as own:
        first = [str(album / "photos" / f"{number:03d}.jpg") for number in (0, 2, 4)]
        run(own.url, "submit", *first, *styles[:2], "--out", str(album / "first"), "--max-side", "64")
        with StyleQueue(own.url) as queue:
            results = [job.result for job in queue.iter_jobs()]
        (prefix,) = {f"s3://stylequeue/{result.key.rpartition('/')[0]}/" for result in results if result}
        command = ["submit", prefix, *styles, "--out", str(album / "out"), "--max-side", "64"]
        run(own.url, *command)
        names = {path.name for path in painted(album)}
        painted(album)[0].unlink()
        run(own.url, "resume", str(album / "out"))
        assert "Nothing to submit" in run(own.url, *command)
        with StyleQueue(own.url) as queue:
            assert len(list(queue.batches.list())) == 2
    keys = {result.key.rpartition("/")[2] for result in results if result}
    stems = {Path(key).stem for key in keys}
    assert names == {f"{stem}--style-{style}.jpg" for stem in stems for style in range(STYLES)}
    assert {path.name for path in painted(album)} == names
