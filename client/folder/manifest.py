"""DIR/manifest.json: what one `submit` asked for, and what became of each picture. With it alone the command
can go on after it was killed at any moment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from client.errors import BadManifest
from client.folder.partial_files import replacing
from client.folder.skipped import Skipped
from shared.redaction import shown_url
from shared.wire.descriptors import Lane, Output, Params, UploadRequest
from shared.wire.records import JobWarning

FILE_NAME = "manifest.json"


class PictureStatus(StrEnum):
    WAITING = "waiting"  # nothing is known of it yet
    SAVED = "saved"  # the file is there, with the digest
    UNSAVED = "unsaved"  # it was painted, but could not be fetched or written; `resume` tries again
    FAILED = "failed"  # its job ended without a picture
    CANCELED = "canceled"  # its job was canceled
    EXPIRED = "expired"  # its job had not started in time
    REJECTED = "rejected"  # the service made no job of its line
    UNUSABLE = "unusable"  # its photo could not be read or uploaded; it was not submitted


OPEN = frozenset({PictureStatus.WAITING, PictureStatus.UNSAVED})
WITHOUT_FILE = (  # what a user wants to know first comes first
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
    retryable: bool = True  # False: trying the job again cannot help


class Picture(Part):
    """One picture to make."""

    input: str  # the photo's path, as the user wrote it or found below a folder, or its URL
    style: str
    file: str  # where it goes, below the manifest's folder
    line: int | None = None  # of the batch, counted from 1; none before the batch is sent
    job_id: str | None = None
    status: PictureStatus = PictureStatus.WAITING
    sha256: str | None = None  # of the painted picture
    error: PictureError | None = None
    warnings: tuple[JobWarning, ...] = ()  # about the files that it was painted from

    @property
    def shown_input(self) -> str:
        """The photo as a person is told of it: a URL without its query."""
        is_url = self.input.startswith(("https://", "http://"))
        return shown_url(self.input) if is_url else self.input


class Wishes(Part):
    """What all pictures of a command have in common."""

    params: Params
    output: Output
    lane: Lane


class Manifest(Part):
    version: Literal[1] = 1
    api: str
    digest: str  # of all that was asked for; the same command has the same
    idempotency_key: str
    sent_at: datetime | None = None  # just before the batch was sent for the first time
    batch_id: str | None = None
    harvested: bool = False  # all jobs of the batch have ended, and all results were seen
    working_folder: str  # what the paths of inputs and styles are relative to
    wishes: Wishes
    webhook: str | None = None  # who is told of the batch's end
    prefix: str | None = None  # instead of inputs: the service finds them and names them with the results
    styles: tuple[str, ...]
    files: dict[str, UploadRequest]  # inputs and styles that are files, by their paths
    skipped: tuple[Skipped, ...] = ()
    pictures: list[Picture]

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do, short of trying failed jobs again."""
        return self.harvested and not any(picture.status in OPEN for picture in self.pictures)


def read_manifest(folder: Path) -> Manifest | None:
    """
    Raises:
        BadManifest: the file is there and cannot be read or understood.
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
            f"{path} was not written by this version of stylequeue; take another folder"
        ) from error


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Whole or not at all, and on the disk before this returns."""
    with replacing(folder / FILE_NAME) as partial, partial.open("x", encoding="utf-8") as file:
        file.writelines(_lines(manifest))
        file.flush()
        os.fsync(file.fileno())


def _lines(manifest: Manifest) -> Iterator[str]:
    """JSON with one line for each picture, never as a whole in memory."""
    head = manifest.model_copy(update={"pictures": []}).model_dump_json(indent=1)
    pictures = (picture.model_dump_json() for picture in manifest.pictures)
    yield head.removesuffix("[]\n}")
    yield "["
    yield from chain.from_iterable(
        (",\n  " if index else "\n  ", each) for index, each in enumerate(pictures)
    )
    yield "\n ]\n}\n"
