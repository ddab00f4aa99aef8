"""Checks an image file before any pixel is decoded: its format, its size and the limits.

Files are hostile until decoded. The sizes are read here and not by Pillow, which reserves memory for all
pixels when it opens a WebP.
"""

from __future__ import annotations

import io
import operator
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from pillow_heif import HeifImageFile
from pillow_heif import options as heif_options

from shared.errors import ImageTooLarge, ImageTooNarrow, ImageTooSmall, ImageUndecodable, SourceTooLarge
from shared.policy.image_formats import ContentType, content_type_of, why_not_accepted
from shared.settings import Settings
from shared.wire.records import JobWarning
from worker.images import png_chunks
from worker.images.animation import WARNING as ANIMATION
from worker.images.header_sizes import bmp_size, gif_size, webp_size
from worker.images.heif_boxes import largest_size
from worker.images.jpeg_ends import with_end
from worker.images.jpeg_structure import JpegStructure, jpeg_structure
from worker.images.tiff_directory import first_page_size

KINDS: dict[ContentType, str] = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WebP",
    "image/heic": "HEIC",
    "image/avif": "AVIF",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
    "image/gif": "GIF",
}
# All of Pillow that files reach; `Image.open`, which tries every format, is not used. An MPO is a JPEG.
OPENERS: dict[str, Callable[[io.BytesIO], Image.Image]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "HEIC": HeifImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
ANIMATED = ("PNG", "WebP", "AVIF", "GIF")  # kinds that may be animations

PNG_SIZE_AT = 16  # width and height in the IHDR chunk, which is the first
# For the whole process: raise Pillow's limit for inflated profiles and texts above what `png_chunks` lets
# through, and hide its warnings about odd files, because hostile files could fill the log with them.
PngImagePlugin.MAX_TEXT_CHUNK = 2 * png_chunks.MAX_INFLATED_BYTES
warnings.filterwarnings("ignore", module=r"PIL\.")
# More threads would need more memory than the largest picture; jobs run beside each other anyway.
AvifImagePlugin.DEFAULT_MAX_THREADS = heif_options.DECODE_THREADS = 1
heif_options.THUMBNAILS = heif_options.DEPTH_IMAGES = heif_options.AUX_IMAGES = False


Scaled = Callable[[tuple[int, int]], tuple[int, int]]  # the wanted size of a picture of some size

# libjpeg may halve a picture down to this many times the target; Lanczos does the rest. It is just below 2,
# so that a phone's 4032 x 3024 is halved for a target of 1024, in less than half the time. Against Lanczos
# alone, photos keep a PSNR of at least 42 dB.
DRAFT_OVERSAMPLING = 1.9
# A JPEG that is decoded at a fraction of its size may have so many times `max_pixels`; each costs time.
MAX_REDUCTION = 4


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

    def check_size(self, width: int, height: int, decoded: tuple[int, int]) -> None:
        """Check a picture's size, and the size that it is decoded at, which may be a fraction of it."""
        size, short, long = f"{width:,} x {height:,}", min(width, height), max(width, height)
        pixels = max(decoded[0] * decoded[1], width * height // MAX_REDUCTION)
        if pixels > self.max_pixels:
            count = f"{size} = {width * height:,} pixels"
            raise ImageTooLarge(f"The image has {count}; the limit is {self.max_pixels:,} (max_pixels)")
        if max(decoded) > self.max_image_side:
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
    """Return the kind of a file by its first bytes: a value of KINDS.

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

    kind: str  # a value of KINDS
    size: tuple[int, int]  # width and height, as the file stores the picture
    decoded_size: tuple[int, int]  # width and height of the pixels that memory is needed for
    jpeg: JpegStructure | None = None

    @property
    def can_be_drafted(self) -> bool:
        """Return whether Pillow may decode at a smaller size, as it can for JPEG."""
        return self.jpeg is not None and not self.jpeg.lossless

    def fits(self, opened: tuple[int, int]) -> bool:
        """Return whether an opened file has the size in its header. HEIC and AVIF may crop and turn it, TIFF
        may turn it."""
        if self.kind in ("HEIC", "AVIF"):
            return all(map(operator.le, sorted(opened), sorted(self.size)))
        return opened == self.size or (self.kind == "TIFF" and opened == self.size[::-1])


def checked_header(data: bytes, limits: ImageLimits, scaled: Scaled) -> Header:
    """Read and check the header; reserve no memory for the picture.

    `scaled` returns the wanted size for the picture's own.

    Raises:
        SourceTooLarge, ImageTooLarge, ImageTooSmall, ImageTooNarrow: the named limit is exceeded.
        ImageUndecodable: the format is not accepted, or the file is built to keep the decoder busy.
        Exception: whatever struct or Pillow raises for a damaged header.
    """
    limits.check_file(data)
    header = _header(data, scaled)
    limits.check_size(*header.size, header.decoded_size)
    return header


def open_picture(data: bytes, header: Header) -> tuple[Image.Image, tuple[JobWarning, ...]]:
    """Open the file with Pillow, without loading its pixels; `header` comes from `checked_header`.

    Of an animation it is the first frame, of a TIFF the first page, of other files with several pictures the
    main one.

    Raises:
        ImageUndecodable: the file has another size than its header, or is cut off.
        Exception: whatever Pillow raises for a damaged file.
    """
    file, *warned = _opened(data, header)
    if not header.fits(file.size):  # a second header may follow the one that was checked
        raise ImageUndecodable("The file is damaged: it gives its picture two different sizes")
    if header.kind in ANIMATED and getattr(file, "is_animated", False):
        warned.append(ANIMATION)
    return file, tuple(warned)


def draft(file: Image.Image, size: tuple[int, int]) -> None:
    """Let Pillow decode a JPEG at half, a quarter or an eighth of its size, if that is enough for `size`."""
    width, height = (round(side * DRAFT_OVERSAMPLING) for side in size)
    file.draft(None, (width, height))


def _header(data: bytes, scaled: Scaled) -> Header:
    kind = kind_of(data)
    if kind != "JPEG":
        size = SIZE_READERS[kind](data)
        return Header(kind, size, size)
    structure = jpeg_structure(data)
    file = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    size = file.size
    if structure.one_scan and structure.has_end and not structure.lossless:
        draft(file, scaled(size))
    return Header(kind, size, file.size, structure)


def _png_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, PNG_SIZE_AT)
    return width, height


SIZE_READERS: dict[str, Callable[[bytes], tuple[int, int]]] = {
    "PNG": _png_size,
    "WebP": webp_size,
    "HEIC": largest_size,
    "AVIF": largest_size,
    "TIFF": first_page_size,
    "BMP": bmp_size,
    "GIF": gif_size,
}


def _opened(data: bytes, header: Header) -> tuple[Image.Image, *tuple[JobWarning, ...]]:
    if header.kind == "PNG":
        data, has_end = png_chunks.picture_chunks(data)
        if not has_end:
            detail = "The PNG file has no end; all of its pixels are there"
            return OPENERS["PNG"](io.BytesIO(data)), JobWarning(code="image-truncated", detail=detail)
    elif header.jpeg and not header.jpeg.has_end:
        data, warning = with_end(data, header.jpeg)
        return OPENERS["JPEG"](io.BytesIO(data)), warning
    return (OPENERS[header.kind](io.BytesIO(data)),)
