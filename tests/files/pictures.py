"""Picture files for tests of the decoder, made by Pillow or by hand."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from shared.settings import Settings
from worker.images.arrays import Picture
from worker.images.codec import decode_content
from worker.images.headers import ImageLimits
from worker.painting.style_crops import DECODED_SIDES, crops

LIMITS = ImageLimits.from_settings(Settings())
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def saved(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def photo(width: int, height: int, *, detail: bool = False) -> Image.Image:
    """Return soft blobs of color, which a lossy format keeps well; with `detail`, finer ones within."""
    picture = blobs(4, 5).resize((width, height), Image.Resampling.BICUBIC)
    for share in (
        (8, 16, 32, 64) if detail else ()
    ):  # as in photos, details of half the size have half the contrast
        finer = blobs(3 * share, 4 * share).resize((width, height), Image.Resampling.BICUBIC)
        picture = Image.blend(picture, finer, 2 / share)
    return picture


def blobs(rows: int, columns: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (rows, columns, 3), dtype=np.uint8))


def quarters(size: int = 64) -> Image.Image:
    """Return red, green / blue, white: no two of the eight orientations look the same."""
    colors = np.array([[RED, GREEN], [BLUE, WHITE]], dtype=np.uint8)
    return Image.fromarray(colors.repeat(size // 2, 0).repeat(size // 2, 1))


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    width: int, height: int, *chunks: bytes, pixels: bytes | None = None, depth: int = 8, color: int = 2
) -> bytes:
    """Return a PNG made by hand; without `pixels` it ends after the header and `chunks`."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    image = b"" if pixels is None else chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + image


def decode(data: bytes, longest_side: int = 4096) -> Picture:
    return decode_content(data, longest_side, LIMITS).picture


def decode_style(data: bytes, size: int, limits: ImageLimits = LIMITS) -> Picture:
    """Return the square that the style network sees."""
    (square,) = crops(decode_content(data, DECODED_SIDES * size, limits).picture, size, "center")
    return square


def difference(one: Picture, other: Any) -> float:
    return float(np.abs(one.astype(float) - np.asarray(other, dtype=float)).mean())


def swapped_profile() -> bytes:
    """Return an RGB profile whose red is sRGB's blue, and the other way round."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132])
    entries = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, blue = entries[b"rXYZ"] + 4, entries[b"bXYZ"] + 4
    profile[red : red + 8], profile[blue : blue + 8] = profile[blue : blue + 8], profile[red : red + 8]
    return bytes(profile)
