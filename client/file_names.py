"""What pictures are called, and the files that they become: <photo>--<style>.jpg, or else ...-2.jpg."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

NAME_CHARACTERS = 512  # as much as a job's metadata takes
STEM_BYTES = 100  # of each of the two names in a file name; file systems take 255 in all


def name_of(picture: Path | str) -> str:
    """The last part of the path or URL, for people to recognize the picture by."""
    path = picture.name if isinstance(picture, Path) else unquote(urlsplit(picture).path)
    return "".join(filter(str.isprintable, PurePosixPath(path).name))[:NAME_CHARACTERS]


def files_for(names: tuple[str, ...], folder: Path, suffix: str) -> Iterator[Path]:
    """The files that a picture made of these may become, best first; endless."""
    stem = "--".join(map(_stem, names))
    yield folder / f"{stem}{suffix}"
    yield from (folder / f"{stem}-{number}{suffix}" for number in count(2))


def _stem(name: str) -> str:
    """Without the suffix, cut to a length that file systems take."""
    return PurePosixPath(name).stem.encode()[:STEM_BYTES].decode(errors="ignore") or "picture"
