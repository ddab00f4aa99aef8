"""Hostile files, each with the code that its job fails with. All are made here."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

from tests.files.hostile_files import heic_header, tiff
from tests.files.pictures import chunk, photo, png, quarters, saved

UNDECODABLE, TOO_LARGE = "image-undecodable", "image-too-large"
TOO_SMALL, TOO_NARROW, TOO_MANY_BYTES = "image-too-small", "image-too-narrow", "source-too-large"
SIDE = 64

Hostile = tuple[str, str, bytes]  # a name, the code, the file


def hostile_files(chance: random.Random) -> list[Hostile]:
    """Return fifty different files."""
    kinds = (bombs, lying_headers, wrong_types, busy_work, large_containers, odd_shapes)
    return [*truncated(chance), *(file for kind in kinds for file in kind())]


def truncated(chance: random.Random) -> Iterator[Hostile]:
    """Yield files cut within the pixels; a JPEG may lose its last bytes and still be a picture."""
    for format in ("JPEG", "PNG", "WEBP"):
        whole = saved(photo(200, 150, detail=True), format)
        for _ in range(4):
            kept = chance.randrange(40, len(whole) // 2)
            yield f"{format} cut after {kept} bytes", UNDECODABLE, whole[:kept]


def bombs() -> Iterator[Hostile]:
    for side in (20_000, 50_000, 2**31 - 1):
        yield f"PNG of {side} x {side}", TOO_LARGE, png(side, side)
    pixels = zlib.compress(bytes(100_000_000), 9)
    header = png(20_000, 20_000)
    yield "PNG with 100 MB of zeros", TOO_LARGE, header + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    yield "JPEG of 65535 x 65535", TOO_LARGE, with_jpeg_size(saved(quarters(), "JPEG"), 65_535, 65_535)
    yield "VP8X of 16777216 x 255", TOO_LARGE, vp8x(16_777_216, 255)
    yield "VP8L of 16384 x 16384", TOO_LARGE, riff(b"VP8L", b"\x2f\xff\xff\xff\xff" + bytes(20))
    for name in (b"iCCP", b"zTXt", b"iTXt"):
        inflating = b"name\0\0" if name != b"iTXt" else b"name\0\1\0\0\0"
        text = chunk(name, inflating + zlib.compress(bytes(200_000_000), 9))
        yield f"PNG with an endless {name.decode()}", UNDECODABLE, png(SIDE, SIDE, text, pixels=bytes(100))
    yield "PNG with 101 MB", TOO_MANY_BYTES, png(SIDE, SIDE, chunk(b"teSt", bytes(101_000_000)))


def lying_headers() -> Iterator[Hostile]:
    second = chunk(b"IHDR", struct.pack(">IIBBBBB", 6000, 6000, 8, 2, 0, 0, 0))
    yield "PNG with two headers", UNDECODABLE, png(SIDE, SIDE, second, pixels=bytes(100))
    yield "PNG with too few pixels", UNDECODABLE, png(100, 100, pixels=bytes(50))
    yield "PNG of 3 bits", UNDECODABLE, png(100, 100, pixels=bytes(50_000), depth=3)
    yield "PNG of color type 5", UNDECODABLE, png(100, 100, pixels=bytes(50_000), color=5)
    yield "WebP in name only", TOO_SMALL, riff(b"VP8 ", bytes(40))
    yield "VP8X without a picture", UNDECODABLE, vp8x(100, 100)
    yield "JPEG start only", UNDECODABLE, b"\xff\xd8\xff\xe0" + bytes(200)
    yield "PNG start and then JPEG", TOO_LARGE, b"\x89PNG\r\n\x1a\n" + saved(quarters(), "JPEG")


def wrong_types() -> Iterator[Hostile]:
    yield "a video", UNDECODABLE, b"\0\0\0\x20ftypisom" + bytes(100)
    yield "a camera's raw file", UNDECODABLE, b"II*\0\x10\0\0\0CR\2\0" + bytes(100)
    yield "JPEG XL", UNDECODABLE, b"\xff\x0a" + bytes(100)
    yield "SVG", UNDECODABLE, b"<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'/>"
    yield "EPS", UNDECODABLE, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(/etc/passwd) run\n"
    yield "HTML before a PNG", UNDECODABLE, b"<html><script>1</script>" + saved(quarters())
    yield "ZIP before a JPEG", UNDECODABLE, b"PK\x03\x04" + saved(quarters(), "JPEG")
    yield "HEIC", UNDECODABLE, b"\0\0\0\x18ftypheic" + bytes(100)
    yield "a program", UNDECODABLE, b"\x7fELF\x02\x01\x01" + bytes(200)
    yield "nothing", UNDECODABLE, b""


def busy_work() -> Iterator[Hostile]:
    jpeg = saved(quarters(), "JPEG")
    yield "JPEG of 10000 segments", UNDECODABLE, b"\xff\xd8" + b"\xff\xe5\x00\x02" * 10_000 + jpeg[2:]
    yield "JPEG with 100 kB of padding", UNDECODABLE, b"\xff\xd8" + b"\xff" * 100_000 + jpeg[2:]
    progressive = saved(photo(SIDE, SIDE), "JPEG", progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    yield "JPEG of 200 scans", UNDECODABLE, progressive[:-2] + scan * 200 + progressive[-2:]
    yield "PNG of 60000 chunks", UNDECODABLE, png(SIDE, SIDE, chunk(b"teSt", b"") * 60_000)


def large_containers() -> Iterator[Hostile]:
    yield "HEIC of 50000 x 50000", TOO_LARGE, heic_header(50_000, 50_000)
    yield "TIFF of 50000 x 50000", TOO_LARGE, tiff((256, 4, 1, 50_000), (257, 4, 1, 50_000))
    yield "GIF of 100000 frames", TOO_SMALL, gif(100_000)


def odd_shapes() -> Iterator[Hostile]:
    yield "1 x 1", TOO_SMALL, saved(Image.new("RGB", (1, 1)))
    yield "16 x 336", TOO_NARROW, saved(Image.new("RGB", (16, 336)), "JPEG")


def gif(frames: int) -> bytes:
    """Return a GIF89a with a global table of two colors, all frames of one pixel (GIF89a specification,
    1990).
    """
    header = b"GIF89a\x01\0\x01\0\x80\0\0" + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c\0\0\0\0\x01\0\x01\0\0" + b"\x02\x02\x44\x01\0"
    return header + frame * frames + b"\x3b"


def riff(kind: bytes, body: bytes) -> bytes:
    chunk_of_body = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk_of_body)) + b"WEBP" + chunk_of_body


def vp8x(width: int, height: int) -> bytes:
    """Return the extended header alone, RFC 9649 section 2.7."""
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff(b"VP8X", bytes(4) + sizes)


def with_jpeg_size(data: bytes, width: int, height: int) -> bytes:
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]
