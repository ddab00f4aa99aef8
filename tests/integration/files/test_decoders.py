"""Decoder processes: a file can harm one of them, and no other job notices."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import psutil
import pytest
from PIL import Image

from shared.errors import DecoderUnavailable, ImageTooLarge, ImageUndecodable, OutOfMemory
from tests.files import treacherous_decoder as treacherous
from tests.files.noted_photos import cut_out, display_p3, exif
from tests.files.pictures import LIMITS, decode, photo, quarters, saved, swapped_profile
from tests.stacks.servers import wait_until
from worker.images.belongings import Keep
from worker.images.codec import decode_content, painted_in
from worker.images.decoders import Decoders
from worker.images.metadata.fields import Metadata
from worker.model.memory import PictureMemory

TREACHEROUS = "tests.files.treacherous_decoder"
PROGRAMS = {"worker.images.decoder", TREACHEROUS}
EVERYTHING = ~Keep.NOTHING
ENOUGH = PictureMemory(10**9)


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    decoders = Decoders(LIMITS, 30, ENOUGH)
    decoders.start()
    yield decoders
    decoders.close()


@pytest.fixture(scope="module")
def hostile() -> Iterator[Decoders]:
    """Decoders that a file of the right width brings down."""
    decoders = Decoders(LIMITS, 3, ENOUGH, TREACHEROUS)
    yield decoders
    decoders.close()


def file_of_width(width: int) -> bytes:
    return saved(Image.new("RGB", (width, 64)))


def children() -> set[int]:
    """Return the decoders, without this process' other children, such as the servers of the tests."""
    return {child.pid for child in psutil.Process().children() if PROGRAMS & {*child.cmdline()}}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_the_same_as_without_another_process(decoders: Decoders, format: str) -> None:
    data = saved(photo(700, 500), format)
    assert np.array_equal(decoders.decode(data, 400).picture, decode(data, 400))
    assert decoders.decode(data, 400).picture.flags.writeable


def test_a_decoder_that_starts_while_sockets_get_a_default_timeout_waits_as_others_do() -> None:
    """Kombu sets such a timeout for a moment while it closes its connections, so when a worker stops."""
    decoders = Decoders(LIMITS, 30, ENOUGH)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(1)
    try:
        decoders.start()
    finally:
        socket.setdefaulttimeout(before)
    assert decoders.decode(saved(quarters()), 64).picture.shape[2] == 3
    decoders.close()


def test_files_one_after_another_share_a_process(decoders: Decoders) -> None:
    before = children()
    for _ in range(3):
        decoders.decode(saved(quarters()), 64)
        with pytest.raises(ImageUndecodable, match="damaged or cut off"):
            decoders.decode(saved(quarters())[:60], 64)
    assert children() == before


def test_a_refusal_comes_back_with_its_limit(decoders: Decoders) -> None:
    with pytest.raises(ImageTooLarge, match="max_image_side"):
        decoders.decode(saved(Image.new("1", (17_000, 1_000))), 64)


