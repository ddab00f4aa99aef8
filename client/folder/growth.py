"""A command that is given again with more photos, styles or strengths: which pictures are there already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from client.folder.inputs import shown_name
from client.folder.manifest import Manifest, Picture, PictureStatus, Wishes
from shared.wire.descriptors import UploadRequest

Files = Mapping[str, UploadRequest]
Place = tuple[str, ...]


class Before:
    """The pictures that earlier commands saved in the folder. They are compared by content, not by date."""

    def __init__(self, old: Manifest | None, files: Files, folder: Path) -> None:
        """`files` are those that the new command has read."""
        self._files, self._old_files = files, old.files if old else {}
        self._saved: dict[Place, list[Picture]] = defaultdict(list)
        for picture in _saved_in(folder, old) if old else ():
            self._saved[_place(str(PurePosixPath(picture.file).parent), picture)].append(picture)

    def same(self, folder: PurePosixPath, wanted: Picture) -> Picture | None:
        """Return the picture that was made of the same photo and style, in the same way."""
        content = _content(wanted, self._files)
        found = self._saved[_place(str(folder), wanted)]
        return next((each for each in found if _content(each, self._old_files) == content), None)

    def replaced(self, folder: PurePosixPath, wanted: Picture) -> Picture | None:
        """Return the picture that `wanted` replaces, because its photo or style has changed."""
        found = self._saved[_place(str(folder), wanted)]
        return found[0] if len(found) == 1 else None

    def kept(self) -> list[Picture]:
        """Return the saved pictures whose photo and style have not changed, wanted again or not."""
        found = (picture for pictures in self._saved.values() for picture in pictures)
        return [picture for picture in found if not self._has_changed(picture)]

    def files_of(self, pictures: list[Picture]) -> dict[str, UploadRequest]:
        names = {name for picture in pictures for name in picture.sources}
        return {name: file for name, file in self._old_files.items() if name in names}

    def _has_changed(self, picture: Picture) -> bool:
        return any(
            self._files[name].sha256 != self._old_files[name].sha256
            for name in picture.sources
            if name in self._files and name in self._old_files
        )


def differences(old: Wishes, new: Wishes) -> str:
    """Return the options that differ, as `--quality was 92 and is 50`, except those in file names."""
    before, after = old.members(), new.members()
    return ", ".join(
        f"--{name.replace('_', '-')} was {_shown(before[name])} and is {_shown(after[name])}"
        for name in after
        if before[name] != after[name]
    )


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    return str(value) if not isinstance(value, bool) else "on" if value else "off"


def _saved_in(folder: Path, old: Manifest) -> Iterator[Picture]:
    """Yield the saved pictures whose files are there, each with its own strength and style size."""
    for picture in old.pictures:
        if picture.status is PictureStatus.SAVED and (folder / picture.file).is_file():
            yield picture.of_its_own(old.wishes.params)


def _place(folder: str, picture: Picture) -> Place:
    ways = (str(picture.strength), str(picture.style_size))
    return (folder, shown_name(picture.input), shown_name(picture.style), *ways)


def _content(picture: Picture, files: Files) -> list[str]:
    return [files[name].sha256 if name in files else name for name in picture.sources]
