"""File names that are valid and distinct on Windows, macOS and Linux, made from names that clients chose."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import count
from pathlib import PurePosixPath

REPLACED = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))  # characters that Windows does not allow
# Names that Windows reserves for devices, with any suffix:
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)


def portable_name(text: str, most_bytes: int) -> str:
    """Return `text` as the name of one file or folder, or '' if no usable character remains."""
    composed = unicodedata.normalize("NFC", "".join(filter(str.isprintable, text)))
    cut = composed.translate(REPLACED).encode()[:most_bytes].decode(errors="ignore")
    name = cut.strip().rstrip(". ")  # Windows drops dots and spaces at the end
    return f"_{name}" if DEVICE.fullmatch(name) else name


def same_name(path: str) -> str:
    """Return a key that is equal for two paths if any file system treats them as the same path.

    Windows and macOS ignore case. macOS also ignores how an accented letter is composed.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


class TakenPaths:
    """The paths of one folder tree that are in use: files and the folders that contain them."""

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
        """Return whether a file or a folder has that name."""
        name = same_name(str(file))
        return name in self._files or name in self._folders

    def folder(self, wanted: PurePosixPath) -> PurePosixPath:
        """Return the folder, with a number added to each part that is already the name of a file."""
        folder = PurePosixPath()
        for step in wanted.parts:
            folder = self._beside_files(folder / step)
        return folder

    def give(self, wanted: PurePosixPath) -> PurePosixPath:
        """Take the path and return it. If it is taken, add the first free number before its suffix."""
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
