"""Files in the folders that a user names: pictures, and what the others are called."""

from __future__ import annotations

from pathlib import Path

from shared.policy.image_formats import content_type_of
from shared.policy.picture_names import NO_SUFFIX, has_picture_name, kind_of_name

BEGINNING_BYTES = 512
CONTROLS = frozenset(range(32)) - set(b"\t\n\f\r\x1b")  # characters that texts do not have


def kind_if_no_picture(path: Path) -> str | None:
    """Return a word for what is no picture, and None for a picture. The first bytes tell, not the name.

    A file that only has the name of a picture counts as one: it is damaged, and its failure will be told.
    """
    if path.is_dir():
        return "linked folder"
    if not path.is_file():
        return "broken link" if path.is_symlink() else "device"
    if has_picture_name(path.name):
        return None
    beginning = _beginning(path)
    if content_type_of(beginning):
        return None
    kind = kind_of_name(path.name)
    return "text" if kind == NO_SUFFIX and _is_text(beginning) else kind


def _beginning(path: Path) -> bytes:
    """Its first bytes; none of a file that cannot be read, whose kind its name tells."""
    try:
        with path.open("rb") as file:
            return file.read(BEGINNING_BYTES)
    except OSError:
        return b""


def _is_text(beginning: bytes) -> bool:
    return bool(beginning) and CONTROLS.isdisjoint(beginning)
