"""An order: every photo in every style, each to a file of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from uuid import uuid4

from client.folder.file_names import FileNames, files_for, name_of
from client.folder.inputs import Input
from client.folder.manifest import Manifest, Picture, PictureError, PictureStatus, Wishes
from client.folder.pictures import SUFFIXES
from client.folder.skipped import Skipped
from shared.wire.descriptors import UploadRequest

Reading = UploadRequest | PictureError  # a file's digest, or why it cannot be used


@dataclass(frozen=True)
class Order:
    """The pictures that one command asks for. With a `prefix`, the service finds the inputs."""

    inputs: tuple[Input, ...]
    styles: tuple[Input, ...]
    wishes: Wishes
    prefix: str | None = None
    webhook: str | None = None
    skipped: tuple[Skipped, ...] = ()  # found beside the inputs and styles

    def files(self) -> list[str]:
        """Return the paths of all pictures that are files, each once."""
        return list({picture.name: None for picture in (*self.inputs, *self.styles) if picture.is_file})

    def digest(self, readings: Mapping[str, Reading]) -> str:
        """Return a digest of the pictures, names and wishes. The folder of the command does not matter."""

        def identity(picture: Input) -> list[str]:
            reading = readings.get(picture.name)
            content = reading.sha256 if isinstance(reading, UploadRequest) else picture.name
            return [str(picture.folder / name_of(_named(picture))), content]

        parts = {
            "inputs": list(map(identity, self.inputs)),
            "styles": list(map(identity, self.styles)),
            "prefix": self.prefix,
            "wishes": self.wishes.model_dump(mode="json", exclude_defaults=True),
            **({"webhook": self.webhook} if self.webhook else {}),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def manifest(self, readings: Mapping[str, Reading], api: str, folder: Path) -> Manifest:
        """Return a manifest of which nothing is submitted; `folder` is that of the results."""
        return Manifest(
            api=api,
            digest=self.digest(readings),
            idempotency_key=uuid4().hex,
            working_folder=str(Path.cwd()),
            wishes=self.wishes,
            webhook=self.webhook,
            prefix=self.prefix,
            styles=tuple(style.name for style in self.styles),
            files={
                name: reading
                for name, reading in sorted(readings.items())
                if isinstance(reading, UploadRequest)
            },
            skipped=self.skipped,
            pictures=list(self._pictures(readings, FileNames(folder))),
        )

    def _pictures(self, readings: Mapping[str, Reading], names: FileNames) -> Iterator[Picture]:
        suffix = suffix_for(self.wishes)
        for photo, style in product(self.inputs, self.styles):
            called = (name_of(_named(photo)), name_of(_named(style)))
            file = names.give(files_for(called, photo.folder, suffix))
            picture = Picture(input=photo.name, style=style.name, file=str(file))
            reading = readings.get(photo.name)
            yield unusable(picture, reading) if isinstance(reading, PictureError) else picture


def unusable(picture: Picture, error: PictureError) -> Picture:
    return picture.model_copy(update={"status": PictureStatus.UNUSABLE, "line": None, "error": error})


def suffix_for(wishes: Wishes) -> str:
    return SUFFIXES[f"image/{wishes.output.format}"]


def _named(picture: Input) -> Path | str:
    return Path(picture.name) if picture.is_file else picture.name
