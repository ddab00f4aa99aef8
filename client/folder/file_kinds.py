"""Kinds of files in a user's folders: pictures, and words for all others."""

from __future__ import annotations

from pathlib import Path

from shared.policy.image_formats import content_type_of
from shared.policy.picture_names import NO_SUFFIX, has_picture_name, kind_of_name

BEGINNING_BYTES = 512
CONTROLS = frozenset(range(32)) - set(b"\t\n\f\r\x1b")  # bytes that texts do not have


def kind_if_no_picture(path: Path) -> str | None:
    """Return a word for the file's kind; None for a picture, which its first bytes show.

    A file that has only the name of a picture counts as one. It is damaged, and the command reports it.
    """
    if path.is_dir():
        return "linked folder"
    if not path.is_file():
        return "broken link" if path.is_symlink() else "device"
    if has_picture_name(path.name):
        return None
    beginning = _beginning(path)
    if content_type_of(beginning) not in (None, "image/tiff"):  # raw files of cameras begin like TIFF
        return None
    kind = kind_of_name(path.name)
    return "text" if kind == NO_SUFFIX and _is_text(beginning) else kind


def _beginning(path: Path) -> bytes:
    """Return the first bytes; empty if the file cannot be read. Then its name tells its kind."""
    try:
        with path.open("rb") as file:
            return file.read(BEGINNING_BYTES)
    except OSError:
        return b""


def _is_text(beginning: bytes) -> bool:
    return bool(beginning) and CONTROLS.isdisjoint(beginning)
