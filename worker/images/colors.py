"""Converts the colors of a file to sRGB, and exchanges brightness between two pictures.

Here a picture is still Pillow's. Alpha, palettes and 16 bits are removed first; a color profile is applied
last, when the picture has been scaled down. A picture painted in sRGB can be converted back to its profile.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TiffImageFile

from shared.wire.records import JobWarning
from worker.images.arrays import Picture

MAX_PROFILE_BYTES = 4_000_000
MAX_KEPT_PROFILE_BYTES = 1_000_000  # those of displays and cameras have up to 10 kB
OPAQUE = 255
ROWS_AT_ONCE = 256  # of an exchange of brightness, so that it needs little memory
PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK"}  # by Pillow's mode: ICC.1, 7.2.6
_LEVELS_OF_16_BITS = ((np.arange(1 << 16) + 128) // 257).astype(np.uint8)


def flattened(file: Image.Image, *, keeps_alpha: bool = False) -> Image.Image:
    """Decode the picture to mode L, RGB or CMYK; transparent parts lie over white.

    With `keeps_alpha`, a picture with transparent parts has mode LA or RGBA.
    """
    file.load()
    if file.mode.startswith("I;16"):
        return _grey_of_16_bits(file, keeps_alpha=keeps_alpha)
    if file.mode in ("RGB", "L", "CMYK") and "transparency" not in file.info:
        return file
    if not file.has_transparency_data:
        return file.convert("L" if file.mode == "1" else "RGB")
    return _with_alpha(file) if keeps_alpha else _over_white(_with_alpha(file))


def without_alpha(picture: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return a picture from `flattened` without its alpha, and that alpha unless all is opaque.

    What is wholly transparent becomes white. The other colors stay as they are: over white, the edges of a
    figure would be pale on any other ground.
    """
    if picture.mode not in ("LA", "RGBA"):
        return picture, None
    alpha = picture.getchannel("A")
    colors = picture.convert("L" if picture.mode == "LA" else "RGB")
    if alpha.getextrema() == (OPAQUE, OPAQUE):
        return colors, None
    colors.paste("white", mask=alpha.point(lambda level: 0 if level else OPAQUE))
    return colors, alpha


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


def kept_profile(mode: str, profile: bytes | None) -> tuple[bytes | None, tuple[JobWarning, ...]]:
    """Return the profile of a picture of this mode if a result can be converted into it, or a warning."""
    if not profile:
        return None, ()
    if len(profile) > MAX_KEPT_PROFILE_BYTES:
        return None, _not_kept(f"it has {len(profile):,} bytes; the limit is {MAX_KEPT_PROFILE_BYTES:,}")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space != PROFILE_SPACES["RGB"] or mode != "RGB":
            return None, _not_kept("it is not for RGB colors, in which results are stored")
        ImageCms.buildTransform(ImageCms.createProfile("sRGB"), source, "RGB", "RGB")
        ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None, _not_kept("it is damaged, or cannot be used for results")
    return profile, ()


def from_srgb(picture: Picture, profile: bytes) -> Picture:
    """Return an sRGB picture in the colors of a profile from `kept_profile`.

    Raises:
        PyCMSError, OSError: the profile is another one.
    """
    target = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), target, "RGB", "RGB")
    return np.array(transform.apply(Image.fromarray(picture)))


def _not_kept(reason: str) -> tuple[JobWarning, ...]:
    return (JobWarning(code="profile-left-out", detail=f"The color profile is not kept: {reason}"),)


def keep_luminance(stylized: Picture, content: Picture) -> Picture:
    """Return the brightness of `stylized` with the colors of `content`, which has the same shape.

    Luminance-only transfer of Gatys et al. 2016 (arXiv:1606.05897), in JPEG's YCbCr (BT.601, full range).
    """
    if stylized.shape != content.shape:
        raise ValueError(f"shapes differ: {stylized.shape} and {content.shape}")
    result = np.empty_like(stylized)
    for first in range(0, len(stylized), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        brightness = Image.fromarray(stylized[rows]).convert("YCbCr").getchannel("Y")
        _, blue, red = Image.fromarray(content[rows]).convert("YCbCr").split()
        result[rows] = np.asarray(Image.merge("YCbCr", (brightness, blue, red)).convert("RGB"))
    return result


def _with_alpha(file: Image.Image) -> Image.Image:
    mode = "LA" if file.mode in ("1", "L", "LA") else "RGBA"
    return file if file.mode == mode else file.convert(mode)


def _over_white(picture: Image.Image) -> Image.Image:
    flat = Image.new("L" if picture.mode == "LA" else "RGB", picture.size, "white")
    flat.paste(picture, mask=picture)
    return flat


def _grey_of_16_bits(file: Image.Image, *, keeps_alpha: bool) -> Image.Image:
    """Scale 0..65535 to 0..255; Pillow's own conversion would clip everything above 255 to white."""
    values = np.asarray(file)
    levels = _LEVELS_OF_16_BITS[values]
    if isinstance(file, TiffImageFile) and file.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0:
        return Image.fromarray(255 - levels)  # 0 is white; Pillow inverts only 8 bits
    if "transparency" in file.info:
        transparent = values == file.info["transparency"]
        levels[transparent] = 255
        if keeps_alpha:
            alpha = Image.fromarray(np.where(transparent, 0, OPAQUE).astype(np.uint8))
            return Image.merge("LA", (Image.fromarray(levels), alpha))
    return Image.fromarray(levels)
