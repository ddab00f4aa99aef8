"""What pictures are called, and the files that they become: <photo>--<style>.jpg, or else ...-2.jpg."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from client.digests import digest_of

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
    """The folders of an object's key as folders of ours, which lead nowhere else."""
    parts = ("".join(filter(str.isprintable, part)) for part in PurePosixPath(key).parent.parts)
    return PurePosixPath(*(_cut(part) for part in parts if part.strip("./\\")))


def _stem(name: str) -> str:
    """Without the suffix, cut to a length that file systems take."""
    return _cut(PurePosixPath(name).stem) or "picture"


def _cut(name: str) -> str:
    return name.encode()[:STEM_BYTES].decode(errors="ignore")


class FileNames:
    """Gives each picture a file below `root` that is its own: some file systems take upper and lower case for
    the same.
    """

    def __init__(self, root: Path, given: Iterable[str] = ()) -> None:
        """`given` are the files of pictures that have one already."""
        self._root = root
        self._given = {file.casefold() for file in given}
        self._there: dict[PurePosixPath, frozenset[str]] = {}

    def give(self, candidates: Iterator[PurePosixPath], sha256: str | None = None) -> PurePosixPath:
        """The first that no picture has, and no other file, unless it is this very picture, saved before."""
        file = next(file for file in candidates if self._is_free(file, sha256))
        self._given.add(str(file).casefold())
        return file

    def _is_free(self, file: PurePosixPath, sha256: str | None) -> bool:
        if str(file).casefold() in self._given:
            return False
        if file.name.casefold() not in self._names_in(file.parent):
            return True
        return sha256 is not None and digest_of(self._root / file) == sha256

    def _names_in(self, folder: PurePosixPath) -> frozenset[str]:
        """What was there when the first name in this folder was given."""
        if folder not in self._there:
            path = self._root / folder
            names = (each.name.casefold() for each in path.iterdir()) if path.is_dir() else ()
            self._there[folder] = frozenset(names)
        return self._there[folder]
