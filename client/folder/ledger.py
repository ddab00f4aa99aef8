"""The manifest while a command works on it. Changes are written within seconds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from client.folder.manifest import FILE_NAME, Manifest, Picture, PictureStatus, write_manifest

SECONDS_BETWEEN_WRITES = 2.0
SHARE_OF_TIME = 0.05  # limit for the time of writing, because 50,000 pictures take a while
ASKED_AGAIN = frozenset(
    {PictureStatus.UNSAVED, PictureStatus.FAILED, PictureStatus.CANCELED, PictureStatus.EXPIRED}
)


class Ledger:
    """A manifest and its counts, for one thread."""

    def __init__(self, manifest: Manifest, folder: Path) -> None:
        self.manifest = manifest
        self.folder = folder
        self.told: set[int | None] = set()  # lines whose end this command has reported
        self.counts = Counter(picture.status for picture in manifest.pictures)
        self._places = _places(manifest)
        self._next_write = 0.0

    @property
    def path(self) -> Path:
        return self.folder / FILE_NAME

    @property
    def settled(self) -> int:
        """The number of pictures that need no more waiting."""
        return len(self.manifest.pictures) - self.counts[PictureStatus.WAITING]

    def with_status(self, *wanted: PictureStatus) -> list[Picture]:
        return [picture for picture in self.manifest.pictures if picture.status in wanted]

    def note(self, **members: Any) -> None:
        """Change members of the manifest and write it to the disk."""
        self.manifest = self.manifest.model_copy(update=members)
        self.counts = Counter(picture.status for picture in self.manifest.pictures)
        self._places = _places(self.manifest)
        self.write()

    def put(self, picture: Picture) -> None:
        """Replace the picture of the same line, or add it if the line is new."""
        pictures = self.manifest.pictures
        place = self._places.setdefault(picture.line or 0, len(pictures))
        if place == len(pictures):
            pictures.append(picture)
        else:
            self.counts[pictures[place].status] -= 1
            pictures[place] = picture
        self.counts[picture.status] += 1
        self.told.add(picture.line)
        if time.monotonic() >= self._next_write:
            self.write()

    def forget(self) -> None:
        """Forget what was to be made, because the service accepted nothing."""
        saved = self.with_status(PictureStatus.SAVED)
        if saved:
            self.note(pictures=saved, sent_at=None, batch_id=None)
        else:
            self.path.unlink(missing_ok=True)

    def look_for_files(self) -> None:
        """Let pictures wait again whose saved files are gone."""

        def is_gone(picture: Picture) -> bool:
            return picture.status is PictureStatus.SAVED and not (self.folder / picture.file).is_file()

        self._wait_again(is_gone)

    def reopen(self) -> None:
        """Let all pictures wait again that have no file but may get one."""
        self._wait_again(lambda picture: picture.status in ASKED_AGAIN)

    def _wait_again(self, which: Callable[[Picture], bool]) -> None:
        places = [place for place, picture in enumerate(self.manifest.pictures) if which(picture)]
        if places:
            pictures = list(self.manifest.pictures)
            for place in places:
                again = {"status": PictureStatus.WAITING, "error": None}
                pictures[place] = pictures[place].model_copy(update=again)
            self.note(pictures=pictures, harvested=False)

    def write(self) -> None:
        """Write the manifest. Raise CannotWrite if the disk is full or the folder read-only."""
        begin = time.monotonic()
        write_manifest(self.manifest, self.folder)
        end = time.monotonic()
        self._next_write = end + max(SECONDS_BETWEEN_WRITES, (end - begin) / SHARE_OF_TIME)


def _places(manifest: Manifest) -> dict[int, int]:
    """Return the index of each line's picture."""
    return {picture.line: place for place, picture in enumerate(manifest.pictures) if picture.line}
