"""The size of a TIFF's first page, and directories that are refused."""

from __future__ import annotations

import pytest

from shared.errors import ImageUndecodable
from tests.files.hostile_files import tiff
from tests.files.pictures import photo, saved
from worker.images.tiff_directory import first_page_size

SIZE = ((256, 4, 1, 96), (257, 3, 1, 64))


def test_the_size_is_read_from_short_and_long_numbers() -> None:
    assert first_page_size(tiff(*SIZE)) == (96, 64)
    assert first_page_size(saved(photo(96, 64), "TIFF", compression="tiff_lzw")) == (96, 64)


@pytest.mark.parametrize("entry", [(254, 4, 1, 1), (50706, 1, 4, 0x0401)], ids=["thumbnail", "DNG"])
def test_a_camera_raw_file_is_not_taken_for_its_thumbnail(entry: tuple[int, int, int, int]) -> None:
    with pytest.raises(ImageUndecodable, match="raw file; develop it"):
        first_page_size(tiff(entry, *SIZE))


@pytest.mark.parametrize(
    ("entries", "size", "words"),
    [
        ([(273, 4, 1, 8), (279, 4, 1, 90_000)], 0, "cut off"),
        ([(324, 4, 1, 8), (325, 4, 1, 90_000)], 0, "cut off"),
        ([(258, 3, 1, 32)], 0, "samples of 32 bits"),
        ([(tag, 7, 90_000, 0) for tag in range(900, 1000)], 100_000, "tags larger than the file"),
        ([(tag, 3, 1, 0) for tag in range(2_000)], 0, "more than 1,000 tags"),
        ([(273, 3, 1_100_000, 0)], 3_000_000, "more than"),
    ],
)
def test_a_page_that_is_cut_off_or_keeps_the_decoder_busy_is_refused(
    entries: list[tuple[int, int, int, int]], size: int, words: str
) -> None:
    with pytest.raises(ImageUndecodable, match=words):
        first_page_size(tiff(*SIZE, *entries, size=size))
