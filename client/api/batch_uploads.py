"""Reading and uploading the files of a command, a few at a time and each content once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path

from client.api_client import StyleQueue
from client.errors import NotAPicture, RequestRefused, reason_of
from client.folder.manifest import PictureError
from client.folder.orders import Reading
from client.folder.pictures import announcement
from client.http.threads import Crew
from shared.wire.descriptors import UploadRequest

THREADS = 8
ABOUT_THE_FILE = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)


@dataclass(frozen=True)
class Sent:
    """A file that was uploaded or known, or the reason why the service does not have it."""

    sha256: str
    bytes: int  # sent; 0 if the service had it already
    error: PictureError | None = None


def read_all(paths: list[str]) -> Iterator[tuple[str, Reading]]:
    """Yield each file's digest, size and format as soon as it is read."""
    return Crew(_read, paths, THREADS).outcomes()


def send_all(
    files: Mapping[str, tuple[str, UploadRequest]], working_folder: Path, queue: StyleQueue
) -> Iterator[Sent]:
    """Upload the files, which are as `distinct` returns them; their paths are relative to the folder."""
    return Crew(partial(_send, working_folder, queue), files.values(), THREADS).outcomes()


def distinct(files: Mapping[str, UploadRequest]) -> dict[str, tuple[str, UploadRequest]]:
    """Return one path for each content, by digest."""
    return {file.sha256: (path, file) for path, file in files.items()}


def _read(path: str) -> tuple[str, Reading]:
    try:
        return path, announcement(Path(path))
    except (NotAPicture, OSError) as error:
        code = "not-a-picture" if isinstance(error, NotAPicture) else "unreadable"
        return path, PictureError(code=code, detail=reason_of(error))


def _send(working_folder: Path, queue: StyleQueue, named: tuple[str, UploadRequest]) -> Sent:
    path, file = named
    try:
        sent = queue.send(file, working_folder / path)
    except OSError as error:
        return Sent(file.sha256, 0, PictureError(code="unreadable", detail=reason_of(error)))
    except RequestRefused as refusal:
        if refusal.status not in ABOUT_THE_FILE:
            raise
        return Sent(file.sha256, 0, PictureError(code=refusal.code, detail=refusal.detail))
    return Sent(file.sha256, file.bytes if sent else 0)
