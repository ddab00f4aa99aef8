"""Files to pictures and back: their look, and the fate of damaged files."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.errors import ImageUndecodable, PermanentError
from shared.wire.descriptors import Output
from tests.files.pictures import (
    RED,
    decode,
    decode_style,
    difference,
    photo,
    png,
    quarters,
    saved,
    swapped_profile,
)
from worker.images.codec import encode

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # pytest undoes the worker's own filter


# --- scaling ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_small_picture_keeps_its_size_and_colors(format: str) -> None:
    image = photo(120, 80)
    picture = decode(saved(image, format, quality=95), 1024)
    assert picture.shape == (80, 120, 3)
    assert picture.dtype == np.uint8
    assert difference(picture, image) < 3
    assert picture.flags.writeable
    assert picture.flags.c_contiguous


@pytest.mark.parametrize(
    ("size", "longest_side", "shape"),
    [
        ((640, 480), 320, (240, 320, 3)),
        ((480, 640), 320, (320, 240, 3)),
        ((1000, 333), 100, (33, 100, 3)),
        ((1000, 335), 100, (34, 100, 3)),
        ((640, 480), 640, (480, 640, 3)),
        ((640, 480), 641, (480, 640, 3)),
        ((2000, 100), 64, (3, 64, 3)),
        ((320, 16), 8, (1, 8, 3)),
    ],
)
def test_the_longer_side_is_scaled_down_and_never_up(
    size: tuple[int, int], longest_side: int, shape: tuple[int, int, int]
) -> None:
    assert decode(saved(photo(*size)), longest_side).shape == shape


@pytest.mark.parametrize("target", [60, 100, 240, 500, 1000])
def test_the_fast_way_for_large_jpegs_looks_like_the_slow_one(target: int) -> None:
    data = saved(photo(2000, 1500), "JPEG", quality=95)
    slow = Image.open(io.BytesIO(data)).resize((target, target * 3 // 4), Image.Resampling.LANCZOS)
    assert difference(decode(data, target), slow) < 1


def test_a_photo_of_a_12_megapixel_phone_is_decoded_at_half_size() -> None:
    data = saved(photo(4032, 3024, detail=True), "JPEG", quality=92)
    with Image.open(io.BytesIO(data)) as half, Image.open(io.BytesIO(data)) as whole:
        half.draft(None, (2016, 1512))
        from_half = half.resize((1024, 768), Image.Resampling.LANCZOS)
        from_whole = np.asarray(whole.resize((1024, 768), Image.Resampling.LANCZOS), dtype=float)
    picture = decode(data, 1024)
    assert np.array_equal(picture, np.asarray(from_half))
    assert np.ptp(picture[:64, :64, 1]) > 32  # there is detail that could have been lost
    assert 10 * np.log10(255**2 / np.square(picture - from_whole).mean()) > 42


def test_fine_stripes_turn_grey_and_not_into_new_stripes() -> None:
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 255
    for format in ("PNG", "JPEG"):
        picture = decode(saved(Image.fromarray(stripes), format), 100)
        assert np.ptp(picture[10:-10, 10:-10].astype(int)) <= 6


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (900, 700), (40, 30)])
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_style_is_the_centered_square_at_the_wanted_size(size: tuple[int, int], format: str) -> None:
    image = photo(*size)
    side = min(size)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    square = image.crop((left, top, left + side, top + side)).resize((64, 64), Image.Resampling.LANCZOS)
    picture = decode_style(saved(image, format, quality=95), 64)
    assert picture.shape == (64, 64, 3)
    assert difference(picture, square) < 3


# --- orientation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_every_exif_orientation_comes_out_upright(orientation: int, format: str) -> None:
    transpose = Image.Transpose
    stored_as = {
        1: None,
        2: transpose.FLIP_LEFT_RIGHT,
        3: transpose.ROTATE_180,
        4: transpose.FLIP_TOP_BOTTOM,
        5: transpose.TRANSPOSE,
        6: transpose.ROTATE_90,
        7: transpose.TRANSVERSE,
        8: transpose.ROTATE_270,
    }[orientation]
    upright = quarters().resize((96, 64))
    stored = upright if stored_as is None else upright.transpose(stored_as)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(saved(stored, format, quality=95, exif=exif), 48)
    assert picture.shape == (32, 48, 3)
    assert difference(picture, upright.resize((48, 32), Image.Resampling.LANCZOS)) < 6


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff" + bytes(40)]
)
def test_damaged_exif_data_does_not_matter(exif: bytes) -> None:
    assert difference(decode(saved(quarters(), "JPEG", quality=95, exif=exif)), quarters()) < 6


# --- damaged files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_file_that_breaks_off_is_refused_in_plain_words_wherever_it_does(format: str) -> None:
    data = saved(photo(200, 150), format, quality=90)
    ends = [len(data) * step // 40 for step in range(1, 34)]
    for end in ends:
        with pytest.raises(ImageUndecodable) as refusal:
            decode(data[:end])
        assert PLAIN_WORDS.fullmatch(refusal.value.detail)


PLAIN_WORDS = re.compile(
    r"|The file begins like a (JPEG|PNG|WebP) but is damaged or cut off"
    r"|The JPEG file is cut off: more than its last 17 rows of pixels are missing"
    r"|The JPEG file has \d+ bits per sample; only files with 8 are accepted"
    r"|The file is damaged: it gives its picture two different sizes"
    r"|The file is not an image; only JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP and GIF images are accepted"
    r"|The ((JPEG|PNG) file has more than|image has|(longer|shorter) side of) .*"
)


def refusal_of(data: bytes) -> str:
    """Return why the file is refused; '' if it is decoded."""
    try:
        decode(data)
    except PermanentError as error:
        return error.detail
    return ""


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_damaged_file_is_either_decoded_or_refused_in_plain_words(format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(photo(64, 48), format, exif=exif, icc_profile=swapped_profile())
    random = np.random.default_rng(1)
    for _ in range(300):
        damaged = bytearray(data)
        for at in random.integers(0, len(data), 4):
            damaged[at] = random.integers(0, 256)
        assert PLAIN_WORDS.fullmatch(refusal_of(bytes(damaged)))


@pytest.mark.parametrize("rows", [63, 65, 10_000])
def test_a_header_with_another_number_of_rows_than_there_are_is_believed(rows: int) -> None:
    row = b"\0" + bytes(RED) * 64
    picture = decode(png(64, 64, pixels=row * rows))
    assert picture.shape == (64, 64, 3)
    assert difference(picture[:63], np.full((63, 64, 3), RED)) == 0


def test_a_picture_hidden_behind_another_is_not_looked_at() -> None:
    data = saved(quarters(), "JPEG", quality=95) + saved(Image.new("RGB", (64, 64))) + b"<script>"
    assert difference(decode(data), quarters()) < 6


def test_the_first_picture_of_an_mpo_file_is_decoded() -> None:
    data = saved(quarters(), "MPO", quality=95, save_all=True, append_images=[Image.new("RGB", (64, 64))])
    assert Image.open(io.BytesIO(data)).format == "MPO"
    assert difference(decode(data), quarters()) < 6


def test_decoding_writes_no_warnings() -> None:
    program = """
