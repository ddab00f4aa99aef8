"""An order: every photo in every style, each to a file of its own."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path, PurePosixPath
from uuid import uuid4

from client.folder.file_names import FileNames, files_for
from client.folder.growth import Before
from client.folder.inputs import URL_SCHEMES, Input, shown_name
from client.folder.manifest import OF_A_PICTURE, Manifest, Picture, PictureError, PictureStatus, Wishes
from client.folder.pictures import SUFFIXES
from client.folder.skipped import Skipped
from client.folder.style_names import picture_names, style_names
from shared.wire.descriptors import UploadRequest
from shared.wire.params import Params

Reading = UploadRequest | PictureError  # a file's digest, or why it cannot be used


@dataclass(frozen=True)
class Order:
    """The pictures that one command asks for. With a `prefix`, the service finds the inputs."""

    inputs: tuple[Input, ...]
    styles: tuple[Input, ...]
    wishes: Wishes
    ways: tuple[Params, ...]  # in which each photo is painted in each style; the wishes have the first
    prefix: str | None = None
    webhook: str | None = None
    skipped: tuple[Skipped, ...] = ()  # found beside the inputs and styles

    def files(self) -> list[str]:
        """Return the paths of all pictures that are files, each once."""
        names = [name for picture in (*self.inputs, *self.styles) for name in picture.pictures]
        return list({name: None for name in names if not name.startswith(URL_SCHEMES)})

    def digest(self, readings: Mapping[str, Reading]) -> str:
        """Return a digest of the pictures, names and wishes. The folder of the command does not matter."""

        def identity(picture: Input) -> list[str]:
            found = ((name, readings.get(name)) for name in picture.pictures)
            contents = [each.sha256 if isinstance(each, UploadRequest) else name for name, each in found]
            return [str(picture.folder / shown_name(picture.name)), *contents]

        parts = {
            "inputs": list(map(identity, self.inputs)),
            "styles": list(map(identity, self.styles)),
            "prefix": self.prefix,
            "wishes": self.wishes.model_dump(mode="json", exclude_defaults=True),
            **({"webhook": self.webhook} if self.webhook else {}),
            **({"ways": [dict(way) for way in self.ways]} if len(self.ways) > 1 else {}),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def manifest(
        self, readings: Mapping[str, Reading], api: str, folder: Path, old: Manifest | None = None
    ) -> Manifest:
        """Return a manifest of which nothing is submitted; `folder` is that of the results.

        What `old` has saved there is not made again.
        """
        files = {name: each for name, each in sorted(readings.items()) if isinstance(each, UploadRequest)}
        before = Before(old, files, folder)
        kept = before.kept()
        names = FileNames(folder, (picture.file for picture in kept))
        styles = dict.fromkeys([*(style.name for style in self.styles), *(each.style for each in kept)])
        called = dict(zip(styles, style_names(list(styles)), strict=True))
        pictures = list(self._pictures(readings, names, before, called))
        wanted = {picture.file for picture in pictures}
        others = [picture for picture in kept if picture.file not in wanted]
        return Manifest(
            api=api,
            digest=self.digest(readings),
            idempotency_key=uuid4().hex,
            working_folder=str(Path.cwd()),
            wishes=self.wishes,
            webhook=self.webhook,
            prefix=self.prefix,
            styles=tuple(style.name for style in self.styles),
            files={**before.files_of(others), **files},
            skipped=self.skipped,
            pictures=[*pictures, *(picture.model_copy(update={"line": None}) for picture in others)],
        )

    def _pictures(
        self, readings: Mapping[str, Reading], names: FileNames, before: Before, called: Mapping[str, str]
    ) -> Iterator[Picture]:
        """Yield the picture of each photo, style and way; `called` has the names of the styles."""
        suffix, photos = suffix_for(self.wishes), self._photo_names()
        for photo, style, way in product(self.inputs, self.styles, self.ways):
            own = {member: getattr(way, member) for member in OF_A_PICTURE}
            picture = Picture(input=photo.name, style=style.name, file="", **own)
            same = before.same(photo.folder, picture)
            if same is not None:
                yield same.model_copy(update={"input": photo.name, "style": style.name, "line": None})
                continue
            details = (called[style.name], *way_words(self.ways, way))
            files = files_for(photo.folder, suffix, photos[photo], details)
            replaced = before.replaced(photo.folder, picture)
            if replaced is not None:
                files = chain([PurePosixPath(replaced.file)], files)
            file = names.give(files, replaced.sha256 if replaced else None)
            picture = picture.model_copy(update={"file": str(file)})
            reading = readings.get(photo.name)
            yield unusable(picture, reading) if isinstance(reading, PictureError) else picture

    def _photo_names(self) -> dict[Input, str]:
        """Return the names of the photos; those of one folder get different names if possible."""
        in_folder = defaultdict(list)
        for photo in self.inputs:
            in_folder[photo.folder].append(photo.name)
        names = {folder: picture_names(photos) for folder, photos in in_folder.items()}
        return {photo: names[photo.folder][photo.name] for photo in self.inputs}


def unusable(picture: Picture, error: PictureError) -> Picture:
    return picture.model_copy(update={"status": PictureStatus.UNUSABLE, "line": None, "error": error})


def way_words(ways: Sequence[Params], way: Params) -> list[str]:
    """Return the words of a file name for what is not the default, or differs among the ways of a command."""
    words = {"strength": "strength", "style_size": "size"}
    return [
        f"{word}-{getattr(way, name):g}"
        for name, word in words.items()
        if {getattr(each, name) for each in ways} != {Params.model_fields[name].default}
    ]


def suffix_for(wishes: Wishes) -> str:
    return SUFFIXES[f"image/{wishes.output.format}"]