@pytest.mark.parametrize(
    ("width", "error", "words"),
    [
        (treacherous.CRASHES, ImageUndecodable, "crashed on this file .SIGSEGV."),
        (treacherous.ABORTS, ImageUndecodable, "crashed on this file .SIGABRT."),
        (treacherous.HANGS, ImageUndecodable, "longer than 3 s .decode_timeout_seconds."),
        (treacherous.EATS_MEMORY, OutOfMemory, "Not enough memory"),
        (treacherous.IS_KILLED, OutOfMemory, "system ended the decoder"),
        (treacherous.LIES, ImageUndecodable, "invalid answer"),
    ],
)
def test_a_file_that_brings_its_decoder_down_is_refused_and_the_next_one_is_not(
    hostile: Decoders, width: int, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        hostile.decode(file_of_width(width), 4096)
    assert hostile.decode(file_of_width(64), 4096).picture.shape == (64, 64, 3)


@pytest.mark.parametrize("width", treacherous.SENDS)
@pytest.mark.parametrize("keep", [Keep.NOTHING, EVERYTHING])
def test_belongings_that_are_not_wanted_or_not_allowed_are_refused(
    hostile: Decoders, width: int, keep: Keep
) -> None:
    with pytest.raises(ImageUndecodable, match="invalid answer"):
        hostile.decode(file_of_width(width), 4096, keep)
    assert hostile.decode(file_of_width(64), 4096, keep).picture.shape == (64, 64, 3)


def test_belongings_come_back_as_without_another_process(decoders: Decoders) -> None:
    data = saved(cut_out(), exif=exif(), icc_profile=display_p3())
    own = decode_content(data, 50, LIMITS, keep=EVERYTHING)
    other = decoders.decode(data, 50, EVERYTHING)
    assert own.belongings.metadata == other.belongings.metadata != Metadata()
    assert own.belongings.profile == other.belongings.profile == display_p3()
    assert np.array_equal(own.belongings.alpha, other.belongings.alpha)
    assert np.array_equal(own.picture, other.picture)
    assert own.warnings == other.warnings


def test_a_painted_picture_is_converted_as_without_another_process(decoders: Decoders) -> None:
    picture, before = np.asarray(photo(700, 500)), children()
    for profile in (display_p3(), swapped_profile()):
        assert np.array_equal(decoders.painted_in(profile, picture), painted_in(profile, picture))
    with pytest.raises(ImageUndecodable, match="color profile"):
        decoders.painted_in(b"no profile", picture)
    assert children() == before


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_the_memory_of_the_largest_picture_is_enough_for_its_belongings(format: str) -> None:
    """The kernel refuses the decoder more than what every picture of this size gets."""
    width, height = 4000, 3000
    decoders = Decoders(replace(LIMITS, max_pixels=width * height, max_upload_bytes=10**9), 60, ENOUGH)
    picture = cut_out(width // 10, height // 10).resize((width, height), Image.Resampling.NEAREST)
    options = {"quality": 50, "method": 0} if format == "WEBP" else {"compress_level": 1}
    decoded = decoders.decode(saved(picture, format, icc_profile=display_p3(), **options), width, EVERYTHING)
    assert decoded.belongings.alpha is not None
    assert decoders.painted_in(display_p3(), decoded.picture).shape == (height, width, 3)
    decoders.close()


def test_neighbours_of_files_that_crash_and_hang_come_through(hostile: Decoders) -> None:
    widths = [treacherous.HANGS, 64, treacherous.CRASHES, 64] * 4

    def outcome(width: int) -> bool:
        try:
            return hostile.decode(file_of_width(width), 4096).picture.shape == (64, width, 3)
        except ImageUndecodable:
            return False

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(outcome, widths)) == [width == 64 for width in widths]
    assert len(hostile._idle) <= 4


def test_a_real_file_that_takes_too_long_ends_its_decoder() -> None:
    """It is a progressive JPEG of the largest size with as many scans as are allowed."""
    file = io.BytesIO()
    Image.effect_noise((6000, 6000), 60).save(file, "JPEG", progressive=True, quality=80)
    decoders = Decoders(replace(LIMITS, max_upload_bytes=10**9), 0.2, ENOUGH)
    begin = time.monotonic()
    with pytest.raises(ImageUndecodable, match="decode_timeout_seconds"):
        decoders.decode(file.getvalue(), 4096)
    assert time.monotonic() - begin < 10
    decoders.close()


def test_decoders_do_not_outlive_a_worker_that_is_killed() -> None:
    program = f"""
from tests.integration.files.test_decoders import *
decoders = Decoders(LIMITS, 60, ENOUGH, {TREACHEROUS!r})
decoders.start()
print(*children(), flush=True)
decoders.decode(saved(quarters()), 64)
signal.pause()
"""
    worker = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert worker.stdout
    (pid,) = map(int, worker.stdout.readline().split())
    decoder = psutil.Process(pid)
    worker.kill()
    worker.wait()
    wait_until(lambda: not decoder.is_running() or decoder.status() == psutil.STATUS_ZOMBIE, 10)


def test_a_stop_signal_to_all_processes_leaves_a_decoder_at_work(hostile: Decoders) -> None:
    hostile.start()
    for pid in children():
        os.kill(pid, signal.SIGTERM)
    before = children()
    assert hostile.decode(file_of_width(64), 64).picture.shape == (64, 64, 3)
    assert children() == before


def test_a_decoder_knows_no_secrets(decoders: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STYLEQUEUE_S3_SECRET_KEY", "canary")
    own = Decoders(LIMITS, 30, ENOUGH)
    before = children()
    own.start()
    (pid,) = children() - before
    assert "canary" not in " ".join(psutil.Process(pid).environ().values())
    own.close()


def test_without_a_decoder_a_job_is_to_be_tried_again() -> None:
    with pytest.raises(DecoderUnavailable):
        Decoders(LIMITS, 30, ENOUGH, "tests.no_such_module").decode(saved(quarters()), 64)


def test_a_picture_waits_for_the_memory_that_its_decoding_takes() -> None:
    memory = PictureMemory(1)
    decoders = Decoders(LIMITS, 30, memory)
    decoders.start()
    with ThreadPoolExecutor(1) as threads:
        with memory.reserved(1):
            waiting = threads.submit(decoders.decode, saved(quarters()), 64)
            wait_until(lambda: len(memory) == 1, what="the decoder's wish for memory")
            assert not waiting.done()
        assert waiting.result(10).picture.shape == (64, 64, 3)
    decoders.close()
