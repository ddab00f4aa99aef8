"""Names of files: which are those of pictures that workers can paint, and what the others are called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

# .jpe, .jif and .jfif are names of JPEG files too; of the pictures in an .mpo file, the first is painted.
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".mpo", ".png", ".webp")
NO_SUFFIX = "no suffix"
OTHER = "other"
MAX_SUFFIX = 12  # characters, the dot included; what is longer is a part of a name


def has_picture_name(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in PICTURE_SUFFIXES


def kind_of_name(name: str) -> str:
    """Return the suffix of a file's name in lower case, or a word for a name without one."""
    suffix = PurePosixPath(name).suffix.lower()
    if not suffix:
        return NO_SUFFIX
    return suffix if len(suffix) <= MAX_SUFFIX and suffix.isprintable() else OTHER


def skipped_in_words(counts: Mapping[str, int]) -> str:
    """Return `6 files skipped: 2 .mp4, 4 .txt`; `counts` are by kind."""
    total = sum(counts.values())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))
    return f"{total:,} file{'s' * (total != 1)} skipped: {kinds}"
