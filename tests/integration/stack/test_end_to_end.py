"""One picture and many, through the whole stack: HTTP, Redis, a Celery worker, the model, S3."""

from __future__ import annotations

import hashlib
import struct
import threading
import zlib
from collections.abc import Iterator
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
import tensorflow_hub as hub
from PIL import Image
from pillow_heif import register_heif_opener

from client import StyleQueue
from local.stack import LocalStack
from samples import content_paths, style_paths
from shared.settings import Settings
from shared.wire.descriptors import Output
from shared.wire.params import Params
from shared.wire.records import JobStatus, JobView
from tests.files.pictures import decode_style
from tests.stacks.servers import wait_until
from worker.images.codec import decode_content
from worker.images.headers import ImageLimits
from worker.model.embedded_model import embedded_model_path

CONTENT, STYLE = content_paths()[0], style_paths()[0]
MEAN_DIFFERENCE = 0.01  # of 1; test_stylizer.py says where it comes from


@pytest.fixture
def queue(stack: LocalStack) -> Iterator[StyleQueue]:
    with StyleQueue(stack.url) as queue:
        yield queue


def small_jpeg(shade: int = 128, width: int = 64, height: int = 48) -> bytes:
    ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(np.bitwise_xor(ramp, np.uint8(shade))).save(file, "JPEG")
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Return the beginning of a PNG file: it announces a size and holds no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def with_three_pictures(kind: str) -> bytes:
    """Return an animation, or a file with three pages."""
    register_heif_opener()
    frames = [Image.new("RGB", (64, 64), color) for color in ("red", "green", "blue")]
    file = BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


def test_a_curl_like_submission_gives_a_stylized_picture_of_the_contents_size(stack: LocalStack) -> None:
    files = {"content": CONTENT.open("rb"), "style": STYLE.open("rb")}
    accepted = httpx.post(f"{stack.url}/v1/jobs", files=files)
    assert accepted.status_code == 202
    finished = httpx.get(accepted.headers["Location"], params={"wait": 30}, timeout=40)
    job = JobView.model_validate_json(finished.content)
    assert job.status is JobStatus.SUCCEEDED, job
    assert job.result is not None
    answer = httpx.get(job.result.url, follow_redirects=True)
    with Image.open(BytesIO(answer.content)) as picture, Image.open(CONTENT) as content:
        assert picture.size == content.size == (job.result.width, job.result.height)
        difference = np.abs(np.asarray(picture, float) - np.asarray(content.convert("RGB"), float))
    assert difference.mean() > 15  # of 255: it is another picture
    assert set(job.result.timings_ms) == {"queue", "fetch", "decode", "style", "model", "encode", "put"}


def test_the_example_of_the_api_page_is_painted_as_it_stands(stack: LocalStack, queue: StyleQueue) -> None:
    page = httpx.get(f"{stack.url}/openapi.json").json()
    body = page["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]
    accepted = JobView.model_validate_json(httpx.post(f"{stack.url}/v1/jobs", json=body["example"]).content)
    job = queue.wait(accepted, timeout_seconds=60)
    assert job.result is not None
    assert (job.result.width, job.result.height) == (64, 64)


def test_output_and_params_are_obeyed(queue: StyleQueue, tmp_path: Path) -> None:
    params = Params(max_side=200, preserve_color="luminance")
    job = queue.wait(queue.submit(CONTENT, STYLE, params=params, output=Output(format="webp")))
    path = queue.save(job, tmp_path)
    with Image.open(path) as picture, Image.open(CONTENT) as content:
        assert (picture.format, max(picture.size)) == ("WEBP", 200)
        assert job.result is not None
        assert (job.result.source_width, job.result.source_height) == content.size


def test_a_picture_keeps_its_own_size_on_request(queue: StyleQueue) -> None:
    wide = small_jpeg(width=1200, height=80)
    job = queue.wait(queue.submit(wide, STYLE, params=Params(max_side="original")), timeout_seconds=60)
    assert job.result is not None, job.error
    assert (job.result.width, job.result.height, job.result.source_width) == (1200, 80, None)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "AVIF", "HEIF", "TIFF"])
