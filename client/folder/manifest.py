"""DIR/manifest.json: the order of one `submit`, and the state of each picture.

It is all that a command needs to go on after it was killed at any moment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from client.errors import BadManifest
from client.folder.blends import pictures_in
from client.folder.partial_files import replacing
from client.folder.skipped import Skipped
from shared.redaction import shown_url
from shared.wire.descriptors import Lane, Output, UploadRequest
from shared.wire.loss_records import LossValues
from shared.wire.params import Params
from shared.wire.records import JobWarning

FILE_NAME = "manifest.json"
OPTIONS_OF_OUTPUT = {"alpha": "output_alpha"}  # params have an `alpha`, too
OF_A_PICTURE = ("strength", "style_size")  # params that a command may give several values


class PictureStatus(StrEnum):
    WAITING = "waiting"  # its end is not known yet
    SAVED = "saved"  # the file is there, with the right digest
    UNSAVED = "unsaved"  # it was painted, but could not be downloaded or written; `resume` tries again
    FAILED = "failed"  # its job ended without a picture
    CANCELED = "canceled"  # its job was canceled
    EXPIRED = "expired"  # its job did not start in time
    REJECTED = "rejected"  # the service made no job of its line
    UNUSABLE = "unusable"  # its photo could not be read or uploaded; it was not submitted


OPEN = frozenset({PictureStatus.WAITING, PictureStatus.UNSAVED})
WITHOUT_FILE = (  # the most important ones first
    PictureStatus.UNUSABLE,
    PictureStatus.REJECTED,
    PictureStatus.FAILED,
    PictureStatus.UNSAVED,
    PictureStatus.EXPIRED,
    PictureStatus.CANCELED,
)


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class PictureError(Part):
    code: str
    detail: str
    retryable: bool = True  # False if a retry of the job cannot help


class Picture(Part):
    """A picture to make."""

    input: str  # the photo's URL, or its path as the user wrote it or as it was found below a folder
    style: str
    file: str  # the path of the result below the manifest's folder
    line: int | None = None  # in the batch, counted from 1; None before the batch is sent
    job_id: str | None = None
    status: PictureStatus = PictureStatus.WAITING
    sha256: str | None = None  # of the painted picture
    error: PictureError | None = None
    strength: float | None = None  # None: that of the wishes, as for style_size
    style_size: int | None = None
    losses: LossValues | None = None
    warnings: tuple[JobWarning, ...] = ()  # about the files that it was painted from
    scaled_pixels: tuple[int, int] | None = None  # of the photo and of the picture, if it was scaled down

    @property
    def sources(self) -> tuple[str, ...]:
        """The paths and URLs that the picture is made of."""
        return (self.input, *pictures_in(self.style))

    @property
    def shown_input(self) -> str:
        """The photo as people are told of it: a URL without its query."""
        is_url = self.input.startswith(("https://", "http://"))
        return shown_url(self.input) if is_url else self.input

    def params(self, wished: Params) -> Params:
        """Return the params of the picture's job."""
        own = {name: value for name in OF_A_PICTURE if (value := getattr(self, name)) is not None}
        return wished.model_copy(update=own)

    def of_its_own(self, wished: Params) -> Picture:
        """Return the picture with its own strength and style size, which no longer follow the wishes."""
        params = self.params(wished)
        return self.model_copy(update={name: getattr(params, name) for name in OF_A_PICTURE})


class Wishes(Part):
    """The options that all pictures of a command share."""

    params: Params
    output: Output
    lane: Lane
    keep_time: bool = False  # each result gets the time of its photograph's file

    def for_the_service(self) -> dict[str, Any]:
        """Return the members of jobs that differ from the defaults."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude={"keep_time"})

    def members(self) -> dict[str, Any]:
        """Return all options by name, except those that pictures of one command may have of their own."""
        output = {OPTIONS_OF_OUTPUT.get(name, name): value for name, value in self.output}
        own = {"lane": self.lane.value, "keep_time": self.keep_time}
        options = {**dict(self.params), **output, **own}
        return {name: value for name, value in options.items() if name not in OF_A_PICTURE}


class Manifest(Part):
    version: Literal[1] = 1
    api: str
    digest: str  # of the order; the same command has the same digest
    idempotency_key: str
    sent_at: datetime | None = None  # just before the first try to send the batch
    batch_id: str | None = None
    harvested: bool = False  # all jobs of the batch have ended, and all results were seen
    working_folder: str  # to which the paths of inputs and styles are relative
    wishes: Wishes
    webhook: str | None = None  # the URL that the service calls when the batch ends
    prefix: str | None = None  # below it the service finds the inputs; it names them with the results
    styles: tuple[str, ...]
    files: dict[str, UploadRequest]  # inputs and styles that are files, by their paths
    skipped: tuple[Skipped, ...] = ()
    pictures: list[Picture]

    @property
    def needed_files(self) -> dict[str, UploadRequest]:
        """The files of which pictures are still to be made."""
        if self.prefix is not None:
            return self.files
        wanted = (picture for picture in self.pictures if picture.status is PictureStatus.WAITING)
        names = {name for each in wanted for name in each.sources}
        return {name: file for name, file in self.files.items() if name in names}

    @property
    def complete(self) -> bool:
        """Return whether nothing is left to do but to retry failed jobs."""
        return self.harvested and not any(picture.status in OPEN for picture in self.pictures)


def read_manifest(folder: Path) -> Manifest | None:
    """Return the folder's manifest; None if the folder has no manifest.

    Raises:
        BadManifest: the file cannot be read or understood.
    """
    path = folder / FILE_NAME
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadManifest(f"{path} cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        raise BadManifest(
            f"{path} was not written by this version of stylequeue; choose another folder"
        ) from error


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write the whole file or nothing, and flush it to the disk."""
    with replacing(folder / FILE_NAME) as partial, partial.open("x", encoding="utf-8") as file:
        file.writelines(_lines(manifest))
        file.flush()
        os.fsync(file.fileno())


def _lines(manifest: Manifest) -> Iterator[str]:
    """Yield JSON with one line for each picture, so the whole is never in memory."""
    head = manifest.model_copy(update={"pictures": []}).model_dump_json(indent=1)
    pictures = (picture.model_dump_json() for picture in manifest.pictures)
    yield head.removesuffix("[]\n}")
    yield "["
    yield from chain.from_iterable(
        (",\n  " if index else "\n  ", each) for index, each in enumerate(pictures)
    )
    yield "\n ]\n}\n"