import io
from PIL import Image
from worker.images.headers import ImageLimits
from worker.images.codec import decode_content
limits = ImageLimits(10**9, 10**9, 10**6, 1, 10**6)
for format, exif in (("PNG", b""), ("JPEG", b"Exif\\0\\0II*\\0\\x08\\0\\0\\0\\x09\\0\\x12\\x01")):
    file = io.BytesIO()
    Image.new("1" if format == "PNG" else "L", (10_000, 9_500)).save(file, format, exif=exif)
    decode_content(file.getvalue(), 64, limits)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize("format", ["JPEG", "PNG"])  # libwebp does not say why it fails
def test_a_lack_of_memory_is_not_the_images_fault(format: str) -> None:
    program = f"""
import io, resource
from pathlib import Path
from PIL import Image
from shared.errors import OutOfMemory
from worker.images.headers import ImageLimits
from worker.images.codec import decode_content
file = io.BytesIO()
Image.new("RGB", (6000, 6000)).save(file, "{format}")
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 50_000_000, resource.RLIM_INFINITY))
try:
    decode_content(file.getvalue(), 4096, ImageLimits(10**9, 10**9, 10**6, 1, 10**6))
except OutOfMemory:
    print("out of memory")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("out of memory\n", "")


def test_threads_that_decode_at_once_do_not_disturb_each_other() -> None:
    files = [saved(photo(width, 200), format) for width in (200, 300) for format in ("JPEG", "PNG", "WEBP")]
    alone = [decode(data, 64) for data in files]
    barrier = threading.Barrier(6)

    def work(_: int) -> bool:
        barrier.wait()
        return all(np.array_equal(decode(data, 64), own) for data, own in zip(files, alone, strict=True))

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(6)))


# --- encoding -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format", "content_type", "extension", "tolerance"),
    [("jpeg", "image/jpeg", "jpg", 3), ("png", "image/png", "png", 0), ("webp", "image/webp", "webp", 3)],
)
def test_a_picture_survives_encoding(
    format: Any, content_type: str, extension: str, tolerance: float
) -> None:
    picture = np.asarray(photo(200, 100))
    image = encode(picture, Output(format=format))
    assert (image.content_type, image.extension) == (content_type, extension)
    assert difference(decode(image.data), picture) <= tolerance


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_a_lower_quality_makes_a_smaller_file(format: Any) -> None:
    picture = np.asarray(photo(400, 300))
    sizes = [
        len(encode(picture, Output(format=format, quality=quality)).data) for quality in (1, 50, 92, 100)
    ]
    assert sizes == sorted(sizes)


def test_sharp_colored_edges_stay_sharp_at_the_default_quality() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, ::2] = RED
    assert difference(decode(encode(picture, Output()).data), picture) < 8
    assert difference(decode(encode(picture, Output(quality=80)).data), picture) > 20


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
def test_an_encoded_file_holds_no_metadata(format: Any) -> None:
    with Image.open(io.BytesIO(encode(np.asarray(photo(64, 64)), Output(format=format)).data)) as image:
        assert not image.getexif()
        assert not {"exif", "icc_profile", "xmp", "comment"} & set(image.info)
