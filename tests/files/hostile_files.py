"""Files that somebody could send on purpose, and the codes that their jobs fail with."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image

from tests.files import treacherous_decoder as treacherous
from tests.files.pictures import chunk, photo, png, saved

UNDECODABLE, TOO_LARGE = "image-undecodable", "image-too-large"
ONE_PIXEL_ROW = b"\0" + bytes(3) * 64


def hostile_files() -> dict[str, tuple[bytes, str]]:
    """Return, by a description of each, the file and its code."""
    return {**no_images(), **bombs(), **damaged(), **treacherous_files()}


def no_images() -> dict[str, tuple[bytes, str]]:
    return {
        "empty": (b"", UNDECODABLE),
        "text": (b"hello " * 1000, UNDECODABLE),
        "web page": (b"<!doctype html><script>alert(1)</script>", UNDECODABLE),
        "pdf": (b"%PDF-1.7\n" + bytes(1000), UNDECODABLE),
        "zeros": (bytes(100_000), UNDECODABLE),
        "gif of 1000 frames": (b"GIF89a" + b"\x40\0\x30\0\0\0\0" + b"\x2c" * 1000, UNDECODABLE),
        "video": (b"\0\0\0\x20ftypisom" + bytes(1000), UNDECODABLE),
        "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n", UNDECODABLE),
        "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>', UNDECODABLE),
    }


def bombs() -> dict[str, tuple[bytes, str]]:
    deflated = zlib.compress(bytes(50_000_000), 9)
    return {
        "png of 65,535 x 65,535": (png(65_535, 65_535), TOO_LARGE),
        "png of the most pixels that fit": (png(2**31 - 1, 2**31 - 1), TOO_LARGE),
        "webp of 16,383 x 16,383": (webp_header(16_383, 16_383), TOO_LARGE),
        "gif of 65,535 x 65,535": (b"GIF89a" + b"\xff" * 4 + bytes(100), TOO_LARGE),
        "bmp of 50,000 x 50,000": (bmp_header(50_000, -50_000), TOO_LARGE),
        "heic of 50,000 x 50,000": (heic_header(50_000, 50_000), TOO_LARGE),
        "heic of 3,000 boxes": (heic_header(64, 64, boxes=3000), UNDECODABLE),
        "tiff of 50,000 x 50,000": (tiff((256, 4, 1, 50_000), (257, 4, 1, 50_000)), TOO_LARGE),
        "tiff whose tags are larger than it": (
            tiff(*((tag, 7, 90_000, 0) for tag in range(900, 1000)), size=100_000),
            UNDECODABLE,
        ),
        "jpeg of 65,500 x 65,500": (jpeg_of_size(65_500, 65_500), TOO_LARGE),
        "sliver": (saved(Image.new("1", (2000, 17))), "image-too-narrow"),
        "speck": (saved(Image.new("RGB", (1, 1))), "image-too-small"),
        "jpeg of 3,000 comments": (b"\xff\xd8" + b"\xff\xfe\0\2" * 3000, UNDECODABLE),
        "png of 60,000 chunks": (png(64, 64, chunk(b"teXt", b"") * 60_000), UNDECODABLE),
        "png whose text inflates to 50 MB": (
            png(64, 64, chunk(b"zTXt", b"a\0\0" + deflated), pixels=b""),
            UNDECODABLE,
        ),
    }


def damaged() -> dict[str, tuple[bytes, str]]:
    kinds = {
        format: saved(photo(200, 150), format)
        for format in ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF")
    }
    halves = {f"half a {name}": (data[: len(data) // 2], UNDECODABLE) for name, data in kinds.items()}
    noise = np.random.default_rng(3)
    noisy = {
        f"{name} and then noise": (data[:40] + noise.bytes(2000), UNDECODABLE) for name, data in kinds.items()
    }
    for format in ("WEBP", "BMP", "GIF"):  # they make a picture of any noise
        del noisy[f"{format} and then noise"]
    return {
        **halves,
        **noisy,
        "png of a depth that does not exist": (png(64, 64, pixels=ONE_PIXEL_ROW, depth=7), UNDECODABLE),
        "png whose length lies": (b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 2**31) + b"IHDR", UNDECODABLE),
    }


def treacherous_files() -> dict[str, tuple[bytes, str]]:
    """Return harmless files on which tests/files/treacherous_decoder.py fails."""
    widths = {
        "crash": treacherous.CRASHES,
        "abort": treacherous.ABORTS,
        "hang": treacherous.HANGS,
        "lie": treacherous.LIES,
    }
    return {name: (saved(Image.new("RGB", (width, 48))), UNDECODABLE) for name, width in widths.items()}


def jpeg_of_size(width: int, height: int) -> bytes:
    """Return a small JPEG whose header claims this size."""
    data = bytearray(saved(photo(64, 48), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_header(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    body = b"VP8L" + struct.pack("<I", 100) + b"\x2f" + struct.pack("<I", bits) + bytes(95)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def bmp_header(width: int, height: int) -> bytes:
    return b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, width, height, 1, 24, 0) + bytes(100)


def heic_header(width: int, height: int, boxes: int = 0) -> bytes:
    """Return the boxes that lead to the size of a HEIC file, after so many empty ones."""
    content = box(b"free", b"") * boxes + box(b"ispe", struct.pack(">III", 0, width, height))
    meta = box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", content)))
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + meta


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def tiff(*entries: tuple[int, int, int, int], size: int = 0) -> bytes:
    """Return a TIFF of entries (tag, type, count, value or position), padded to `size`."""
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *each) for each in entries)
    return (b"II*\0\x08\0\0\0" + directory + bytes(4)).ljust(size, b"\0")
