"""What pictures are called, and the files that they become: <photo>--<style>.jpg, or else ...-2.jpg."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from client.folder.digests import digest_of
from shared.policy.file_names import TakenPaths, portable_name, same_name

NAME_CHARACTERS = 512  # as much as a job's metadata takes
STEM_BYTES = 100  # of each of the two names in a file name; file systems take 255 in all


def name_of(picture: Path | str) -> str:
    """The last part of the path or URL, for people to recognize the picture by."""
    path = picture.name if isinstance(picture, Path) else unquote(urlsplit(picture).path)
    return "".join(filter(str.isprintable, PurePosixPath(path).name))[:NAME_CHARACTERS]


def files_for(names: tuple[str, ...], folder: PurePosixPath, suffix: str) -> Iterator[PurePosixPath]:
    """The files that a picture made of these may become, best first; endless."""
    stem = "--".join(map(_stem, names))
    yield folder / f"{stem}{suffix}"
    yield from (folder / f"{stem}-{number}{suffix}" for number in count(2))


def safe_folder(key: str) -> PurePosixPath:
    """Return the folders of an object's key as folders of ours, which lead nowhere else."""
    parts = (portable_name(part, STEM_BYTES) for part in key.split("/")[:-1])
    return PurePosixPath(*filter(None, parts))


def _stem(name: str) -> str:
    """Without the suffix, as a name that file systems take."""
    return portable_name(PurePosixPath(name).stem, STEM_BYTES) or "picture"


class FileNames:
    """Gives each picture a file below `root` that is its own on every file system."""

    def __init__(self, root: Path, given: Iterable[str] = ()) -> None:
        """`given` are the files of pictures that have one already."""
        self._root = root
        self._taken = TakenPaths(given)
        self._there: dict[PurePosixPath, frozenset[str]] = {}

    def give(self, candidates: Iterator[PurePosixPath], sha256: str | None = None) -> PurePosixPath:
        """The first that no picture has, and no other file, unless it is this very picture, saved before."""
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
        """What was there when the first name in this folder was given."""
        if folder not in self._there:
            path = self._root / folder
            names = (same_name(each.name) for each in path.iterdir()) if path.is_dir() else ()
            self._there[folder] = frozenset(names)
        return self._there[folder]
