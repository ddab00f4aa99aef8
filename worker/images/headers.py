"""Checks an image file before any pixel is decoded: its format, its size and the limits.

Files are hostile until decoded. The sizes of PNG and WebP files are read here and not by Pillow, which
reserves memory for all pixels when it opens a WebP.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from typing import Self

from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from shared.errors import (
    ImageAnimated,
    ImageTooLarge,
    ImageTooNarrow,
    ImageTooSmall,
    ImageUndecodable,
    SourceTooLarge,
)
from shared.policy.image_formats import content_type_of, why_not_accepted
from shared.settings import Settings
from shared.wire.records import JobWarning
from worker.images import png_chunks
from worker.images.jpeg_ends import with_end
from worker.images.jpeg_structure import JpegStructure, jpeg_structure

KINDS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WebP"}

PNG_SIZE_AT = 16  # width and height in the IHDR chunk, which is the first
# For the whole process: raise Pillow's limit for inflated profiles and texts above what `png_chunks` lets
# through, and hide its warnings about odd files, because hostile files could fill the log with them.
PngImagePlugin.MAX_TEXT_CHUNK = 2 * png_chunks.MAX_INFLATED_BYTES
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True)
class ImageLimits:
    """The limits of a file and its picture; each field is the setting of the same name."""

    max_upload_bytes: int
    max_pixels: int
    max_image_side: int
    min_image_side: int
    max_aspect_ratio: float

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(**{name: getattr(settings, name) for name in cls.__dataclass_fields__})

    def check_file(self, data: bytes) -> None:
        if not data:
            raise ImageUndecodable(why_not_accepted(data))
        if len(data) > self.max_upload_bytes:
            limit = f"the limit is {self.max_upload_bytes:,} (max_upload_bytes)"
            raise SourceTooLarge(f"The file has {len(data):,} bytes; {limit}")

    def check_size(self, width: int, height: int) -> None:
        size, short, long = f"{width:,} x {height:,}", min(width, height), max(width, height)
        if width * height > self.max_pixels:
            count = f"{size} = {width * height:,} pixels"
            raise ImageTooLarge(f"The image has {count}; the limit is {self.max_pixels:,} (max_pixels)")
        if long > self.max_image_side:
            limit = f"the limit is {self.max_image_side:,} (max_image_side)"
            raise ImageTooLarge(f"The longer side of the image ({size}) has {long:,} pixels; {limit}")
        if short < self.min_image_side:
            limit = f"the least is {self.min_image_side:,} (min_image_side)"
            raise ImageTooSmall(f"The shorter side of the image ({size}) has {short:,} pixels; {limit}")
        if long > self.max_aspect_ratio * short:
            limit = f"the limit is {self.max_aspect_ratio:g} (max_aspect_ratio)"
            ratio = f"{long / short:.3g} times its shorter one"
            raise ImageTooNarrow(f"The longer side of the image ({size}) is {ratio}; {limit}")


def kind_of(data: bytes) -> str:
    """Return JPEG, PNG or WebP, by the first bytes.

    Raises:
        ImageUndecodable: the file has another format.
    """
    content_type = content_type_of(data)
    if content_type is None:
        raise ImageUndecodable(why_not_accepted(data))
    return KINDS[content_type]


@dataclass(frozen=True)
class Header:
    """The header's description of the picture."""

    kind: str  # JPEG, PNG or WebP
    size: tuple[int, int]  # width and height, as the file stores the picture
    jpeg: JpegStructure | None = None

    @property
    def can_be_drafted(self) -> bool:
        """Return whether Pillow may decode at a smaller size; for PNG and WebP it ignores the request."""
        return self.jpeg is None or not self.jpeg.lossless


def checked_header(data: bytes, limits: ImageLimits) -> Header:
    """Read and check the header; reserve no memory for the picture.

    Raises:
        SourceTooLarge, ImageTooLarge, ImageTooSmall, ImageTooNarrow: the named limit is exceeded.
        ImageUndecodable: the format is not accepted, or the file is built to keep the decoder busy.
        Exception: whatever struct or Pillow raises for a damaged header.
    """
    limits.check_file(data)
    header = _header(data)
    limits.check_size(*header.size)
    return header


def open_still(data: bytes, header: Header) -> tuple[Image.Image, tuple[JobWarning, ...]]:
    """Open the file with Pillow, without loading its pixels; `header` comes from `checked_header`.

    Raises:
        ImageAnimated, ImageUndecodable: the file has several frames, another size, or is cut off.
        Exception: whatever Pillow raises for a damaged file.
    """
    file, warning = _opened(data, header)
    if file.size != header.size:  # a second header may follow the one that was checked
        raise ImageUndecodable("The file is damaged: it gives its picture two different sizes")
    frames = getattr(file, "n_frames", 1)
    if frames > 1:
        raise ImageAnimated(f"The image has {frames:,} frames; only still pictures are accepted")
    return file, (warning,) if warning else ()


def _header(data: bytes) -> Header:
    kind = kind_of(data)
    match kind:
        case "PNG":
            return Header(kind, struct.unpack_from(">II", data, PNG_SIZE_AT))
        case "WebP":
            return Header(kind, _webp_size(data))
        case _:
            structure = jpeg_structure(data)
            return Header(kind, JpegImagePlugin.JpegImageFile(io.BytesIO(data)).size, structure)


def _opened(data: bytes, header: Header) -> tuple[Image.Image, JobWarning | None]:
    warning = None
    if header.kind == "WebP":
        return WebPImagePlugin.WebPImageFile(io.BytesIO(data)), None
    if header.kind == "PNG":
        data, has_end = png_chunks.picture_chunks(data)
        if not has_end:
            detail = "The PNG file has no end; all of its pixels are there"
            warning = JobWarning(code="image-truncated", detail=detail)
        return PngImagePlugin.PngImageFile(io.BytesIO(data)), warning
    if header.jpeg and not header.jpeg.has_end:
        data, warning = with_end(data, header.jpeg)
    return JpegImagePlugin.JpegImageFile(io.BytesIO(data)), warning  # of an MPO, the first picture


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height in the header: RFC 9649 (VP8X, VP8L), RFC 6386 section 9.1 (VP8)."""
    match data[12:16]:
        case b"VP8X":
            head = struct.unpack_from("10s", data, 20)[0]
            return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case _:
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
