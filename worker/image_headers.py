"""What can be said about an image file before a pixel of it is decoded: its format, its size, its limits.

Files are hostile until decoded. Sizes of PNG and WebP are read here and not by Pillow, which reserves memory
for all pixels of a WebP when it opens one.
"""

from __future__ import annotations

import io
import re
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
from shared.settings import Settings

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
ACCEPTED = "JPEG, PNG and WebP"
SIGNATURES = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(re.escape(PNG_SIGNATURE)),
    "WebP": re.compile(rb"RIFF....WEBPVP8[ LX]", re.DOTALL),
}
OTHER_SIGNATURES = {  # told apart only for the sake of the message
    "a GIF": re.compile(rb"GIF8"),
    "an AVIF or HEIC": re.compile(rb"....ftyp(avi|hei|hev|mif|msf)", re.DOTALL),
    "a TIFF": re.compile(rb"II\*\0|MM\0\*"),
    "a BMP": re.compile(rb"BM"),
    "a PDF": re.compile(rb"%PDF"),
    "a web page or XML": re.compile(rb"\s*<[!?a-zA-Z]"),
}

PNG_SIZE_AT = 16  # width and height in the IHDR chunk, which is the first
MAX_PNG_CHUNKS = 50_000  # a 25 MB file of empty ones costs Pillow 8 s
MAX_JPEG_SEGMENTS = 2_000  # a 25 MB file of empty ones costs Pillow 10 s and 800 MB
MAX_JPEG_SCANS = 100  # each goes over all pixels; encoders write about 10
MAX_JPEG_PADDING = 65_536  # bytes between segments, in all; 25 MB of them cost Pillow 12 s
MAX_PROFILE_BYTES = 4_000_000

JPEG_SCAN, JPEG_END = b"\xff\xda", b"\xff\xd9"
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xc8\xd0-\xd8\xf0-\xfd\xff]")  # those with a length, and the end

# For the process, once: how far Pillow inflates a profile or a text; and no warnings about odd files in our
# log, where hostile ones could go on for ever.
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE_BYTES
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True)
class ImageLimits:
    """What a file and its picture may measure; each field is the setting of the same name."""

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
            raise ImageUndecodable(f"The file is empty; accepted are {ACCEPTED} images")
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
    """JPEG, PNG or WebP, by the first bytes.

    Raises:
        ImageUndecodable: it is something else.
    """
    for kind, signature in SIGNATURES.items():
        if signature.match(data):
            return kind
    names = (name for name, signature in OTHER_SIGNATURES.items() if signature.match(data))
    raise ImageUndecodable(f"The file is {next(names, 'no image')}; accepted are {ACCEPTED} images")


def checked_size(data: bytes, limits: ImageLimits) -> tuple[int, int]:
    """Width and height by the header, as the file stores the picture; no memory is reserved for it.

    Raises:
        SourceTooLarge, ImageTooLarge, ImageTooSmall, ImageTooNarrow: a limit is exceeded; it says which.
        ImageUndecodable: it is of no accepted format, or built to keep the decoder busy.
        Exception: whatever struct or Pillow makes of a damaged header.
    """
    limits.check_file(data)
    match kind_of(data):
        case "PNG":
            width, height = struct.unpack_from(">II", data, PNG_SIZE_AT)
        case "WebP":
            width, height = _webp_size(data)
        case _:
            _check_jpeg_structure(data)
            width, height = JpegImagePlugin.JpegImageFile(io.BytesIO(data)).size
    limits.check_size(width, height)
    return width, height


def open_still(data: bytes, size: tuple[int, int]) -> Image.Image:
    """The file in Pillow's hands, not loaded yet; `size` is what `checked_size` answered for it.

    Raises:
        ImageAnimated, ImageUndecodable: it has more than one frame, or another size.
        Exception: whatever Pillow makes of a damaged file.
    """
    file: Image.Image
    match kind_of(data):
        case "PNG":
            _check_png_structure(data)
            file = PngImagePlugin.PngImageFile(io.BytesIO(data))
        case "WebP":
            file = WebPImagePlugin.WebPImageFile(io.BytesIO(data))
        case _:
            file = JpegImagePlugin.JpegImageFile(io.BytesIO(data))  # of an MPO, the first picture
    if file.size != size:  # a second header may follow the one that was checked
        raise ImageUndecodable("The file is damaged: it gives its picture two different sizes")
    frames = getattr(file, "n_frames", 1)
    if frames > 1:
        raise ImageAnimated(f"The image has {frames:,} frames; only still pictures are accepted")
    return file


def _check_jpeg_structure(data: bytes) -> None:
    """Raises ImageUndecodable for a file that would take far more time or memory than its size says."""
    segments = scans = padding = position = 0
    while marker := _JPEG_MARKER.search(data, position):
        padding += 0 if scans else marker.start() - position
        kind, position = marker.group(), marker.end()
        segments += 1
        scans += kind == JPEG_SCAN
        if kind != JPEG_END:
            position += max(2, int.from_bytes(data[position : position + 2]))
        elif scans:  # an end before any scan is none to Pillow
            return
        if scans > MAX_JPEG_SCANS or segments > MAX_JPEG_SEGMENTS or padding > MAX_JPEG_PADDING:
            most = f"{MAX_JPEG_SCANS} scans, {MAX_JPEG_SEGMENTS} segments or {MAX_JPEG_PADDING} padding bytes"
            raise ImageUndecodable(f"The JPEG file has more than {most}")


def _check_png_structure(data: bytes) -> None:
    position, chunks = len(PNG_SIGNATURE), 0
    while position + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        position += 12 + length  # and the lengths of length, name and checksum
        chunks += 1
        if chunks > MAX_PNG_CHUNKS:
            raise ImageUndecodable(f"The PNG file has more than {MAX_PNG_CHUNKS:,} chunks")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height by the header: RFC 9649 (VP8X, VP8L), RFC 6386 section 9.1 (VP8)."""
    chunk, head = data[12:16], struct.unpack_from("10s", data, 20)[0]
    if chunk == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", head, 6)
    return width & 0x3FFF, height & 0x3FFF
