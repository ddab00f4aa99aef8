"""Names of files that Windows, macOS and Linux all take, whoever made them up, and that do not meet there."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import count
from pathlib import PurePosixPath

REPLACED = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))  # characters that Windows does not take
# What Windows takes for a device, whatever the suffix:
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)


def portable_name(text: str, most_bytes: int) -> str:
    """Return `text` as the name of one file or folder, or '' if nothing of it makes a name."""
    composed = unicodedata.normalize("NFC", "".join(filter(str.isprintable, text)))
    cut = composed.translate(REPLACED).encode()[:most_bytes].decode(errors="ignore")
    name = cut.strip().rstrip(". ")  # Windows drops dots and spaces at the end
    return f"_{name}" if DEVICE.fullmatch(name) else name


def same_name(path: str) -> str:
    """Return what is equal for two paths that some file system takes for the same.

    Windows and macOS do not tell upper from lower case, and macOS not an accent from a letter with an accent.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


class TakenPaths:
    """The files of one tree, and the folders that they lie in."""

    def __init__(self, files: Iterable[str] = ()) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._folder_numbers: dict[str, int] = {}
        self._numbers: Counter[str] = Counter()
        for file in files:
            self.take(PurePosixPath(file))

    def take(self, file: PurePosixPath) -> None:
        self._files.add(same_name(str(file)))
        self._folders.update(same_name(str(folder)) for folder in file.parents)

    def is_taken(self, file: PurePosixPath) -> bool:
        """Whether there is a file or a folder of that name."""
        name = same_name(str(file))
        return name in self._files or name in self._folders

    def folder(self, wanted: PurePosixPath) -> PurePosixPath:
        """Return the folder, with a number behind each of its steps that is the name of a file."""
        folder = PurePosixPath()
        for step in wanted.parts:
            folder = self._beside_files(folder / step)
        return folder

    def give(self, wanted: PurePosixPath) -> PurePosixPath:
        """Take the path, or the first one that is free with a number before its suffix, and return it."""
        path = self.folder(wanted.parent) / wanted.name
        file, name = path, same_name(str(path))
        while self.is_taken(file):
            self._numbers[name] += 1
            file = _numbered(path, self._numbers[name] + 1)
        self.take(file)
        return file

    def _beside_files(self, folder: PurePosixPath) -> PurePosixPath:
        name = same_name(str(folder))
        if name not in self._folder_numbers:
            free = (n for n in count(1) if same_name(str(_numbered(folder, n))) not in self._files)
            self._folder_numbers[name] = next(free)
        return _numbered(folder, self._folder_numbers[name])


def _numbered(path: PurePosixPath, number: int) -> PurePosixPath:
    return path.with_stem(f"{path.stem} ({number})") if number > 1 else path
