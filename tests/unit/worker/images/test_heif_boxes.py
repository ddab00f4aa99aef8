"""The size of a HEIC or AVIF file, from its boxes alone."""

from __future__ import annotations

import struct

import pytest

from shared.errors import ImageUndecodable
from tests.files.hostile_files import box, heic_header
from worker.images.heif_boxes import largest_size


def sizes(*pairs: tuple[int, int]) -> bytes:
    found = b"".join(box(b"ispe", struct.pack(">III", 0, *pair)) for pair in pairs)
    return box(b"ftyp", b"heic") + box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", found)))


def test_tiles_and_thumbnails_do_not_hide_the_picture() -> None:
    assert largest_size(sizes((512, 512), (4032, 3024), (320, 240))) == (4032, 3024)


def test_long_boxes_and_a_last_one_without_a_length_are_read() -> None:
    long = struct.pack(">I4sQ", 1, b"free", 24) + bytes(8)
    (meta,) = (heic_header(64, 48)[24:],)
    assert largest_size(box(b"ftyp", b"heic") + long + bytes(4) + meta[4:]) == (64, 48)


@pytest.mark.parametrize("data", [b"", box(b"ftyp", b"heic"), sizes(), box(b"meta", b""), bytes(5000)])
def test_a_file_without_a_size_is_refused(data: bytes) -> None:
    with pytest.raises(ImageUndecodable, match="gives no size"):
        largest_size(data)


def test_more_boxes_than_any_camera_writes_are_refused() -> None:
    with pytest.raises(ImageUndecodable, match="more than 2,000 boxes"):
        largest_size(heic_header(64, 64, boxes=3000))
