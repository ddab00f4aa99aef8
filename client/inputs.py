"""What the user names as pictures: folders, patterns, files and URLs become single pictures, each once."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import TypeAdapter, ValidationError

from client.errors import NotAPicture
from client.pictures import url_source
from shared.batch_descriptors import Prefix

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
URL_SCHEMES = ("https://", "http://", "s3://")
HERE = PurePosixPath()
PREFIX: TypeAdapter[str] = TypeAdapter(Prefix)


class BadInput(Exception):
    """A word on the command line leads to no picture; the text says why and what to write instead."""


@dataclass(frozen=True)
class Input:
    """A picture by its path or URL, and the sub-folder of the results that is meant for it."""

    name: str
    folder: PurePosixPath = HERE

    @property
    def is_file(self) -> bool:
        return not self.name.startswith(URL_SCHEMES)


def is_prefix(word: str) -> bool:
    """Whether the service is to find the pictures itself."""
    return word.startswith("s3://") and word.endswith("/")


def prefix_in(words: Sequence[str]) -> str | None:
    """Return the one word that the service is to look into, if there is one.

    Raises:
        BadInput: it stands beside others, or names no folder of a bucket.
    """
    prefix = next(filter(is_prefix, words), None)
    if prefix is None:
        return None
    if len(words) > 1:
        raise BadInput(f"{prefix} must be the only PHOTO; submit the others with a command of their own")
    try:
        return PREFIX.validate_python(prefix)
    except ValidationError:
        raise BadInput(f"{prefix} is no folder of a bucket; write it as s3://bucket/folder/") from None


def inputs_of(words: Iterable[str], leaving_out: Path) -> tuple[Input, ...]:
    """The pictures in the order of the words; `leaving_out` is the folder of the results.

    Raises:
        BadInput: a word leads to no picture.
    """
    found: dict[str, Input] = {}
    for word in words:
        for picture in map(_speakable, _expanded(word, leaving_out)):
            found.setdefault(os.path.abspath(picture.name) if picture.is_file else picture.name, picture)  # noqa: PTH100 - links stay as they are
    return tuple(found.values())


def _expanded(word: str, leaving_out: Path) -> Iterable[Input]:
    path = Path(word)
    if word.startswith(URL_SCHEMES):
        return [_url(word)]
    if path.is_file():
        return [Input(word)]
    if path.is_dir():
        return _found(path, _files_below(path), leaving_out, f"the folder {word} holds no picture")
    if not glob.has_magic(word):
        raise BadInput(f"there is no file {word}")
    matches = map(Path, glob.iglob(word, recursive=True))  # noqa: PTH207 - a pattern may begin at the root
    return _found(_fixed_part(word), matches, leaving_out, f"no picture matches {word}")


def _speakable(picture: Input) -> Input:
    """JSON has no words for a file name that is no text."""
    try:
        picture.name.encode()
    except UnicodeEncodeError:
        raise BadInput(f"the name {picture.name!r} is not UTF-8; rename the file") from None
    return picture


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


def _found(root: Path, files: Iterable[Path], leaving_out: Path, complaint: str) -> list[Input]:
    """The pictures among the files, sorted, with their place below the root."""
    results = leaving_out.resolve()
    if results == root.resolve():
        raise BadInput(
            f"{leaving_out} is --out too, and results are no photos; take another, as {root / 'painted'}"
        )
    kept = [
        Input(str(file), PurePosixPath(file.parent.relative_to(root).as_posix()))
        for file in sorted(files)
        if file.suffix.lower() in SUFFIXES and file.is_file() and results not in file.resolve().parents
    ]
    if not kept:
        raise BadInput(f"{complaint} ({', '.join(SUFFIXES)})")
    return kept


def _files_below(folder: Path) -> Iterator[Path]:
    """All files but hidden ones and those in hidden folders."""
    for root, folders, names in os.walk(folder, onerror=_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(root, name) for name in names if not name.startswith("."))


def _unreadable(error: OSError) -> None:
    raise BadInput(f"the folder {error.filename} cannot be read: {error.strerror}")


def _fixed_part(pattern: str) -> Path:
    """The folders before the first one that the pattern leaves open."""
    parts = Path(pattern).parent.parts
    fixed = next((index for index, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return Path(*parts[:fixed])
