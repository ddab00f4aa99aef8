"""Files that lack their end: the ones that are still decoded, and the warning of each."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.errors import ImageUndecodable
from tests.files.lossless_jpeg import lossless_jpeg
from tests.files.pictures import LIMITS, photo, saved
from worker.images.arrays import Picture
from worker.images.codec import Decoded, decode_content

WIDTH, HEIGHT = 200, 150
END_OF_JPEG = b"\xff\xd9"
REFUSAL = "The JPEG file is cut off: more than its last 17 rows of pixels are missing"
JPEGS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "full color": {"subsampling": 0},
    "restarts": {"restart_marker_rows": 1},
    "high quality": {"quality": 98, "optimize": True},
}


def jpeg(name: str, mode: str = "RGB") -> bytes:
    return saved(photo(WIDTH, HEIGHT, detail=True).convert(mode), "JPEG", **JPEGS[name])


def content(data: bytes, longest_side: int = 4096) -> Decoded:
    return decode_content(data, longest_side, LIMITS)


def mended_or_refused(data: bytes) -> tuple[Picture | None, int]:
    """Return the picture and how many rows are reported as filled in; None if the file is refused."""
    try:
        decoded = content(data)
    except ImageUndecodable as error:
        assert error.detail == REFUSAL  # noqa: PT017 - refusing is one of two right outcomes
        return None, 0
    found = re.search(r"its last (\d+) rows may be filled in", decoded.warnings[0].detail)
    return decoded.picture, int(found[1]) if found else 0


# --- JPEG -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("ending", [b"", b"\xff", bytes(5000)], ids=["nothing", "half", "zeros"])
def test_a_jpeg_that_lacks_only_its_end_marker_is_decoded_with_a_warning(
    name: str, mode: str, ending: bytes
) -> None:
    data = jpeg(name, mode)
    decoded = content(data.removesuffix(END_OF_JPEG) + ending)
    assert np.array_equal(decoded.picture, content(data).picture)
    (warning,) = decoded.warnings
    assert warning.code == "image-truncated"
    assert warning.detail == "The JPEG file has no end marker; all of its pixels are there"


def test_a_lossless_jpeg_without_its_end_is_decoded() -> None:
    data = lossless_jpeg(photo(48, 32))
    decoded = content(data.removesuffix(END_OF_JPEG))
    assert np.array_equal(decoded.picture, content(data).picture)
    assert [warning.code for warning in decoded.warnings] == ["image-truncated"]


@pytest.mark.parametrize("name", JPEGS)
def test_filled_in_rows_are_reported_and_are_only_the_last_ones(name: str) -> None:
    data = jpeg(name)
    whole, missing_rows = content(data).picture, set()
    for lost in range(3, len(data) // 2, 37):
        picture, missing = mended_or_refused(data[:-lost])
        if picture is not None:
            assert np.array_equal(picture[: HEIGHT - missing], whole[: HEIGHT - missing])
            missing_rows.add(missing)
    assert 0 < max(missing_rows) <= 17


def test_a_progressive_jpeg_without_its_last_scans_is_refused_though_they_only_add_detail() -> None:
    data = jpeg("progressive")
    scans = [at for at in range(len(data)) if data.startswith(b"\xff\xda", at)]
    for begin in scans[1:]:
        with pytest.raises(ImageUndecodable, match="cut off"):
            content(data[:begin])


def test_a_jpeg_cut_off_in_its_header_is_refused() -> None:
    data = jpeg("baseline")
    for end in range(4, data.index(b"\xff\xda") + 14, 50):
        with pytest.raises(ImageUndecodable):
            content(data[:end])


def test_whole_files_have_no_warnings() -> None:
    for data in (*map(jpeg, JPEGS), saved(photo(40, 30)), saved(photo(40, 30), "WEBP")):
        assert content(data).warnings == ()


# --- PNG ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lost", range(5, 21)
)  # the end chunk, the checksum before it, and some of zlib's own
def test_a_png_that_lacks_only_its_end_is_decoded_with_a_warning(lost: int) -> None:
    data = saved(photo(64, 48))
    decoded = content(data[:-lost])
    assert np.array_equal(decoded.picture, content(data).picture)
    (warning,) = decoded.warnings
    assert (warning.code, warning.detail) == (
        "image-truncated",
        "The PNG file has no end; all of its pixels are there",
    )


def test_a_png_that_lacks_rows_is_refused() -> None:
    data = saved(Image.effect_noise((64, 48), 90))
    with pytest.raises(ImageUndecodable):
        content(data[:-150])
