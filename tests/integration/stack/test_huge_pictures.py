"""A large picture through the whole stack: it is painted in bands, and holds up nobody."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from client import StyleQueue
from local.stack import LocalStack
from samples import content_paths, style_paths
from shared.settings import Settings
from shared.wire.descriptors import Output
from shared.wire.params import MAX_SIDE, Params
from shared.wire.records import JobStatus, JobView
from tests.files.pictures import decode_style
from tests.stacks.servers import wait_until
from worker.images.codec import decode_content
from worker.images.headers import ImageLimits
from worker.model.stylizer import AT_ONCE_PIXELS, Stylizer

LARGE = (3000, 2400)
SMALL_JOBS = 2
MOST, ALMOST_ALL = 2, 0.9999  # of 255; the bands store float16


def enlarged(width: int, height: int) -> bytes:
    file = BytesIO()
    with Image.open(content_paths()[0]) as photograph:
        photograph.resize((width, height)).save(file, "JPEG")
    return file.getvalue()


def in_bands(queue: StyleQueue, job: JobView) -> float:
    """Return the fraction that is done while the model paints, or 0."""
    progress = queue.job(job.id).progress
    return progress.fraction if progress and progress.stage == "model" and progress.fraction > 0.1 else 0


def test_small_jobs_end_while_a_large_one_is_painted_and_it_ends_when_it_is_canceled(
    stack: LocalStack,
) -> None:
    assert LARGE[0] * LARGE[1] > AT_ONCE_PIXELS
    with StyleQueue(stack.url) as queue:
        one_pass = Params(max_side="original", stroke_side=MAX_SIDE)
        large = queue.submit(enlarged(*LARGE), style_paths()[0], params=one_pass)
        wait_until(lambda: in_bands(queue, large), 60, "the first bands")
        seen = [in_bands(queue, large)]
        for _ in range(SMALL_JOBS):
            small = queue.submit(content_paths()[0], style_paths()[0], params=Params(max_side=256))
            assert queue.wait(small, timeout_seconds=60).status is JobStatus.SUCCEEDED
            seen.append(in_bands(queue, large))
            assert queue.job(large.id).status is JobStatus.RUNNING
        assert seen == sorted(seen)
        queue.cancel(large.id)
        wait_until(lambda: queue.job(large.id).status is JobStatus.CANCELED, 30, "the end of the large job")
        again = queue.submit(enlarged(300, 200), style_paths()[0], params=Params(max_side=256))
        assert queue.wait(again, timeout_seconds=60).status is JobStatus.SUCCEEDED


def test_a_large_picture_is_through_all_parts_as_the_model_paints_it_at_once(
    stack: LocalStack, model_cache: Path, tmp_path: Path
) -> None:
    photograph = enlarged(2304, 1824)
    params, style = Params(max_side="original", stroke_side=MAX_SIDE, style_crop="center"), style_paths()[0]
    with StyleQueue(stack.url) as queue:
        job = queue.submit(photograph, style, params=params, output=Output(format="png"))
        path = queue.save(queue.wait(job, timeout_seconds=300), tmp_path)
    stylizer = Stylizer("embedded", model_cache)
    limits = ImageLimits.from_settings(Settings())
    parameters = stylizer.style_parameters(decode_style(style.read_bytes(), params.style_size, limits))
    expected = stylizer.paint([decode_content(photograph, MAX_SIDE, limits).picture], [parameters])[0]
    with Image.open(path) as picture:
        differences = np.abs(np.asarray(picture).astype(int) - expected)
    assert differences.max() <= MOST
    assert (differences <= 1).mean() > ALMOST_ALL
