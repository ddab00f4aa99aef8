"""Decodes files to pictures and encodes pictures to files (Pillow).

A picture is uint8, shape [height, width, 3], sRGB. The limits are checked before any pixel is decoded, and
Pillow's exceptions become errors of ours. A file may also crash the decoder or keep it busy for ever, so a
worker decodes in separate processes (worker/images/decoders.py).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from shared.errors import ImageUndecodable, OutOfMemory, StyleQueueError
from shared.wire.descriptors import Output
from shared.wire.records import JobWarning
from worker.images.arrays import Picture
from worker.images.colors import flattened, to_srgb
from worker.images.headers import Header, ImageLimits, Scaled, checked_header, draft, kind_of, open_picture

REDUCING_GAP = 3.0  # Pillow may box-filter down to 3 x the target first; its docs call that indistinguishable

FULL_COLOR_QUALITY = 90
PNG_LEVEL = 3  # of 9; higher levels take longer and save little on painted pictures
WEBP_METHOD = 2  # of 6; 4, the default, takes twice as long for half a percent

TURNS = {  # by EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = (5, 6, 7, 8)

# Called with the width and height of the pixels to decode when the header is in order, before memory is used.
Admit = Callable[[tuple[int, int]], object]


@dataclass(frozen=True)
class Decoded:
    """A picture, the warnings about its file for the client, and the size in the file, upright."""

    picture: Picture
    warnings: tuple[JobWarning, ...] = ()
    source_size: tuple[int, int] | None = None  # width and height


@dataclass(frozen=True)
class EncodedImage:
    data: bytes
    content_type: str
    extension: str


def at_once(_: tuple[int, int]) -> None:
    """Admit every picture."""


def decode_content(data: bytes, longest_side: int, limits: ImageLimits, admit: Admit = at_once) -> Decoded:
    """Decode the picture in `data`, shape [height, width, 3], upright and at most `longest_side` long.

    The shorter side keeps the aspect, rounded to the nearest pixel and at least 1. Nothing is scaled up.

    Raises:
        SourceTooLarge, ImageTooLarge, ImageTooSmall, ImageTooNarrow: the named limit is exceeded.
        ImageUndecodable: not an image of an accepted format, or a damaged one.
        OutOfMemory: there is not enough memory now.
    """
    with _translated_errors(data):

        def scaled(size: tuple[int, int]) -> tuple[int, int]:
            scale = min(1.0, longest_side / max(size))
            width, height = (max(1, round(side * scale)) for side in size)
            return width, height

        header = checked_header(data, limits, scaled)
        admit(header.decoded_size)
        return _render(data, header, scaled, crop=False)


def decode_style(data: bytes, size: int, limits: ImageLimits, admit: Admit = at_once) -> Decoded:
    """Decode the largest centered square of the picture in `data`, scaled to shape [size, size, 3].

    Raises:
        The errors of `decode_content`.
    """
    with _translated_errors(data):
        header = checked_header(data, limits, lambda _: (size, size))
        admit(header.decoded_size)
        return _render(data, header, lambda _: (size, size), crop=True)


def encode(picture: Picture, output: Output) -> EncodedImage:
    """Encode the picture without metadata; a file without a profile is sRGB.

    From quality FULL_COLOR_QUALITY on, JPEG keeps colors at full resolution (4:4:4), because brush strokes
    have sharp colored edges, which 4:2:0 smears. Below that quality the client asked for a small file.

    Raises:
        OutOfMemory: there is not enough memory now.
    """
    options, extension = _encoder_options(output)
    file = io.BytesIO()
    try:
        Image.fromarray(picture).save(file, output.format.upper(), **options)
    except MemoryError as error:
        raise OutOfMemory("Not enough memory to encode the image") from error
    return EncodedImage(file.getvalue(), f"image/{output.format}", extension)


def _render(data: bytes, header: Header, scaled: Scaled, *, crop: bool) -> Decoded:
    """Decode, flatten and scale; convert colors and rotate last, when there are fewer pixels.

    Each step drops the picture of the step before, so that large ones fit in the memory.
    """
    file, warnings = open_picture(data, header)
    source_size = file.size  # not that of the header: HEIC, AVIF and TIFF may be turned
    size = scaled(source_size)
    if header.can_be_drafted:
        draft(file, size)
    picture = flattened(file)
    profile, orientation = file.info.get("icc_profile"), _orientation(file)
    del file
    if crop or picture.size != size:
        box = _centered_square(picture.size) if crop else None
        picture = picture.resize(size, Image.Resampling.LANCZOS, box, REDUCING_GAP)
    picture = to_srgb(picture, profile)
    picture = _turned(picture, orientation)
    upright_size = source_size[::-1] if orientation in SIDEWAYS else source_size
    return Decoded(np.array(picture), warnings, upright_size)


def _centered_square(size: tuple[int, int]) -> tuple[float, float, float, float]:
    width, height = size
    side = min(size)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def _orientation(file: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 (upright) if the EXIF data cannot be read."""
    try:
        return int(file.getexif().get(ExifTags.Base.Orientation, 1))
    except MemoryError:
        raise
    except Exception:
        return 1


def _turned(picture: Image.Image, orientation: int) -> Image.Image:
    return picture.transpose(TURNS[orientation]) if orientation in TURNS else picture


def _encoder_options(output: Output) -> tuple[dict[str, Any], str]:
    match output.format:
        case "jpeg":
            subsampling = "4:4:4" if output.quality >= FULL_COLOR_QUALITY else "4:2:0"
            return {"quality": output.quality, "subsampling": subsampling}, "jpg"
        case "png":
            return {"compress_level": PNG_LEVEL}, "png"
        case "webp":
            return {"quality": output.quality, "method": WEBP_METHOD}, "webp"


@contextmanager
def _translated_errors(data: bytes) -> Iterator[None]:
    """Translate any exception; for a damaged file Pillow raises SyntaxError, struct.error and more.

    Its texts are for programmers and stay in the cause.
    """
    try:
        yield
    except StyleQueueError:
        raise
    except MemoryError as error:
        raise OutOfMemory("Not enough memory to decode the image") from error
    except Exception as error:
        kind = kind_of(data)
        article = "an" if kind == "AVIF" else "a"
        reason = f"The file begins like {article} {kind} but is damaged or cut off"
        raise ImageUndecodable(reason) from error
