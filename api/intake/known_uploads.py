"""Checks that the uploads which jobs name are pictures in the bucket, with few requests to S3.

A client sends its file straight to S3, so the service must look for it. A found upload is remembered for a
while, so a style that many jobs share is looked up once. Of a few uploads the first bytes are read. Many
are looked up by one listing, and a worker finds out which of them are no pictures. While S3 does not respond,
every upload counts as good: jobs are accepted without S3, and the job fails later if a worker finds no file.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from threading import BoundedSemaphore
from typing import Any

import structlog

from api.intake.bodies import Submission
from shared.errors import PermanentError, TransientError
from shared.policy.image_formats import HEAD_BYTES, content_type_of, why_not_accepted
from shared.policy.object_keys import upload_key
from shared.request_errors import RequestError, UnsupportedMediaType, UploadMissing
from shared.storage.objects import Storage
from shared.wire.sources import UploadSource

REMEMBERED_SECONDS = 60.0
MOST_REMEMBERED = 20_000
AT_ONCE = 50_000  # ids in one look-up
FEW = 8  # uploads whose first bytes are read, one request for each
MOST_ASKING = 8  # threads that wait for S3, so a hanging S3 blocks no others
TURN_SECONDS = 1.0
REST_SECONDS = 30.0  # without a look-up, after S3 did not respond
Line = bytes | Mapping[str, Any]
Unusable = dict[str, str | None]  # why an upload is no picture, by id; None for a missing one

_UPLOAD_ID = re.compile("[0-9a-f]{64}")
_NAMED = re.compile(rb'"upload_id"\s*:\s*"([0-9a-f]{64})"')


class KnownUploads:
    """The uploads that an API process found in the bucket. Threads may share it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._known: dict[tuple[str, str], float] = {}  # expiry by owner and id
        self._asking = BoundedSemaphore(MOST_ASKING)
        self._silent_until = 0.0

    def note(self, owner: str, upload_ids: Iterable[str]) -> None:
        """Remember uploads that are in the bucket and not known to be anything but pictures."""
        until = time.monotonic() + REMEMBERED_SECONDS
        self._known |= {(owner, upload_id): until for upload_id in islice(upload_ids, MOST_REMEMBERED)}
        if len(self._known) > MOST_REMEMBERED:
            self._known = dict(islice(self._known.items(), len(self._known) - MOST_REMEMBERED, None))

    def unusable(self, owner: str, upload_ids: Iterable[str]) -> Unusable:
        """Return the uploads that are missing or no pictures; none while S3 does not respond."""
        now = time.monotonic()
        sought = sorted(each for each in upload_ids if self._known.get((owner, each), 0.0) < now)
        if not sought or now < self._silent_until or not self._asking.acquire(timeout=TURN_SECONDS):
            return {}
        try:
            unusable = self._looked_at(upload_key(owner, ""), sought)
        except (TransientError, PermanentError) as error:
            self._silent_until = time.monotonic() + REST_SECONDS
            structlog.get_logger().warning("uploads not checked", code=error.code, detail=error.detail)
            return {}
        finally:
            self._asking.release()
        self.note(owner, (each for each in sought if each not in unusable))
        return unusable

    def _looked_at(self, folder: str, sought: Sequence[str]) -> Unusable:
        if len(sought) > FEW:
            found = self._storage.found(folder, sought)
            return {each: None for each in sought if each not in found}
        heads = self._storage.beginnings(folder, sought, HEAD_BYTES)
        wrong = {each: why_not_accepted(head) for each, head in heads.items() if not content_type_of(head)}
        return {each: None for each in sought if each not in heads} | wrong


class UploadCheck:
    """Refuses the jobs of one request that name an upload which is missing or no picture."""

    def __init__(self, known_uploads: KnownUploads, owner: str) -> None:
        self._known_uploads = known_uploads
        self._owner = owner
        self._unusable: Unusable = {}

    def look(self, upload_ids: Iterable[str]) -> None:
        """Look for uploads that the jobs name."""
        rest = iter(upload_ids)
        while some := set(islice(rest, AT_ONCE)):
            self._unusable |= self._known_uploads.unusable(self._owner, some)

    def check(self, submission: Submission) -> None:
        """Check that the job's uploads are present, and pictures.

        Raises:
            UploadMissing: `look` did not find one, and no job of this request brought it.
            UnsupportedMediaType: the first bytes of one are of no accepted format.
        """
        if not self._unusable:
            return
        for file in submission.files:
            self._unusable.pop(file.upload_id, None)
        for pointer, source in submission.job.sources().items():
            if isinstance(source, UploadSource) and source.upload_id in self._unusable:
                raise _error(source.upload_id, self._unusable[source.upload_id], f"{pointer}/upload_id")


def _error(upload_id: str, why_no_picture: str | None, pointer: str) -> RequestError:
    if why_no_picture is not None:
        return UnsupportedMediaType(f"The upload {upload_id} is no picture. {why_no_picture}", pointer)
    return UploadMissing(
        f"There is no upload {upload_id}: announce it to POST /v1/uploads, send the file to the URL in the "
        "response, and submit the job then",
        pointer,
    )


def check_uploads(submission: Submission, known_uploads: KnownUploads, owner: str) -> None:
    """Check that the uploads of one job are present, and pictures; raise as `UploadCheck.check` does."""
    uploads = UploadCheck(known_uploads, owner)
    own = {file.upload_id for file in submission.files}
    sources = submission.job.sources().values()
    named = {source.upload_id for source in sources if isinstance(source, UploadSource)}
    uploads.look(named - own)
    uploads.check(submission)


def uploads_in(lines: Iterable[tuple[int, Line | RequestError]]) -> Iterator[str]:
    """Yield the uploads that lines name, before the lines are checked."""
    for _, line in lines:
        if isinstance(line, bytes):
            yield from (found.decode() for found in _NAMED.findall(line))
        elif isinstance(line, Mapping):
            yield from uploads_of(line)


def uploads_of(members: Mapping[str, Any]) -> Iterator[str]:
    """Yield the uploads that a job's members name; malformed ones are skipped."""
    styles = members.get("styles")
    sources = [members.get("content"), members.get("style"), *(styles if isinstance(styles, list) else ())]
    for source in sources:
        upload_id = source.get("upload_id") if isinstance(source, Mapping) else None
        if isinstance(upload_id, str) and _UPLOAD_ID.fullmatch(upload_id):
            yield upload_id
