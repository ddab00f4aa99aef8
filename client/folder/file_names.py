"""Names of result files: <photo>--<style>.jpg, or <photo>--<style>-2.jpg if that is taken.

A strength or style size that is not the default comes behind: <photo>--<style>--strength-0.5.jpg.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from shared.policy.file_names import TakenPaths, portable_name, same_name

NAME_CHARACTERS = 512  # the limit of a job's metadata
STEM_BYTES = 100  # of each of the names of photo and style in a file name; file systems allow 255 in all


def name_of(picture: Path | str) -> str:
    """Return the last part of the path or URL, by which people know the picture."""
    path = picture.name if isinstance(picture, Path) else unquote(urlsplit(picture).path)
    return "".join(filter(str.isprintable, PurePosixPath(path).name))[:NAME_CHARACTERS]


def files_for(
    folder: PurePosixPath, suffix: str, photo: str, details: Iterable[str] = ()
) -> Iterator[PurePosixPath]:
    """Yield file names for a picture, best first, without end. `details` are style, strength and so on."""
    stem = "--".join([photo, *details])
    yield folder / f"{stem}{suffix}"
    yield from (folder / f"{stem}-{number}{suffix}" for number in count(2))


def safe_folder(key: str) -> PurePosixPath:
    """Return the folders of an object's key as a relative path that stays below its root."""
    parts = (portable_name(part, STEM_BYTES) for part in key.split("/")[:-1])
    return PurePosixPath(*filter(None, parts))


def digest_of(file: Path) -> str | None:
    """Return the SHA-256 digest in hexadecimal digits; None if there is no such file."""
    if not file.is_file():
        return None
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def stem_of(name: str) -> str:
    return portable_name(PurePosixPath(name).stem, STEM_BYTES) or "picture"


class FileNames:
    """Gives each picture its own file below `root`, which differs from all others on every file system."""

    def __init__(self, root: Path, given: Iterable[str] = ()) -> None:
        """Reserve `given`, the files that pictures already have."""
        self._root = root
        self._taken = TakenPaths(given)
        self._there: dict[PurePosixPath, frozenset[str]] = {}

    def give(self, candidates: Iterator[PurePosixPath], sha256: str | None = None) -> PurePosixPath:
        """Return the first free candidate. A file with this digest counts as free: it was saved before."""
        beside_files = (self._taken.folder(file.parent) / file.name for file in candidates)
        file = next(file for file in beside_files if self._is_free(file, sha256))
        self._taken.take(file)
        return file

    def _is_free(self, file: PurePosixPath, sha256: str | None) -> bool:
        if self._taken.is_taken(file):
            return False
        if same_name(file.name) not in self._names_in(file.parent):
            return True
        return sha256 is not None and digest_of(self._root / file) == sha256

    def _names_in(self, folder: PurePosixPath) -> frozenset[str]:
        """Return the names that were there when the first file in this folder was given."""
        if folder not in self._there:
            path = self._root / folder
            names = (same_name(each.name) for each in path.iterdir()) if path.is_dir() else ()
            self._there[folder] = frozenset(names)
        return self._there[folder]
