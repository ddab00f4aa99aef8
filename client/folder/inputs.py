"""Inputs of a command: folders, patterns, files and URLs, expanded to single pictures, each once."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import TypeAdapter, ValidationError

from client.errors import NotAPicture
from client.folder.blends import parts_of, pictures_in
from client.folder.file_kinds import kind_if_no_picture
from client.folder.file_names import name_of
from client.folder.pictures import url_source
from shared.wire.batch_descriptors import Prefix

URL_SCHEMES = ("https://", "http://", "s3://")
HERE = PurePosixPath()
PREFIX: TypeAdapter[str] = TypeAdapter(Prefix)


class BadInput(Exception):
    """An argument leads to no picture; the text says why and what to write instead."""


@dataclass(frozen=True)
class Input:
    """The path or URL of a picture or the blend of several, and the sub-folder for its results."""

    name: str
    folder: PurePosixPath = HERE
    blend: bool = False

    @property
    def is_file(self) -> bool:
        return not (self.blend or self.name.startswith(URL_SCHEMES))

    @property
    def pictures(self) -> list[str]:
        """Paths and URLs: its own, or those of the blend."""
        return pictures_in(self.name) if self.blend else [self.name]


@dataclass(frozen=True)
class NoPicture:
    """A file beside the pictures of a folder or pattern; its kind is a suffix or a word."""

    path: str
    kind: str


def shown_name(picture: str) -> str:
    """Return a short name for a path, a URL or a blend."""
    blend = parts_of(picture)
    if blend:
        return "+".join(f"{shown_name(part)}:{weight}" for part, weight in blend)
    return name_of(picture if picture.startswith(URL_SCHEMES) else Path(picture))


class Found:
    """The files and URLs that arguments lead to, each once."""

    def __init__(self) -> None:
        self._pictures: dict[str, Input] = {}
        self._others: dict[str, NoPicture] = {}

    @property
    def pictures(self) -> tuple[Input, ...]:
        return tuple(self._pictures.values())

    @property
    def others(self) -> tuple[NoPicture, ...]:
        return tuple(self._others.values())

    def add(self, found: Input | NoPicture) -> None:
        if isinstance(found, NoPicture):
            self._others.setdefault(_identity(found.path), found)
        else:
            self._pictures.setdefault(_identity(found.name) if found.is_file else found.name, found)


def _identity(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - links stay as they are


def is_prefix(word: str) -> bool:
    """Return whether the service finds the pictures itself."""
    return word.startswith("s3://") and word.endswith("/")


def prefix_in(words: Sequence[str]) -> str | None:
    """Return the argument that is a folder of a bucket, if there is one.

    Raises:
        BadInput: there are other arguments, or it is not a valid folder of a bucket.
    """
    prefix = next(filter(is_prefix, words), None)
    if prefix is None:
        return None
    if len(words) > 1:
        raise BadInput(f"{prefix} must be the only PHOTO; submit the others with a command of their own")
    try:
        return PREFIX.validate_python(prefix)
    except ValidationError:
        raise BadInput(f"{prefix} is not a folder of a bucket; write it as s3://bucket/folder/") from None


def found_by(words: Iterable[str], leaving_out: Path) -> Found:
    """Return what the arguments lead to, in their order. `leaving_out` is the folder of the results.

    Raises:
        BadInput: an argument leads nowhere.
    """
    found = Found()
    for word in words:
        for each in _expanded(word, leaving_out):
            found.add(each)
    return found


def _expanded(word: str, leaving_out: Path) -> Iterable[Input | NoPicture]:
    path = Path(word)
    if word.startswith(URL_SCHEMES) and not parts_of(word):
        return [_url(word)]
    if path.is_file():
        return [_speakable(Input(word))]
    if path.is_dir():
        return _sorted_out(path, _files_below(path), leaving_out, f"the folder {word} is empty")
    if parts_of(word):
        return [_blend(word)]
    if not glob.has_magic(word):
        raise BadInput(f"there is no file {word}")
    matches = map(Path, glob.iglob(word, recursive=True))  # noqa: PTH207 - a pattern may begin at the root
    files = (match for match in matches if not match.is_dir())
    return _sorted_out(_fixed_part(word), files, leaving_out, f"no file matches {word}")


def _speakable(picture: Input) -> Input:
    """Refuse a file name that is not UTF-8, because JSON cannot hold it."""
    try:
        picture.name.encode()
    except UnicodeEncodeError:
        raise BadInput(f"the name {picture.name!r} is not UTF-8; rename the file") from None
    return picture


def _blend(word: str) -> Input:
    """Return the blend, whose styles are files or URLs."""
    for picture in pictures_in(word):
        if picture.startswith(URL_SCHEMES):
            _url(picture)
        elif not Path(picture).is_file():
            raise BadInput(f"there is no file {picture}, a style of the blend {word}")
    return Input(word, blend=True)


def _url(word: str) -> Input:
    if is_prefix(word):
        raise BadInput(f"{word} is a folder of a bucket; as a style, name a picture")
    try:
        url_source(word)
    except NotAPicture as error:
        raise BadInput(str(error)) from None
    if word.startswith("s3://") and "/" not in word.removeprefix("s3://"):
        raise BadInput(f"{word} names a bucket; for all pictures in it write {word}/")
    return Input(word)


def _sorted_out(
    root: Path, files: Iterable[Path], leaving_out: Path, complaint: str
) -> list[Input | NoPicture]:
    """Return the files except results, sorted; pictures with their folder below the root."""
    results = leaving_out.resolve()
    if results == root.resolve():
        raise BadInput(
            f"{leaving_out} is also --out, and results are not photos; use another, like {root / 'painted'}"
        )
    found = [_judged(file, root) for file in sorted(files) if results not in file.resolve().parents]
    if not found:
        raise BadInput(complaint)
    return found


def _judged(file: Path, root: Path) -> Input | NoPicture:
    kind = kind_if_no_picture(file)
    if kind is not None:
        return NoPicture(str(file), kind)
    return _speakable(Input(str(file), PurePosixPath(file.parent.relative_to(root).as_posix())))


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield all files except hidden ones and those in hidden folders. Do not follow links to folders."""
    for root, folders, names in os.walk(folder, onerror=_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if Path(root, name).is_symlink()]
        yield from (Path(root, name) for name in (*links, *names) if not name.startswith("."))


def _unreadable(error: OSError) -> None:
    raise BadInput(f"the folder {error.filename} cannot be read: {error.strerror}")


def _fixed_part(pattern: str) -> Path:
    """Return the folders of a pattern before its first wildcard."""
    parts = Path(pattern).parent.parts
    fixed = next((index for index, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return Path(*parts[:fixed])
