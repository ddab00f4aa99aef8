"""Metadata, color profile and alpha of a photograph, through a real worker."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from PIL import ExifTags, Image

from shared.settings import Settings
from shared.wire.records import Job, JobStatus
from tests.files.noted_photos import EDITED, SECRETS, cut_out, display_p3, exif, xmp
from tests.files.pictures import difference, photo, saved
from tests.workers.worker_bench import WorkerBench
from worker.images.metadata.writing import SOURCE_TYPE

MUTED = photo(96, 64).point(lambda level: 60 + level // 2)
NOTED = saved(MUTED, "JPEG", quality=95, exif=exif(), xmp=EDITED, icc_profile=display_p3())
PLAIN = saved(MUTED, "JPEG", quality=95)
BOMB = xmp("&a;", head="<!DOCTYPE x [<!ENTITY a 'aaaa'>]>")
BASE, GPS = ExifTags.Base, ExifTags.IFD.GPSInfo


@pytest.fixture
def bench(
    redis_url: str, connection: redis.Redis, s3_settings: Settings, tmp_path: Path
) -> Iterator[WorkerBench]:
    bench = WorkerBench(s3_settings.model_copy(update={"redis_url": redis_url}), connection, tmp_path)
    bench.let_all_end()
    yield bench
    bench.close()


def results_of(bench: WorkerBench, *orders: tuple[bytes, dict[str, Any]]) -> list[tuple[Job, Image.Image]]:
    """Return the ended jobs, which leave the photos as they are, and their results."""
    style = bench.upload(saved(photo(64, 64)))
    ids = [
        bench.submit_pictures([bench.upload(data)], style, output=output, params={"strength": 0})[0]
        for data, output in orders
    ]
    with bench.worker():
        jobs = bench.wait_for_ends(ids)
    assert [(job.status, job.error) for job in jobs] == [(JobStatus.SUCCEEDED, None)] * len(jobs)
    return [(job, opened(bench, job)) for job in jobs]


def opened(bench: WorkerBench, job: Job) -> Image.Image:
    assert job.result is not None
    file = Image.open(io.BytesIO(bench.storage.get(job.result.key, max_bytes=10_000_000)))
    file.load()
    assert job.result.content_type == Image.MIME[file.format or ""]
    return file


def test_metadata_of_every_output_format_is_kept_as_far_as_it_is_wanted(bench: WorkerBench) -> None:
    formats = ("jpeg", "png", "webp")
    orders = [
        (NOTED, {"format": each, "metadata": kept}) for each in formats for kept in ("keep", "keep-all")
    ]
    for (_, output), (job, file) in zip(orders, results_of(bench, *orders), strict=True):
        data = file.getexif()
        assert (data[BASE.Orientation], data[BASE.Make]) == (1, "Kodak")
        assert file.size == (64, 96)  # the photo was stored on its side
        inner = data.get_ifd(ExifTags.IFD.Exif)
        assert inner[BASE.DateTimeOriginal] == "2026:01:31 12:29:59"
        assert bool(data.get_ifd(GPS)) == (output["metadata"] == "keep-all")
        notes = file.info["xmp"].decode()
        assert SOURCE_TYPE in notes
        assert "Fish &amp; chips" in notes
        everything = notes.encode() + data.tobytes()
        assert not any(secret.encode() in everything for secret in SECRETS)
        assert "icc_profile" not in file.info
        assert job.result is not None
        assert job.result.warnings == ()


def test_nothing_is_kept_unless_it_is_asked_for(bench: WorkerBench) -> None:
    """The result of a photo with notes is that of the same pixels without."""
    exif_alone = saved(MUTED, "JPEG", quality=95, exif=exif(Orientation=1), xmp=EDITED)
    (one, file), (other, _) = results_of(bench, (exif_alone, {}), (PLAIN, {}))
    assert one.result is not None
    assert other.result is not None
    assert one.result.sha256 == other.result.sha256
    assert not {"exif", "xmp", "icc_profile"} & set(file.info)


def test_display_p3_stays_display_p3_with_the_right_colors(bench: WorkerBench) -> None:
    outputs = [{"format": "png", "icc": "keep"}, {"format": "png"}]
    upright = saved(MUTED, icc_profile=display_p3())
    (_, kept), (_, usual) = results_of(bench, *((upright, output) for output in outputs))
    assert kept.info["icc_profile"] == display_p3()
    assert difference(np.asarray(kept), MUTED) < 0.7
    assert "icc_profile" not in usual.info
    assert difference(np.asarray(usual), MUTED) > 2


def test_alpha_stays_in_png_and_webp(bench: WorkerBench) -> None:
    outputs = [{"format": "png", "alpha": "keep"}, {"format": "webp", "alpha": "keep"}, {"format": "png"}]
    (_, png), (_, webp), (_, white) = results_of(bench, *((saved(cut_out()), output) for output in outputs))
    for file in (png, webp):
        assert np.array_equal(np.asarray(file.getchannel("A")), np.asarray(cut_out().getchannel("A")))
    assert (
        difference(np.asarray(png)[..., :3][16:-16, 16:-16], np.asarray(cut_out())[16:-16, 16:-16, :3]) == 0
    )
    assert white.mode == "RGB"


def test_everything_is_kept_together(bench: WorkerBench) -> None:
    data = saved(cut_out(), exif=exif(), icc_profile=display_p3())
    everything = {"format": "webp", "metadata": "keep-all", "icc": "keep", "alpha": "keep"}
    ((_, file),) = results_of(bench, (data, everything))
    assert (file.mode, file.size) == ("RGBA", (64, 96))
    assert file.info["icc_profile"] == display_p3()
    assert file.getexif().get_ifd(GPS)


def test_hostile_metadata_and_profiles_cost_themselves_and_no_picture(bench: WorkerBench) -> None:
    segments = b"".join(b"\xff\xe1" + (65_008).to_bytes(2) + b"Exif\0\0" + bytes(65_000) for _ in range(154))
    files = {
        "10 MB of EXIF": PLAIN[:2] + segments + PLAIN[2:],
        "broken EXIF": saved(MUTED, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
        "an XMP bomb": saved(MUTED, "JPEG", xmp=BOMB),
        "a broken profile": saved(MUTED, "JPEG", icc_profile=display_p3()[:300]),
    }
    everything = {"metadata": "keep-all", "icc": "keep"}
    found = results_of(bench, *((data, everything) for data in files.values()))
    codes = [job.result.warnings[0].code for job, _ in found if job.result]
    assert codes == [*["metadata-left-out"] * 3, "profile-left-out"]
    assert all(file.size == MUTED.size and SOURCE_TYPE in file.info["xmp"].decode() for _, file in found)