def test_a_file_with_several_pictures_is_the_first_and_an_animation_is_refused_on_request(
    queue: StyleQueue, kind: str
) -> None:
    several = with_three_pictures(kind)
    first = queue.wait(queue.submit(several, STYLE, params=Params(max_side=64)), timeout_seconds=60)
    assert first.result is not None, first.error
    moves = kind in ("GIF", "PNG", "AVIF")
    assert [warning.code for warning in first.result.warnings] == ["image-animated"] * moves
    strict = Params(max_side=64, animation="refuse")
    for content, style in ((several, STYLE), (CONTENT, several)):
        job = queue.wait(queue.submit(content, style, params=strict), timeout_seconds=60)
        assert (job.error.code if job.error else None) == ("image-animated" if moves else None)


@pytest.mark.parametrize("params", [Params(max_side=64), Params(max_side=64, losses=True)])
def test_a_picture_that_is_scaled_to_a_few_rows_is_painted(queue: StyleQueue, params: Params) -> None:
    narrow = small_jpeg(width=1920, height=96)
    job = queue.wait(queue.submit(narrow, narrow, params=params), timeout_seconds=60)
    assert job.result is not None, job.error
    assert (job.result.width, job.result.height) == (64, 3)


def digest(file: bytes) -> str:
    return hashlib.sha256(file).hexdigest()


def sent(stack: LocalStack, file: bytes) -> str:
    """Announce a file as a JPEG, whatever it is, send it straight to S3, and return its upload_id."""
    announced = {"sha256": digest(file), "bytes": len(file), "content_type": "image/jpeg"}
    place = httpx.post(f"{stack.url}/v1/uploads", json=announced).raise_for_status().json()
    httpx.put(place["url"], content=file, headers=place["headers"]).raise_for_status()
    return str(place["upload_id"])


@pytest.mark.parametrize(
    ("file", "code", "words"),
    [
        pytest.param(small_jpeg()[:400], "image-undecodable", "", id="a truncated JPEG"),
        pytest.param(small_jpeg(width=1, height=1), "image-too-small", "16", id="one pixel"),
        pytest.param(png_header(50_000, 50_000), "image-too-large", "200,000,000", id="2.5 gigapixels"),
        pytest.param(small_jpeg(width=640, height=20), "image-too-narrow", "20", id="a sliver"),
    ],
)
def test_a_bad_picture_fails_with_its_reason_and_costs_nothing_else(
    stack: LocalStack, queue: StyleQueue, file: bytes, code: str, words: str
) -> None:
    job = {"content": {"upload_id": sent(stack, file)}, "style": {"upload_id": sent(stack, small_jpeg())}}
    accepted = httpx.post(f"{stack.url}/v1/jobs", json=job)
    assert accepted.status_code == 202, accepted.text
    bad = queue.wait(accepted.json()["id"], timeout_seconds=60)
    assert bad.status is JobStatus.FAILED
    assert bad.error is not None
    assert (bad.error.code, bad.error.stage, bad.attempt) == (code, "decode", 1)
    assert words in bad.error.detail
    good = queue.wait(queue.submit(small_jpeg(), small_jpeg(7)), timeout_seconds=60)
    assert good.status is JobStatus.SUCCEEDED


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(b"This is a text file.\n" * 50, id="a text renamed .jpg"),
        pytest.param(bytes(20_000_000), id="20 MB of zeros"),
    ],
)
def test_an_upload_that_is_no_picture_is_refused_at_submit(stack: LocalStack, file: bytes) -> None:
    job = {"content": {"upload_id": sent(stack, file)}, "style": {"upload_id": sent(stack, small_jpeg())}}
    refused = httpx.post(f"{stack.url}/v1/jobs", json=job)
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported-media-type")


def test_a_job_is_refused_until_its_uploads_have_arrived(stack: LocalStack, queue: StyleQueue) -> None:
    content, style = small_jpeg(51), small_jpeg(52)
    body = {"content": {"upload_id": digest(content)}, "style": {"upload_id": sent(stack, style)}}
    refused = httpx.post(f"{stack.url}/v1/jobs", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "upload-missing")
    sent(stack, content)
    accepted = httpx.post(f"{stack.url}/v1/jobs", json=body)
    assert queue.wait(accepted.json()["id"], timeout_seconds=60).status is JobStatus.SUCCEEDED


