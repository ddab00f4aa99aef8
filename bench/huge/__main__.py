"""Measure huge pictures: their time and memory, their neighbors' time, and their difference from the whole.

`python -m bench.huge PHOTO`: the photograph is enlarged to each size, with noise as a camera has it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from bench.huge.peaks import Peaks
from bench.measures.machine import this_machine
from bench.measures.scratch import scratch_folder
from client import StyleQueue
from local.stack import LocalStack
from samples import content_paths, style_paths
from shared.settings import Settings
from shared.wire.params import MAX_SIDE, Params
from shared.wire.records import JobStatus
from worker.model.bands.limits import BandLimits, PictureRows
from worker.model.stylizer import Stylizer

SIZES = ((6000, 4000), (12_000, 8400))
COMPARED = (4900, 3430)  # 16.8 megapixels
MEMORY_BYTES = 500_000_000  # of one call
ROUNDS, ALONE, BESIDE = 3, 15, 25  # small jobs of a round
SMALL_SIDE = 256
WAIT_SECONDS = 3600


def photograph(file: Path, size: tuple[int, int]) -> Image.Image:
    with Image.open(file) as small:
        picture = np.asarray(small.convert("RGB").resize(size, Image.Resampling.LANCZOS))
    random, noisy = np.random.default_rng(1), np.empty_like(picture)
    for row, values in enumerate(picture):
        noisy[row] = np.clip(values + random.normal(0, 6, (len(values), 1)), 0, 255)
    return Image.fromarray(noisy)


def as_jpeg(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()


def difference(file: Path, style: Path, settings: Settings) -> str:
    """Compare a picture in bands with the whole one, in float32."""
    stylizer = Stylizer("embedded", settings.cache_dir, "float32")
    content = np.asarray(photograph(file, COMPARED))
    with Image.open(style) as picture:
        parameters = stylizer.style_parameters(np.asarray(picture.convert("RGB").resize((256, 256))))
    banded = np.empty_like(content)

    def write(first: int, pixels: np.ndarray) -> None:
        banded[first : first + len(pixels)] = pixels

    rows = PictureRows(*content.shape[:2], lambda first, end: content[first:end], write)
    assert stylizer.bands
    for _ in stylizer.bands.steps(rows, parameters, BandLimits(1_000_000, 10**10)):
        pass
    off = np.abs(banded.astype(np.int16) - stylizer.paint([content], [parameters])[0])
    width, height = COMPARED
    return (
        f"{width} x {height}: off by {off.max()} of 255 at most, {(off > 0).mean():.1%} of the values differ"
    )


def paint(queue: StyleQueue, file: bytes, style: Path) -> None:
    begin = time.monotonic()
    with Peaks() as highest:
        job = queue.submit(file, style, params=Params(max_side="original"))
        result = queue.wait(job, timeout_seconds=WAIT_SECONDS).result
    assert result
    stages = {stage: round(ms / 1000, 1) for stage, ms in result.timings_ms.items()}
    memory = {role: f"{size / 1e6:.0f} MB" for role, size in sorted(highest.bytes.items())}
    print(
        f"{result.width} x {result.height}: {time.monotonic() - begin:.0f} s, {stages}, {memory}", flush=True
    )


def beside(queue: StyleQueue, large: bytes, style: Path) -> None:
    """Time small jobs alone and beside a large one, by turns."""

    def seconds() -> float:
        begin = time.monotonic()
        small = queue.submit(content_paths()[0], style, params=Params(max_side=SMALL_SIDE))
        assert queue.wait(small, timeout_seconds=WAIT_SECONDS).status is JobStatus.SUCCEEDED
        return time.monotonic() - begin

    for number in range(1, ROUNDS + 1):
        alone = median(seconds() for _ in range(ALONE))
        job = queue.submit(large, style, params=Params(max_side="original", stroke_side=MAX_SIDE))
        until(lambda job=job: (queue.job(job.id).progress or job).model_dump().get("stage") == "model")
        with_large = median(seconds() for _ in range(BESIDE))
        queue.cancel(job.id)
        until(lambda job=job: queue.job(job.id).status is JobStatus.CANCELED)
        print(
            f"round {number}: alone {alone:.3f} s, beside {with_large:.3f} s, ratio {with_large / alone:.2f}"
        )


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.1)


def main() -> None:
    """Print the machine, and then a line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path, nargs="?", default=content_paths()[0])
    parser.add_argument("--style", type=Path, default=style_paths()[0])
    given = parser.parse_args()
    print(this_machine().line(), flush=True)
    print(difference(given.photo, given.style, Settings.from_environment(os.environ)), flush=True)
    environment = {"STYLEQUEUE_MEMORY_BUDGET_BYTES": str(MEMORY_BYTES)}
    with (
        scratch_folder() as folder,
        LocalStack(folder, environment=environment) as stack,
        StyleQueue(stack.url) as queue,
    ):
        for size in SIZES:
            file = as_jpeg(photograph(given.photo, size))
            paint(queue, file, given.style)
        beside(queue, file, given.style)


if __name__ == "__main__":
    main()
