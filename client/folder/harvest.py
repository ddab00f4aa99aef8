"""Saving the results of a batch: each picture is downloaded as soon as its job has ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from client.api_client import StyleQueue
from client.errors import (
    BatchFailed,
    CannotWrite,
    RequestRefused,
    ServiceUnavailable,
    StyleQueueClientError,
    reason_of,
    why_there_is_no_picture,
)
from client.folder.file_names import FileNames, digest_of, files_for, name_of, safe_folder, stem_of
from client.folder.manifest import Manifest, Picture, PictureError, PictureStatus
from client.folder.orders import suffix_for, way_words
from client.folder.style_names import style_names
from client.http.threads import Crew
from shared.wire.batch_records import BatchStatus, BatchView, RejectedLine, ResultRow
from shared.wire.records import JobResult, JobStatus

THREADS = 8
WITHOUT_PICTURE = {
    JobStatus.FAILED: PictureStatus.FAILED,
    JobStatus.CANCELED: PictureStatus.CANCELED,
    JobStatus.EXPIRED: PictureStatus.EXPIRED,
}
Step = BatchView | Picture | tuple[Picture, ResultRow]


class Harvest:
    """Downloads the pictures of a manifest, which it only reads."""

    def __init__(self, queue: StyleQueue, manifest: Manifest, batch_id: str, folder: Path) -> None:
        self._queue = queue
        self._manifest = manifest
        self._batch_id = batch_id
        self._folder = folder
        self._pictures = {picture.line: picture for picture in manifest.pictures if picture.line}
        self._ends: dict[int, object] = {}  # the reported end of each line's job
        self._names = FileNames(folder, (picture.file for picture in manifest.pictures))

    def events(self) -> Iterator[BatchView | Picture]:
        """Yield the batch after each change, and each picture when its end is known, until all are.

        Raises:
            BatchFailed: the service could not take the batch; there are no jobs.
            ServiceUnavailable: the connection was lost and did not come back.
            CannotWrite: the disk is full or read-only.
        """
        return Crew(self._carry_out, self._steps(), THREADS).outcomes()

    def _steps(self) -> Iterator[Step]:
        unknown = {line for line, each in self._pictures.items() if each.status is PictureStatus.WAITING}
        rejected, cursor = 0, None
        for batch in self._queue.batches.changes(self._batch_id):
            yield batch
            if batch.rejected > rejected:
                rejected = batch.rejected
                for line in self._queue.batches.rejected(self._batch_id):
                    unknown.discard(line.line)
                    yield self._rejected(line)
            for row in self._queue.batches.results(self._batch_id, after=cursor):
                cursor = row.cursor
                unknown.discard(row.line)
                yield from self._step(row)
        if batch.status is BatchStatus.FAILED:
            raise BatchFailed(batch)
        yield from (_without_result(self._pictures[line]) for line in unknown)

    def _step(self, row: ResultRow) -> Iterator[Step]:
        end = (row.status, row.error, row.result and row.result.sha256)
        if self._ends.get(row.line) == end:  # after a retry, a line has two rows
            return
        self._ends[row.line] = end
        if row.line not in self._pictures and self._manifest.prefix is not None:
            self._pictures[row.line] = self._named(row)
        picture = self._pictures.get(row.line)
        if picture is not None and picture.status is not PictureStatus.SAVED:
            yield picture, row

    def _carry_out(self, step: Step) -> BatchView | Picture:
        if not isinstance(step, tuple):
            return step
        picture, row = step
        if row.result is not None:
            known = {
                "job_id": row.job_id,
                "warnings": row.result.warnings,
                "losses": row.result.losses,
                "scaled_pixels": _scaled_pixels(row.result),
            }
            return self._saved(picture.model_copy(update=known), row, row.result.sha256)
        code = row.error.code if row.error else row.status.value
        detail = row.error.detail if row.error else why_there_is_no_picture(row.status, None)
        status = WITHOUT_PICTURE.get(row.status, PictureStatus.FAILED)
        error = PictureError(code=code, detail=detail, retryable=row.error is None or row.error.retryable)
        return picture.model_copy(update={"job_id": row.job_id, "status": status, "error": error})

    def _saved(self, picture: Picture, row: ResultRow, sha256: str) -> Picture:
        file = self._folder / picture.file
        try:
            if digest_of(file) != sha256:
                self._queue.batches.save(row, file)
            self._keep_time(picture, file)
        except ServiceUnavailable:
            raise
        except (StyleQueueClientError, OSError) as error:
            if isinstance(error, CannotWrite) and error.nothing_can:
                raise
            code = error.code if isinstance(error, RequestRefused) else "not-saved"
            reason = PictureError(code=code, detail=reason_of(error))
            return picture.model_copy(update={"status": PictureStatus.UNSAVED, "error": reason})
        return picture.model_copy(update={"status": PictureStatus.SAVED, "sha256": sha256, "error": None})

    def _keep_time(self, picture: Picture, file: Path) -> None:
        """Give the result the time of its photo, if that is wanted and the photo is a file here."""
        if self._manifest.wishes.keep_time and picture.input in self._manifest.files:
            with suppress(FileNotFoundError):  # the photo is gone meanwhile
                photo = Path(self._manifest.working_folder, picture.input).stat()
                os.utime(file, ns=(photo.st_atime_ns, photo.st_mtime_ns))

    def _rejected(self, line: RejectedLine) -> Picture:
        nameless = Picture(input=line.custom_id or f"line {line.line}", style="", file="", line=line.line)
        detail = f"{line.detail} ({line.pointer})" if line.pointer else line.detail
        error = PictureError(code=line.code, detail=detail)
        picture = self._pictures.get(line.line, nameless)
        return picture.model_copy(update={"status": PictureStatus.REJECTED, "error": error})

    def _named(self, row: ResultRow) -> Picture:
        """Return a picture that the service found, named after its key below the prefix."""
        key = row.metadata.get("content_key") or row.custom_id or f"line-{row.line}"
        index = int(row.metadata.get("style_index", 1)) - 1
        style, wishes = self._manifest.styles[index], self._manifest.wishes
        details = (style_names(self._manifest.styles)[index], *way_words([wishes.params], wishes.params))
        files = files_for(safe_folder(key), suffix_for(wishes), stem_of(name_of(Path(key))), details)
        file = self._names.give(files, row.result.sha256 if row.result else None)
        return Picture(input=f"{self._manifest.prefix}{key}", style=style, file=str(file), line=row.line)


def _without_result(picture: Picture) -> Picture:
    detail = "the batch ended without a result for this line"
    error = PictureError(code="no-result", detail=detail)
    return picture.model_copy(update={"status": PictureStatus.FAILED, "error": error})


def _scaled_pixels(result: JobResult) -> tuple[int, int] | None:
    """Return the pixels of the photo and of the picture, if the photo was scaled down."""
    if not result.source_width or not result.source_height:
        return None
    return result.source_width * result.source_height, result.width * result.height
