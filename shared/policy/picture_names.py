"""File names: which of them name a picture that workers can stylize, and what kind the others are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

# .jpe, .jif and .jfif are JPEG files too. An .mpo file holds several of them; the first one is stylized.
PICTURE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".mpo", ".png", ".apng", ".webp"),
    *(".heic", ".heif", ".hif", ".avif", ".tif", ".tiff", ".bmp", ".gif"),
)
NO_SUFFIX = "no suffix"
OTHER = "other"
MAX_SUFFIX = 12  # characters with the dot; anything longer is part of the name


def has_picture_name(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in PICTURE_SUFFIXES


def kind_of_name(name: str) -> str:
    """Return the suffix of a file's name in lower case, or a word for a name without one."""
    suffix = PurePosixPath(name).suffix.lower()
    if not suffix:
        return NO_SUFFIX
    return suffix if len(suffix) <= MAX_SUFFIX and suffix.isprintable() else OTHER


def skipped_in_words(counts: Mapping[str, int]) -> str:
    """Return a sentence such as `6 files skipped: 2 .mp4, 4 .txt`; `counts` maps each kind to its number."""
    total = sum(counts.values())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))
    return f"{total:,} file{'s' * (total != 1)} skipped: {kinds}"
