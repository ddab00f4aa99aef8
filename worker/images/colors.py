"""Converts the colors of a file to sRGB, and exchanges brightness between two pictures.

Here a picture is still Pillow's. Alpha, palettes and 16 bits are removed first; a color profile is applied
last, when the picture has been scaled down.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TiffImageFile

from worker.images.arrays import Picture

MAX_PROFILE_BYTES = 4_000_000
PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK"}  # by Pillow's mode: ICC.1, 7.2.6
_LEVELS_OF_16_BITS = ((np.arange(1 << 16) + 128) // 257).astype(np.uint8)


def flattened(file: Image.Image) -> Image.Image:
    """Decode the picture to mode L, RGB or CMYK; transparent parts lie over white."""
    file.load()
    if file.mode.startswith("I;16"):
        return _grey_of_16_bits(file)
    if file.mode in ("RGB", "L", "CMYK") and "transparency" not in file.info:
        return file
    if not file.has_transparency_data:
        return file.convert("L" if file.mode == "1" else "RGB")
    return _over_white(file)


def to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert to RGB in sRGB. A profile that is damaged, too large or of another color space is ignored."""
    if profile and len(profile) <= MAX_PROFILE_BYTES:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if source.profile.xcolor_space == PROFILE_SPACES[picture.mode]:
                target = ImageCms.createProfile("sRGB")
                return ImageCms.buildTransform(source, target, picture.mode, "RGB").apply(picture)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def keep_luminance(stylized: Picture, content: Picture) -> Picture:
    """Return the brightness of `stylized` with the colors of `content`, which has the same shape.

    Luminance-only transfer of Gatys et al. 2016 (arXiv:1606.05897), in JPEG's YCbCr (BT.601, full range).
    """
    if stylized.shape != content.shape:
        raise ValueError(f"shapes differ: {stylized.shape} and {content.shape}")
    brightness = Image.fromarray(stylized).convert("YCbCr").getchannel("Y")
    _, blue, red = Image.fromarray(content).convert("YCbCr").split()
    return np.array(Image.merge("YCbCr", (brightness, blue, red)).convert("RGB"))


def _over_white(file: Image.Image) -> Image.Image:
    opaque_mode, alpha_mode = ("L", "LA") if file.mode in ("1", "L", "LA") else ("RGB", "RGBA")
    picture = file if file.mode == alpha_mode else file.convert(alpha_mode)
    flat = Image.new(opaque_mode, file.size, "white")
    flat.paste(picture, mask=picture)
    return flat


def _grey_of_16_bits(file: Image.Image) -> Image.Image:
    """Scale 0..65535 to 0..255; Pillow's own conversion would clip everything above 255 to white."""
    values = np.asarray(file)
    levels = _LEVELS_OF_16_BITS[values]
    if isinstance(file, TiffImageFile) and file.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0:
        return Image.fromarray(255 - levels)  # 0 is white; Pillow inverts only 8 bits
    if "transparency" in file.info:
        levels[values == file.info["transparency"]] = 255
    return Image.fromarray(levels)
