"""A photograph's color profile and alpha, from file to file."""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from pillow_heif import from_pillow

from shared.errors import ImageUndecodable
from shared.wire.descriptors import Output
from tests.files.noted_photos import cut_out, display_p3
from tests.files.pictures import LIMITS, WHITE, chunk, difference, photo, png, quarters, saved
from worker.images.arrays import Picture
from worker.images.belongings import Belongings, Keep, kept_by
from worker.images.codec import Decoded, decode_content, encode, painted_in
from worker.images.colors import MAX_KEPT_PROFILE_BYTES

P3 = display_p3()
MUTED = photo(96, 64).point(lambda level: 60 + level // 2)  # within sRGB, and within its profile


def decoded(data: bytes, keep: Keep, longest_side: int = 4096) -> Decoded:
    return decode_content(data, longest_side, LIMITS, keep=keep)


def reopened(picture: Picture, format: Any, belongings: Belongings) -> Image.Image:
    file = Image.open(io.BytesIO(encode(picture, Output(format=format, quality=100), belongings).data))
    file.load()
    return file


def test_outputs_keep_what_they_say() -> None:
    assert kept_by(Output()) == Keep.NOTHING
    assert kept_by(Output(metadata="keep")) == Keep.METADATA
    assert kept_by(Output(metadata="keep-all")) == Keep.METADATA | Keep.PLACE
    assert kept_by(Output(icc="keep")) == Keep.PROFILE
    assert kept_by(Output(format="png", alpha="keep")) == Keep.ALPHA


# --- color profiles ------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("stored", ["PNG", "TIFF", "WEBP"])
def test_display_p3_comes_out_as_it_came_in(stored: str, format: str) -> None:
    options = {"lossless": True} if stored == "WEBP" else {}
    photograph = decoded(saved(MUTED, stored, icc_profile=P3, **options), Keep.PROFILE)
    assert photograph.belongings.profile == P3
    assert difference(photograph.picture, MUTED) > 2  # it is painted in sRGB
    file = reopened(painted_in(P3, photograph.picture), format, photograph.belongings)
    assert file.info["icc_profile"] == P3
    assert difference(np.asarray(file.convert("RGB")), MUTED) < (0.7 if format == "png" else 2)


def test_a_profile_is_not_kept_unless_it_is_wanted() -> None:
    photograph = decoded(saved(MUTED, icc_profile=P3), Keep.METADATA)
    assert photograph.belongings.profile is None
    assert "icc_profile" not in reopened(photograph.picture, "jpeg", photograph.belongings).info


def test_a_palette_with_a_profile_keeps_it() -> None:
    picture = decoded(saved(quarters().quantize(4), icc_profile=P3), Keep.PROFILE)
    assert picture.belongings.profile == P3


def grey_profile() -> bytes:
    """Return a profile that says that it is for grey."""
    profile = bytearray(P3)
    profile[16:20] = b"GRAY"
    return bytes(profile)


@pytest.mark.parametrize(
    ("image", "profile", "reason"),
    [
        (MUTED, P3[:200], "damaged"),
        (MUTED, b"x" * 500, "damaged"),
        (MUTED, P3 + bytes(MAX_KEPT_PROFILE_BYTES), "the limit is 1,000,000"),
        (MUTED.convert("L"), grey_profile(), "not for RGB"),
        (MUTED.convert("L"), P3, "not for RGB"),
        (MUTED.convert("CMYK"), P3, "not for RGB"),
        (MUTED, grey_profile(), "not for RGB"),
    ],
)
def test_other_profiles_are_left_out_with_a_warning(image: Image.Image, profile: bytes, reason: str) -> None:
    picture = decoded(saved(image, "TIFF", icc_profile=profile), Keep.PROFILE)
    (warning,) = picture.warnings
    assert picture.belongings.profile is None
    assert warning.code == "profile-left-out"
    assert reason in warning.detail


def test_without_a_profile_there_is_no_warning() -> None:
    picture = decoded(saved(MUTED), Keep.PROFILE)
    assert (picture.belongings.profile, picture.warnings) == (None, ())


def test_a_profile_into_which_nothing_can_be_converted_is_left_out() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    picture = decoded(saved(MUTED, icc_profile=lab), Keep.PROFILE)
    assert picture.belongings.profile is None
    with pytest.raises(ImageUndecodable, match="color profile"):
        painted_in(b"no profile", picture.picture)


# --- alpha ---------------------------------------------------------------------------------------------


def keyed(mode: str) -> Image.Image:
    """Return a picture one of whose colors is transparent, as PNG stores that."""
    if mode == "I;16":
        return Image.fromarray(np.repeat(np.array([[0, 40_000]], np.uint16), 32, 1).repeat(64, 0))
    return quarters().convert(mode) if mode != "P" else quarters().quantize(4)


TRANSPARENT: dict[str, bytes] = {
    "RGBA": saved(cut_out()),
    "grey with alpha": saved(cut_out().convert("LA")),
    "WebP": saved(cut_out(), "WEBP", lossless=True, exact=True),
    "TIFF": saved(cut_out(), "TIFF"),
    "palette with alpha": saved(cut_out().quantize(16, Image.Quantize.FASTOCTREE)),
    "palette with a transparent color": saved(keyed("P"), transparency=0),
    "a transparent color": saved(keyed("RGB"), transparency=(255, 0, 0)),
    "a transparent grey of 16 bits": saved(keyed("I;16"), transparency=0),
    "GIF": saved(keyed("P"), "GIF", transparency=0),
}


@pytest.mark.parametrize("kind", TRANSPARENT)
def test_transparent_parts_stay_transparent(kind: str) -> None:
    data = TRANSPARENT[kind]
    with Image.open(io.BytesIO(data)) as file:
        expected = np.asarray(file.convert("RGBA").getchannel("A"))
        if kind == "a transparent grey of 16 bits":  # Pillow does not convert it
            expected = np.where(np.asarray(file) == 0, 0, 255)
    picture = decoded(data, Keep.ALPHA)
    alpha = picture.belongings.alpha
    assert alpha is not None
    assert np.array_equal(alpha, expected)
    assert {0, 255} <= set(np.unique(alpha))
    assert (picture.picture[alpha == 0] == WHITE).all()
    for format in ("png", "webp"):
        result = reopened(picture.picture, format, picture.belongings)
        assert result.mode == "RGBA"
        assert np.array_equal(np.asarray(result.getchannel("A")), expected)


def test_alpha_of_heic_and_avif_is_kept() -> None:
    heic = io.BytesIO()
    from_pillow(cut_out()).save(heic, quality=-1)
    for data in (heic.getvalue(), saved(cut_out(), "AVIF", quality=100)):
        alpha = decoded(data, Keep.ALPHA).belongings.alpha
        assert alpha is not None
        assert difference(alpha, np.asarray(cut_out().getchannel("A"))) < 2


@pytest.mark.parametrize(("color", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_pictures_of_16_bits_keep_profile_and_alpha_with_8_bits(color: int, channels: int) -> None:
    samples = np.full((64, 64, channels), 0x8100, ">u2")
    if channels != 3:
        samples[:32, :, -1] = 0
        samples[32:, :, -1] = 0xFFFF
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    profile = chunk(b"iCCP", b"P3\0\0" + zlib.compress(P3))
    data = png(64, 64, profile, pixels=rows, depth=16, color=color)
    picture = decoded(data, Keep.ALPHA | Keep.PROFILE)
    alpha = picture.belongings.alpha
    assert (alpha is None) == (channels == 3)
    assert alpha is None or (alpha[0, 0], alpha[-1, 0]) == (0, 255)
    assert picture.belongings.profile == P3
    assert abs(int(picture.picture[-1, 0, 0]) - 0x81) <= 1


def test_colors_of_half_transparent_parts_stay_those_of_the_file() -> None:
    """Over white, they would be pale on every other ground."""
    data = saved(cut_out())
    kept, white = decoded(data, Keep.ALPHA).picture, decoded(data, Keep.NOTHING).picture
    half = np.s_[10:14, 10:-10]
    own = np.asarray(cut_out())[half][..., :3]
    assert difference(kept[half], own) == 0
    assert difference(white[half], own) > 20


def test_colors_of_transparent_parts_do_not_reach_into_a_smaller_picture() -> None:
    red_around_green = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    red_around_green.paste((0, 255, 0, 255), (16, 16, 48, 48))
    picture = decoded(saved(red_around_green), Keep.ALPHA, 21)
    alpha = picture.belongings.alpha
    assert alpha is not None
    assert (picture.picture[alpha > 8] == (0, 255, 0)).all()


@pytest.mark.parametrize("image", [photo(64, 64), photo(64, 64).convert("RGBA"), photo(64, 64).convert("LA")])
def test_an_opaque_picture_gets_no_alpha(image: Image.Image) -> None:
    kept, usual = (decoded(saved(image), keep) for keep in (Keep.ALPHA, Keep.NOTHING))
    assert kept.belongings.alpha is None
    assert np.array_equal(kept.picture, usual.picture)


def test_the_alpha_is_turned_and_scaled_with_its_picture() -> None:
    half = Image.new("RGBA", (96, 64), (9, 99, 199, 255))
    half.paste((0, 0, 0, 0), (0, 0, 48, 64))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = decoded(saved(half, exif=exif), Keep.ALPHA, 48)
    alpha = picture.belongings.alpha
    assert alpha is not None
    assert alpha.shape == picture.picture.shape[:2] == (48, 32)
    assert alpha[:22].max() < 5
    assert alpha[26:].min() > 250


def test_alpha_and_profile_are_kept_together() -> None:
    picture = decoded(saved(cut_out(), icc_profile=P3), Keep.ALPHA | Keep.PROFILE)
    file = reopened(painted_in(P3, picture.picture), "png", picture.belongings)
    assert (file.mode, file.info["icc_profile"]) == ("RGBA", P3)
    own = np.asarray(cut_out())
    assert np.abs(np.asarray(file, int) - own)[20:-20, 20:-20].mean() < 3
