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
from PIL.PngImagePlugin import PngInfo

from shared.errors import ImageUndecodable, OutOfMemory, StyleQueueError
from shared.wire.descriptors import Output
from shared.wire.records import JobWarning
from worker.images.arrays import Picture, fitted
from worker.images.belongings import NOTHING, Belongings, Keep
from worker.images.colors import flattened, from_srgb, kept_profile, to_srgb, without_alpha
from worker.images.headers import Header, ImageLimits, Scaled, checked_header, draft, kind_of, open_picture
from worker.images.metadata.fields import Metadata
from worker.images.metadata.reading import read_metadata
from worker.images.metadata.writing import written_exif, written_xmp

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
PNG_XMP = "XML:com.adobe.xmp"  # the keyword of the text that holds it

# Called with the width and height of the pixels to decode when the header is in order, before memory is used.
Admit = Callable[[tuple[int, int]], object]


@dataclass(frozen=True)
class Decoded:
    """A picture, the warnings about its file for the client, the size in the file, upright, and what is kept
    of the file beside the picture."""

    picture: Picture
    warnings: tuple[JobWarning, ...] = ()
    source_size: tuple[int, int] | None = None  # width and height
    belongings: Belongings = NOTHING


@dataclass(frozen=True)
class EncodedImage:
    data: bytes
    content_type: str
    extension: str


def at_once(_: tuple[int, int]) -> None:
    """Admit every picture."""


def decode_content(
    data: bytes,
    longest_side: int,
    limits: ImageLimits,
    admit: Admit = at_once,
    keep: Keep = Keep.NOTHING,
) -> Decoded:
    """Decode the picture in `data`, shape [height, width, 3], upright and at most `longest_side` long.

    If the alpha is kept, transparent parts are not laid over white, and have the colors of the file. The
    shorter side keeps the aspect, rounded to the nearest pixel and at least 1. Nothing is scaled up.

    Raises:
        SourceTooLarge, ImageTooLarge, ImageTooSmall, ImageTooNarrow: the named limit is exceeded.
        ImageUndecodable: not an image of an accepted format, or a damaged one.
        OutOfMemory: there is not enough memory now.
    """
    with _translated_errors(data):

        def scaled(size: tuple[int, int]) -> tuple[int, int]:
            return fitted(size, min(longest_side, max(size)))

        header = checked_header(data, limits, scaled)
        admit(header.decoded_size)
        return _render(data, header, scaled, keep)


def painted_in(profile: bytes, picture: Picture) -> Picture:
    """Return an sRGB picture in the colors of a profile that `decode_content` kept.

    Raises:
        ImageUndecodable: LittleCMS cannot convert to the profile.
        OutOfMemory: there is not enough memory now.
    """
    try:
        return from_srgb(picture, profile)
    except MemoryError as error:
        raise OutOfMemory("Not enough memory to convert the image to its color profile") from error
    except Exception as error:
        raise ImageUndecodable(
            "The result cannot be converted to the content image's color profile"
        ) from error


def encode(picture: Picture, output: Output, belongings: Belongings = NOTHING) -> EncodedImage:
    """Encode the picture with what belongs to it; a file without a profile is sRGB.

    The picture must have the colors of the profile already.

    From quality FULL_COLOR_QUALITY on, JPEG keeps colors at full resolution (4:4:4), because brush strokes
    have sharp colored edges, which 4:2:0 smears. Below that quality the client asked for a small file.

    Raises:
        OutOfMemory: there is not enough memory now.
    """
    options, extension = _encoder_options(output)
    file = io.BytesIO()
    try:
        if belongings.alpha is not None:
            picture = np.dstack((picture, belongings.alpha))
        if belongings.profile is not None:
            options["icc_profile"] = belongings.profile
        if belongings.metadata is not None:
            options |= _metadata_options(output, belongings.metadata)
        Image.fromarray(picture).save(file, output.format.upper(), **options)
    except MemoryError as error:
        raise OutOfMemory("Not enough memory to encode the image") from error
    return EncodedImage(file.getvalue(), f"image/{output.format}", extension)


def _render(data: bytes, header: Header, scaled: Scaled, keep: Keep) -> Decoded:
    """Decode, flatten and scale; convert colors and rotate last, when there are fewer pixels.

    Each step drops the picture of the step before, so that large ones fit in the memory.
    """
    file, warnings = open_picture(data, header)
    source_size = file.size  # not that of the header: HEIC, AVIF and TIFF may be turned
    size = scaled(source_size)
    if header.can_be_drafted:
        draft(file, size)
    picture = flattened(file, keeps_alpha=Keep.ALPHA in keep)
    profile, orientation = file.info.get("icc_profile"), _orientation(file)
    metadata, left_out = _kept_metadata(file, data, keep)
    del file
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    picture, alpha = without_alpha(picture)
    own_profile, refused = kept_profile(picture.mode, profile) if Keep.PROFILE in keep else (None, ())
    picture = to_srgb(picture, profile)
    picture = _turned(picture, orientation)
    upright_size = source_size[::-1] if orientation in SIDEWAYS else source_size
    upright_alpha = None if alpha is None else np.array(_turned(alpha, orientation))
    belongings = Belongings(metadata, own_profile, upright_alpha)
    return Decoded(np.array(picture), (*warnings, *left_out, *refused), upright_size, belongings)


def _kept_metadata(
    file: Image.Image, data: bytes, keep: Keep
) -> tuple[Metadata | None, tuple[JobWarning, ...]]:
    if Keep.METADATA not in keep:
        return None, ()
    return read_metadata(file, data, place=Keep.PLACE in keep)


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


def _metadata_options(output: Output, metadata: Metadata) -> dict[str, Any]:
    exif, xmp = written_exif(metadata), written_xmp(metadata)
    if output.format != "png":
        return {"exif": exif, "xmp": xmp}
    texts = PngInfo()
    texts.add_itxt(PNG_XMP, xmp.decode())
    return {"exif": exif, "pnginfo": texts}


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