def test_a_hundred_jobs_take_one_model_load_and_no_more_memory_after_the_first_twenty(
    queue: StyleQueue,
) -> None:
    (worker,) = queue.operations.workers()
    process = psutil.Process(worker.pid)

    def run(first: int, count: int) -> None:
        contents = [small_jpeg(shade, 160, 120) for shade in range(first, first + count)]
        jobs = [queue.submit(content, STYLE) for content in contents]
        for job in jobs:
            assert queue.wait(job, timeout_seconds=120).status is JobStatus.SUCCEEDED

    run(0, 20)
    before = process.memory_info().rss
    run(20, 80)
    grown = process.memory_info().rss - before
    (same_worker,) = queue.operations.workers()
    assert (same_worker.pid, same_worker.model_loads) == (worker.pid, 1)
    assert (same_worker.version, same_worker.job_ids) == (version("stylequeue"), ())
    assert len(same_worker.model_digest or "") == 64
    assert 0.5 * before < (same_worker.rss_bytes or 0) < 2 * before
    assert (same_worker.memory_budget_bytes or 0) > 10**8
    assert grown < 0.1 * before, f"{grown:,} bytes more than {before:,}"


def test_a_photograph_of_24_megapixels_is_stylized_next_to_small_ones(
    queue: StyleQueue,
) -> None:
    (worker,) = queue.operations.workers()
    process = psutil.Process(worker.pid)
    large = BytesIO()
    Image.open(CONTENT).convert("RGB").resize((6000, 4000)).save(large, "JPEG", quality=85)
    jobs = [queue.submit(large.getvalue(), STYLE, params=Params(max_side=4096))]
    jobs += [queue.submit(small_jpeg(shade), STYLE) for shade in range(8)]
    peak_bytes, pending = 0, list(jobs)
    while pending:
        peak_bytes = max(peak_bytes, process.memory_info().rss)
        pending = [job for job in pending if not queue.job(job.id).finished]
    finished = [queue.job(job.id) for job in jobs]
    assert {job.status for job in finished} == {JobStatus.SUCCEEDED}
    assert finished[0].result is not None
    assert (finished[0].result.width, finished[0].result.height) == (4096, 2731)
    assert peak_bytes < 6e9, f"{peak_bytes:,} bytes"


def test_a_thousand_jobs_with_one_style_run_the_style_network_once(queue: StyleQueue) -> None:
    content, style = queue.upload(small_jpeg()), queue.upload(small_jpeg(shade=99))
    body = {"content": {"upload_id": content}, "style": {"upload_id": style}, "tags": ["thousand"]}

    def submit(count: int) -> None:
        with httpx.Client() as client:
            for _ in range(count):
                assert client.post(f"{queue.base_url}/v1/jobs", json=body).status_code == 202

    threads = [threading.Thread(target=submit, args=(250,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: not queue.jobs(status=JobStatus.QUEUED).jobs, 200, "the end of the queue")
    newest = queue.wait(queue.jobs(limit=1).jobs[0])
    assert newest.status is JobStatus.SUCCEEDED
    done = [job for job in queue.iter_jobs(JobStatus.SUCCEEDED, page_size=100) if "thousand" in job.tags]
    uses = [job.result.style_cache for job in done if job.result]
    assert len(uses) >= 1000 - 4  # the last few may be running
    assert uses.count("miss") == 1


def test_the_queues_pictures_are_the_plain_calls(
    queue: StyleQueue, model_cache: Path, tmp_path: Path
) -> None:
    """Compare twenty pairs in the arithmetic that the worker chose; test_stylizer.py compares float32."""
    model = hub.load(str(embedded_model_path(model_cache)))
    limits = ImageLimits.from_settings(Settings())
    astronaut = Image.open(CONTENT).crop((100, 0, 400, 225))
    astronaut.save(tmp_path / "face.png")
    params = Params(max_side=256)
    pairs = [(c, s) for c in [*content_paths(), tmp_path / "face.png"] for s in style_paths()]
    jobs = [
        queue.submit(content, style, params=params, output=Output(format="png")) for content, style in pairs
    ]
    assert len(jobs) == 20
    for job, (content, style) in zip(jobs, pairs, strict=True):
        saved = queue.save(queue.wait(job), tmp_path)
        pixels = (
            decode_content(content.read_bytes(), 256, limits).picture,
            decode_style(style.read_bytes(), 256, limits),
        )
        plain = model(*(np.float32(picture[None] / 255) for picture in pixels))[0][0].numpy()
        height, width = pixels[0].shape[:2]
        difference = np.abs(np.asarray(Image.open(saved), float) / 255 - plain[:height, :width])
        assert difference.mean() < MEAN_DIFFERENCE, (content.stem, style.stem, difference.mean())
