"""Width and height in the headers of simple formats; those of WebP are in test_image_headers.py."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from tests.files.hostile_files import bmp_header
from tests.files.pictures import saved
from worker.images.header_sizes import bmp_size, gif_size, webp_size


@pytest.mark.parametrize("size", [(16, 16), (640, 20), (300, 4000)])
def test_the_size_is_the_one_that_was_saved(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size)
    assert bmp_size(saved(image, "BMP")) == size
    assert gif_size(saved(image, "GIF")) == size
    assert webp_size(saved(image, "WEBP")) == size


def test_a_bmp_may_begin_with_its_top_row_or_have_the_oldest_header() -> None:
    assert bmp_size(bmp_header(640, -480)) == (640, 480)
    assert bmp_size(b"BM" + bytes(12) + struct.pack("<IHHHH", 12, 640, 480, 1, 24)) == (640, 480)
